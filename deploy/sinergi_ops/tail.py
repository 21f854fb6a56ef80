"""``sinergi tail``: the alerts of one agency as they come, read as that agency would read them."""

import asyncio
import difflib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sinergi_notifier import words
from sinergi_notifier.clock import clocks, told
from sinergi_ops import brokers
from sinergi_ops.places import PACK
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.alert import Alert, AlertEvent
from sinergi_shared.contracts.codes import LocationKind, Status
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.labels import Labels, Wording, read_labels
from sinergi_shared.region.tables import PackError, Tables, read_tables
from sinergi_shared.runtime import kafka as clients

WAIT_S: Final = 10.0
LEAVE_WITHIN_S: Final = 5.0
_HOME: Final = "Asia/Pontianak"
_SUPERSEDED: Final = Wording(
    "USANG: sudah ada alertRevision yang lebih baru dari peristiwa ini; abaikan.",
    "SUPERSEDED: a newer alertRevision of this event is here; ignore it.",
)


class CannotTailError(Exception):
    """There is nothing to read; says in both languages what to do."""


@dataclass(slots=True)
class Newest:
    """The newest alert of each thread so far, so that an older one that comes late is known as such."""

    revisions: dict[str, int] = field(default_factory=dict)

    def supersedes(self, event: AlertEvent) -> bool:
        """Take note of an alert, and return whether a newer one of its thread was there before."""
        newest = self.revisions.get(event.partitionkey, 0)
        self.revisions[event.partitionkey] = max(newest, event.data.alertRevision)
        return event.data.alertRevision < newest


def command(
    recipient: Annotated[str, typer.Argument(help="Kode instansi, mis. IMI-ENT. / An agency's code.")],
    *,
    drills: Annotated[
        bool, typer.Option("--drills", help="Topik latihan saja. / Exercises instead of real alerts.")
    ] = False,
    from_start: Annotated[
        bool,
        typer.Option("--from-start", help="Dari yang paling lama. / From the oldest alert that is kept."),
    ] = False,
    count: Annotated[
        int | None, typer.Option(min=1, help="Berhenti setelah sekian. / Stop after so many.")
    ] = None,
    kafka: brokers.Kafka = brokers.DEFAULT,
    pack: Annotated[Path, typer.Option(envvar="SINERGI_PACK", help="Paket wilayah. / Region pack.")] = PACK,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Satu objek JSON per peringatan. / One JSON object an alert."),
    ] = False,
) -> None:
    """Peringatan satu instansi, begitu datang; Ctrl-C menghentikan. / Watch one agency's alerts.

    Yang terlihat persis yang boleh diketahui instansi itu. alertRevision yang lebih lama ditandai usang.

    You see exactly what that agency may know. An older alertRevision is marked as superseded.

    Contoh / examples:

      sinergi tail IMI-ENT

      sinergi tail POL-61.03 --from-start --count 5

      sinergi tail IMI-ENT --json | jq .alert.data.headline
    """
    brokers.quiet_client()
    try:
        tables = read_tables(pack)
        _require_recipient(recipient, tables)
        reader = Reader(read_labels(pack, tables), as_json=as_json)
        topic = (topics.drills if drills else topics.alerts)(recipient)
        asyncio.run(_tail(brokers.servers(kafka), topic, reader, count, from_start=from_start))
    except KeyboardInterrupt:
        _aside("berhenti / stopped")
    except (PackError, CannotTailError, clients.KafkaAwayError, KafkaError) as error:
        _aside(f"sinergi tail: {error or type(error).__name__}")
        raise typer.Exit(1) from None


@dataclass(slots=True)
class Reader:
    """Shows alerts, in the words of one region pack."""

    labels: Labels
    as_json: bool
    newest: Newest = field(default_factory=Newest)
    console: Console = field(default_factory=Console)

    def show(self, value: bytes | None) -> bool:
        """Show one record; return false, and say so beside, when it is no alert that we can read."""
        try:
            event = AlertEvent.model_validate_json(value or b"")
        except ValidationError:
            return False
        superseded = self.newest.supersedes(event)
        if self.as_json:
            alert: Any = json.loads(value or b"")
            print(json.dumps({"superseded": superseded, "alert": alert}, ensure_ascii=False), flush=True)
        else:
            self.console.print(_panel(event.data, self.labels, superseded=superseded))
        return True


async def _tail(
    servers: list[str], topic: str, reader: Reader, count: int | None, *, from_start: bool
) -> None:
    await clients.wait_for_kafka(servers, WAIT_S)
    async with _at(servers, topic, from_start=from_start) as consumer:
        _aside(f"membaca / reading {topic}; Ctrl-C berhenti / stops")
        async for record in consumer:
            if not reader.show(record.value):
                _aside(f"bukan peringatan yang dikenal / not an alert we know: offset {record.offset}")
            elif count is not None and (count := count - 1) == 0:
                return


