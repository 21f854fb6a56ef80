"""``sinergi up`` and ``down``: the whole of Sinergi on this machine."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError

from sinergi_ops.console import Console, complain, say
from sinergi_ops.options import RunDir
from sinergi_ops.parts.missing import PartMissingError
from sinergi_ops.places import DIRECTORY, PACK, RUN
from sinergi_ops.ports import Ports, PortTakenError
from sinergi_ops.stack import AlreadyRunningError, Plan, Running, is_ready, is_running, read_state, stack
from sinergi_ops.supervisor import ChildFailedError, foreground, silent
from sinergi_shared.contracts.topics import DEFAULT_LANES
from sinergi_shared.directory import DirectoryError
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime.kafka import TopicsWrongError

DOWN_WITHIN_S: Final = 90.0
LOOK_EVERY_S: Final = 0.2
# What a person can mend, and reads without a traceback; anything else is a bug and shows one.
CANNOT_RUN: Final = (
    AlreadyRunningError,
    ChildFailedError,
    DirectoryError,
    KafkaError,
    PackError,
    PartMissingError,
    PortTakenError,
    TopicsWrongError,
)


def _port(name: str) -> Any:  # noqa: ANN401 - typer's option object
    return typer.Option(
        f"--{name.replace('_', '-')}-port", envvar=f"SINERGI_{name.upper()}_PORT", rich_help_panel="Port"
    )


def up(  # noqa: PLR0913 - one option a port
    *,
    run_dir: RunDir = RUN,
    pack: Annotated[Path, typer.Option(envvar="SINERGI_PACK", help="Paket wilayah. / Region pack.")] = PACK,
    directory: Annotated[
        Path, typer.Option(envvar="SINERGI_DIRECTORY", help="Sumber dan kontak. / Sources and contacts.")
    ] = DIRECTORY,
    lanes: Annotated[
        int, typer.Option(envvar="SINERGI_LANES", help="Jumlah jalur. / Lanes.", min=1, max=64)
    ] = DEFAULT_LANES,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Teruskan data terdahulu. / Go on with the data of last time.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Log hanya ke berkas. / Log lines to the files only.")
    ] = False,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Di latar. / In the background; returns when ready."),
    ] = False,
    ingest: Annotated[int, _port("ingest")] = Ports().ingest,
    router: Annotated[int, _port("router")] = Ports().router,
    notifier: Annotated[int, _port("notifier")] = Ports().notifier,
    kafka: Annotated[int, _port("kafka")] = Ports().kafka,
    kafka_controller: Annotated[int, _port("kafka_controller")] = Ports().kafka_controller,
    valkey: Annotated[int, _port("valkey")] = Ports().valkey,
    smtp: Annotated[int, _port("smtp")] = Ports().smtp,
    hooks: Annotated[int, _port("hooks")] = Ports().hooks,
) -> None:
    """Nyalakan semuanya; Ctrl-C mematikan. / Start everything on this machine; Ctrl-C stops it.

    Kafka, Valkey, penampung surat, topik, lalu router, notifier, ingest; yang mati dinyalakan lagi.
    / Kafka, Valkey, a mail sink, the topics, then router, notifier and ingest; what dies is restarted.

    Contoh / examples:

        sinergi up                      # di layar ini / in this terminal

        sinergi up --detach --keep-data

        sinergi up --kafka-port 29092   # port lain / another port
    """
    ports = Ports(ingest, router, notifier, kafka, kafka_controller, valkey, smtp, hooks)
    plan = Plan(
        run_dir.absolute(),
        ports,
        pack.absolute(),
        directory.absolute(),
        lanes,
        keep_data,
        echo=silent if quiet else Console().line,
        told=say,
    )
    raise typer.Exit(_detach(plan) if detach else _run(plan))


def down(run_dir: RunDir = RUN) -> None:
    """Matikan yang dinyalakan `up`. / Stop what `up` started; data, mails and logs stay.

    Contoh / example:

        sinergi down
    """
    if not is_running(run_dir):
        say("tidak ada yang berjalan / nothing is running")
        return
    pid = read_state(run_dir).get("pid")
    if not isinstance(pid, int):
        complain("baru mulai / it is just starting: try again in a moment")
        raise typer.Exit(1)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + DOWN_WITHIN_S
    while is_running(run_dir) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    if is_running(run_dir):
        os.kill(pid, signal.SIGKILL)  # the kernel ends its children
        say(f"dipaksa setelah / killed after {DOWN_WITHIN_S:.0f} s")
    say("mati / stopped")


def _run(plan: Plan) -> int:
    try:
        code = foreground(_serve(plan))
    except CANNOT_RUN as problem:
        complain(str(problem))
        return 1
    say("mati / stopped")
    return 0 if code > 128 else code  # noqa: PLR2004 - Ctrl-C is how this command ends


async def _serve(plan: Plan) -> int:
    async with stack(plan) as running:
        say(_addresses(running))
        await asyncio.Event().wait()
    return 0


def _addresses(running: Running) -> str:
    return (
        f"siap / ready: ingest {running.ingest}/v1/events, router {running.router}, "
        f"notifier {running.notifier}\n"
        f"          Kafka {running.kafka}, Valkey {running.redis}, SMTP {running.smtp}\n"
        f"          surat / mails {running.mail}/new, log {running.logs}; Ctrl-C / `sinergi down`"
    )


def _detach(plan: Plan) -> int:
    """Start ``up`` in a session of its own and wait until it is ready or has ended."""
    plan.run_dir.mkdir(parents=True, exist_ok=True)
    log = plan.run_dir / "up.log"
    with log.open("w", encoding="utf-8") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "sinergi_ops", "up", "--quiet", *_options(plan)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while child.poll() is None and not is_ready(read_state(plan.run_dir), child.pid):
        time.sleep(LOOK_EVERY_S)
    print(log.read_text(encoding="utf-8"), end="", flush=True)
    return child.returncode or 0


def _options(plan: Plan) -> list[str]:
    ports = [f"--{name.replace('_', '-')}-port={port}" for name, port in asdict(plan.ports).items()]
    places = [f"--run-dir={plan.run_dir}", f"--pack={plan.pack}", f"--directory={plan.directory}"]
    return [*ports, *places, f"--lanes={plan.lanes}", *(["--keep-data"] if plan.keep_data else [])]
