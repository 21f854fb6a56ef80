"""``sinergi demo``: the whole of Sinergi on one day's samples, checked from outside, then stopped."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from sinergi_ops.demo.expected import judge, read_expectations
from sinergi_ops.demo.outside import Outside
from sinergi_ops.demo.replay import Sent, read_samples, replay
from sinergi_ops.demo.report import Account, Arrived, as_json, show
from sinergi_ops.parts import hooks, mail
from sinergi_ops.parts.missing import PartMissingError
from sinergi_ops.places import KEYS, LOCAL, SAMPLES
from sinergi_ops.ports import Ports, PortTakenError
from sinergi_ops.sending.fresh import freshened
from sinergi_ops.sending.senders import HttpSender, KafkaSender, read_keys
from sinergi_ops.stack import AlreadyRunningError, Plan, Running, stack
from sinergi_ops.supervisor import ChildFailedError
from sinergi_shared.directory import read_directory
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables

ROUTED_WITHIN_S: Final = 60.0
DELIVERED_WITHIN_S: Final = 60.0
_FAILURES: Final = (AlreadyRunningError, PartMissingError, PortTakenError, ChildFailedError)


class Stopwatch:
    """Says what is being done and how long each phase took."""

    def __init__(self, console: Console) -> None:
        self.seconds: dict[str, float] = {}
        self._console = console
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Print a line with the seconds since the start."""
        self._console.print(
            f"[{time.monotonic() - self._start:5.1f} s] {text}", markup=False, highlight=False
        )

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 1)


def command(
    run_dir: Annotated[
        Path, typer.Option(help="Folder untuk data, surat, laporan / for data, mails, report")
    ] = LOCAL / "demo",
    as_json_only: Annotated[
        bool, typer.Option("--json", help="Cetak laporan JSON saja / print only the report")
    ] = False,
) -> None:
    """Satu hari di perbatasan, dari awal sampai selesai. / One day at the border, start to finish.

    Mulai dari keadaan kosong: Kafka, Valkey, penampung surat dan webhook, ketiga layanan; mengirim
    semua contoh (separuh sumber lewat HTTP, separuh lewat Kafka), membaca topik tiap instansi, dan
    membandingkannya dengan hasil yang diharapkan. Lalu semuanya dimatikan.

    Starts from nothing, sends every sample, reads each agency's topic, holds it against what is
    expected, and stops. Exit status 0 only if every expected row was met and nothing else was seen.
    """
    console = Console(stderr=as_json_only)
    run_dir.mkdir(parents=True, exist_ok=True)
    (run_dir / "report.json").unlink(missing_ok=True)
    try:
        account = asyncio.run(_run(run_dir, Stopwatch(console)))
    except _FAILURES as error:
        console.print(str(error), markup=False)
        raise typer.Exit(1) from None
    told = json.dumps(as_json(account), ensure_ascii=False, indent=1)
    report = run_dir / "report.json"
    report.write_text(told + "\n", encoding="utf-8")
    if as_json_only:
        print(told)
    else:
        show(account, console)
        console.print(
            f"surat / mails: {run_dir / 'mail' / 'new'}\nlaporan / report: {report}", highlight=False
        )
    raise typer.Exit(1 if account.trouble else 0)


async def _run(run_dir: Path, watch: Stopwatch) -> Account:
    began = time.monotonic()
    plan = Plan(run_dir, Ports.free(), told=watch.say)
    async with AsyncExitStack() as held:
        with watch.phase("start"):
            running = await held.enter_async_context(stack(plan))
        account = await _day(running, watch)
        watch.say("berhenti / stopping")
    watch.seconds["total"] = round(time.monotonic() - began, 1)
    return account


async def _day(running: Running, watch: Stopwatch) -> Account:
    documents = freshened(read_samples(SAMPLES), datetime.now(UTC))
    expectations = read_expectations(SAMPLES, documents)
    sent: list[Sent] = []
    outside = _outside(running)
    reading = asyncio.create_task(outside.read())
    try:
        with watch.phase("send"):
            watch.say(f"mengirim / sending {len(documents)} pesan / messages")
            async with (
                KafkaSender(running.kafka) as by_kafka,
                HttpSender(running.ingest, read_keys(KEYS)) as by_http,
            ):
                await replay(documents, {"http": by_http, "kafka": by_kafka}, sent.append)
        with watch.phase("route"):
            watch.say("membaca topik instansi / reading the agencies' topics")
            await outside.until(lambda seen: judge(expectations, seen.rows()).good, ROUTED_WITHIN_S)
        with watch.phase("deliver"):
            watch.say("menunggu pengiriman / waiting for deliveries")
            await outside.until(lambda seen: seen.delivered(), DELIVERED_WITHIN_S)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    arrived = Arrived(len(mail.files(running.mail)), len(hooks.deliveries(running.hooks)))
    return Account(sent, outside.seen, judge(expectations, outside.seen.rows()), arrived, watch.seconds)


def _outside(running: Running) -> Outside:
    plan = running.plan
    sources = [source.name for source in read_directory(plan.own_directory).sources]
    return Outside(running.kafka, sources, recipients_on_bus(read_tables(plan.pack)), plan.lanes)