@asynccontextmanager
async def _at(servers: list[str], topic: str, *, from_start: bool) -> AsyncIterator[AIOKafkaConsumer]:
    consumer, place = clients.reader(servers), TopicPartition(topic, 0)
    try:
        await consumer.start()
        if topic not in await consumer.topics():
            raise CannotTailError(
                f"topik {topic} belum ada; buat dengan / there is no such topic yet; make it with: "
                "sinergi topics apply"
            )
        consumer.assign([place])
        await (consumer.seek_to_beginning if from_start else consumer.seek_to_end)(place)
        yield consumer
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await consumer.stop()


def _require_recipient(code: str, tables: Tables) -> None:
    known = recipients_on_bus(tables)
    if code in known:
        return
    if code in tables.recipients:
        raise CannotTailError(
            f"{code} tidak punya topik: tidak aktif atau hanya menerima ikhtisar bulanan / "
            "has no topic: it is not active, or gets a monthly summary only"
        )
    near = difflib.get_close_matches(code.upper(), known, n=3, cutoff=0.5)
    hint = f"; maksud Anda / did you mean {', '.join(near)}?" if near else ""
    raise CannotTailError(
        f"tidak ada penerima dengan kode itu di paket wilayah / no recipient of the pack has that code{hint} "
        f"(kode / codes: {', '.join(known[:5])}, …)"
    )


def _panel(alert: Alert, labels: Labels, *, superseded: bool) -> Panel:
    title = words.TITLES[alert.msgType]
    rows = Table.grid(padding=(0, 2))
    for name, value in card(alert, labels):
        rows.add_row(Text(_beside(name)), Text("\n".join(dict.fromkeys((value.id, value.en)))))
    above = [Text(f"{said.id}\n{said.en}", "bold") for said in _warnings(alert, superseded=superseded)]
    body = Group(*above, Text(alert.headline, "bold"), rows)
    return Panel(body, title=Text(f"{title.id} / {title.en}"), title_align="left", expand=False)


def _warnings(alert: Alert, *, superseded: bool) -> Iterator[Wording]:
    if superseded:
        yield _SUPERSEDED
    if alert.status is Status.EXERCISE:
        yield words.EXERCISE


def card(alert: Alert, labels: Labels) -> list[tuple[Wording, Wording]]:
    """Return the rows of an alert's card; only what the alert itself carries."""
    role = words.LEAD if alert.lead else words.ROLES[alert.recipient.role]
    severity = words.SEVERITY[alert.severity]
    number = f"{alert.alertNumber} r{alert.alertRevision}"
    event = f" ({alert.eventNumber})" if alert.eventNumber else ""  # absent for a recipient abroad
    return [
        (Wording("Tindakan", "Action"), Wording(alert.action.id, alert.action.en)),
        (Wording("Peran", "Role"), _one_line(role)),
        *(
            ()
            if alert.msgType in words.ENDING
            else ((Wording("Keparahan", "Severity"), _one_line(severity)),)
        ),
        (Wording("Lokasi", "Where"), _where(alert, labels)),
        *((Wording("Tenggat", "Due by"), due) for due in _due(alert, labels)),
        (Wording("Nomor", "Number"), _same(number + event)),
        (Wording("Tingkat", "Level"), _same(alert.disclosureLevel)),
    ]


def _due(alert: Alert, labels: Labels) -> Iterator[Wording]:
    if alert.ackDueAt is not None:
        office = labels.offices.get(alert.recipient.code)
        abroad = alert.location is not None and alert.location.kind is LocationKind.ABROAD
        yield told(alert.ackDueAt, clocks(office.timezone if office else _HOME, abroad=abroad))


def _where(alert: Alert, labels: Labels) -> Wording:
    location = alert.location
    code = (location.adminCode if location else None) or alert.routing.adminCode
    area = labels.area(code) or words.UNMAPPED
    if location is None:
        return area
    post = labels.posts.get(location.placeCode or "")
    kind = words.PLACES[location.kind] if location.kind else None
    place = Wording(post, post) if post else kind
    point = f" [{location.lat}, {location.lon}]" if location.lat is not None else ""
    if place is None:
        return Wording(f"{area.id}{point}", f"{area.en}{point}")
    return Wording(f"{area.id} ({place.id}){point}", f"{area.en} ({place.en}){point}")


def _beside(wording: Wording) -> str:
    return wording.id if wording.id == wording.en else f"{wording.id} / {wording.en}"


def _one_line(wording: Wording) -> Wording:
    return _same(_beside(wording))


def _same(text: str) -> Wording:
    return Wording(text, text)


def _aside(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
