"""``sinergi rejected``: what was refused and why, and putting it back once the cause is mended."""

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer
from aiokafka.errors import KafkaError

from sinergi_ops import brokers
from sinergi_ops.options import Json
from sinergi_ops.rejected_records import (
    Found,
    Hindrance,
    NoTopicError,
    Return,
    Wanted,
    chosen,
    payload,
    put_back,
    read,
    returns,
)
from sinergi_ops.rejected_view import card, table, told
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.runtime import kafka as clients

WAIT_S: Final = 10.0
TELL_EVERY_S: Final = 2.0
_AGO: Final = re.compile(r"([0-9]{1,6})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHY: Final = {
    Hindrance.PAYLOAD_NOT_KEPT: "isi tidak disimpan; minta sumber mengirim ulang / payload not kept; ask the "
    "source to send it again",
    Hindrance.NOT_RETRYABLE: "isinya sendiri salah; sumber harus memperbaiki (--force: tetap) / the message "
    "itself is at fault; its source must mend it (--force: all the same)",
    Hindrance.NO_WAY_BACK: "asalnya bukan topik masuk / it came from no topic that takes messages back",
}

Value = TypeVar("Value")

app = typer.Typer(
    no_args_is_help=True,
    help="Lihat dan putar ulang pesan yang ditolak. / See what was refused, and replay it.",
)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        return parse_time(f"{text}T00:00:00+07:00" if _DAY.fullmatch(text) else text)
    except ValueError:
        raise typer.BadParameter(
            "tulis 2h, 3d, 2026-03-10 (WIB) atau RFC 3339 dengan zona / write 2h, 3d, 2026-03-10 (WIB) "
            "or RFC 3339 with an offset"
        ) from None


_Reason = Annotated[
    list[Reason] | None,
    typer.Option("--reason", help="Hanya alasan ini; boleh beberapa. / Only this reason; may repeat."),
]
_Source = Annotated[
    list[str] | None,
    typer.Option("--source", help="Hanya sumber ini: imi-ent.tpi atau URN. / Only this source, or its URN."),
]
_Since = Annotated[
    str | None,
    typer.Option(help="Sejak: 2h, 3d, 2026-03-10 (WIB), RFC 3339. / Since then, that moment included."),
]
_Until = Annotated[
    str | None, typer.Option(help="Sebelum saat itu, sama bentuknya. / Before then, in the same forms.")
]


@app.command("list")
def list_command(
    *,
    reason: _Reason = None,
    source: _Source = None,
    since: _Since = None,
    until: _Until = None,
    kafka: brokers.Kafka = brokers.DEFAULT,
    as_json: Json = False,
) -> None:
    """Daftar yang ditolak, terlama dulu; tanpa isinya. / What was refused, oldest first; never its content.

    Contoh / examples:

      sinergi rejected list --since 24h

      sinergi rejected list --reason POLICY_MISSING --source imi-ent.tpi

      sinergi rejected list --json | jq .reason
    """
    wanted = _wanted(reason, source, since, until)
    found = _all(kafka)
    events = chosen(found.events, wanted)
    if as_json:
        for event in events:
            print(json.dumps(told(event, with_payload=False), ensure_ascii=False))
    elif events:
        print("\n".join(table(events)))
    _aside(f"{len(events)} dari / of {len(found.events)}")


@app.command("show")
def show_command(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id, atau awalannya. / An id, or its beginning.")],
    *,
    with_payload: Annotated[
        bool,
        typer.Option(
            "--payload", help="Tunjukkan juga isinya; bisa memuat data orang. / Its content too, with care."
        ),
    ] = False,
    kafka: brokers.Kafka = brokers.DEFAULT,
    as_json: Json = False,
) -> None:
    """Satu yang ditolak: mengapa, di mana, apa yang harus dilakukan. / One of them: why, where, what to do.

    Isi pesan hanya dengan --payload. / The message's content only with --payload.

    Contoh / examples:

      sinergi rejected show 8a3f01c2

      sinergi rejected show 8a3f01c2 --payload | jq .data.situation
    """
    events = {event.id: event for event in chosen(_all(kafka).events, Wanted(ids=(id_,)))}
    if len(events) != 1:
        several = f"{len(events)} diawali begitu / begin so" if events else "tidak ada / there is none"
        _stop(f"{id_}: {several}; sinergi rejected list")
    [event] = events.values()
    body = payload(event.data) if with_payload else None
    if as_json:
        print(json.dumps(told(event, with_payload=with_payload), ensure_ascii=False))
        return
    # With --payload the content alone is on standard output, so that a pipe gets nothing else.
    print("\n".join(card(event)), file=sys.stderr if with_payload else sys.stdout)
    if body is not None:
        print(body.decode("utf-8", errors="replace"))
    elif with_payload:
        _stop(_WHY[Hindrance.PAYLOAD_NOT_KEPT])


@app.command("replay")
def replay_command(  # noqa: PLR0913 - one parameter an option
    *,
    reason: _Reason = None,
    source: _Source = None,
    since: _Since = None,
    until: _Until = None,
    ids: Annotated[
        list[str] | None, typer.Option("--id", help="Hanya id ini, atau awalannya. / Only this id.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tunjukkan saja. / Only show what would be done.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Jangan tanya. / Do not ask.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Juga yang isinya sendiri salah. / Also what cannot pass as it is written."
        ),
    ] = False,
    kafka: brokers.Kafka = brokers.DEFAULT,
    as_json: Json = False,
) -> None:
    """Kembalikan ke topik asalnya, byte dan id yang sama. / Put back where it came from, same bytes and ids.

    Perbaiki dulu sebabnya (mutakhirkan layanan, lengkapi paket). Aman diulang: yang sudah diterima
    digabung. Yang tidak dapat dikembalikan disebut dengan alasannya.

    Mend the cause first (upgrade a service, complete the pack). Safe to repeat: what was accepted
    meanwhile is merged. What cannot be put back is named, and why.

    Contoh / examples:

      sinergi rejected replay --reason POLICY_MISSING --dry-run

      sinergi rejected replay --reason VERSION_UNKNOWN --since 3d --yes

      sinergi rejected replay --id 8a3f01c2
    """
    wanted = _wanted(reason, source, since, until, ids)
    plan = returns(chosen(_all(kafka).events, wanted), force=force)
    possible = [one for one in plan if one.record is not None]
    _explain(plan, as_json=as_json)
    if possible and not dry_run:
        _confirm(len(possible), yes=yes)
        _put_back(kafka, possible)
    elif dry_run:
        _aside(f"{len(possible)} akan dikembalikan; belum dilakukan / would be put back; nothing was done")
    else:
        _aside("tidak ada yang dikembalikan / nothing to put back")
    if ids and len(possible) < len(plan):
        raise typer.Exit(1)  # somebody asked for these very ones
    if ids and not plan:
        _stop("tidak ada dengan id itu / there is none of that id; sinergi rejected list")


def _put_back(kafka: str, plan: list[Return]) -> None:
    records, progress = (
        [one.record for one in plan if one.record is not None],
        _Progress("dikembalikan / put back"),
    )
    try:
        _run(put_back(brokers.servers(kafka), records, progress))
    except (KeyboardInterrupt, typer.Exit):
        # Stored or not, a repeat is merged: the whole command may be given again.
        _aside(
            f"terhenti setelah / stopped after {progress.done} dari / of {len(records)}; ulangi / repeat it"
        )
        raise
    _aside(f"{len(records)} dikembalikan / put back")


def _confirm(count: int, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        _stop("tambahkan --yes, atau lihat dulu dengan / add --yes, or look first with --dry-run", status=2)
    if not typer.confirm(f"Kembalikan {count} pesan? / Put {count} messages back?", err=True):
        raise typer.Exit(1)


def _explain(plan: list[Return], *, as_json: bool) -> None:
    if as_json:
        for one in plan:
            print(json.dumps(_planned(one), ensure_ascii=False))
        return
    for (topic, reason), count in sorted(
        Counter((one.record.topic, one.event.data.reason) for one in plan if one.record is not None).items()
    ):
        print(f"{count:6}  {reason:18} -> {topic}")
    for (hindrance, reason), count in sorted(
        Counter((one.hindrance, one.event.data.reason) for one in plan if one.hindrance is not None).items()
    ):
        print(f"{count:6}  {reason:18} TIDAK / NOT: {_WHY[hindrance]}")


def _planned(one: Return) -> dict[str, Any]:
    to = None if one.record is None else {"topic": one.record.topic, "partition": one.record.partition}
    return {"id": one.event.id, "reason": one.event.data.reason, "to": to, "hindrance": one.hindrance}


def _wanted(
    reason: list[Reason] | None,
    source: list[str] | None,
    since: str | None,
    until: str | None,
    ids: list[str] | None = None,
) -> Wanted:
    return Wanted(
        frozenset(reason or ()), frozenset(source or ()), _moment(since), _moment(until), tuple(ids or ())
    )


def _all(kafka: str) -> Found:
    found = _run(_found(brokers.servers(kafka)))
    if found.unread:
        _aside(f"{found.unread} catatan tidak dikenal, dilewati / records that are none of ours, passed over")
    return found


async def _found(servers: list[str]) -> Found:
    await clients.wait_for_kafka(servers, WAIT_S)
    return await read(servers, _Progress("dibaca / read"))


def _run(work: Coroutine[Any, Any, Value]) -> Value:
    brokers.quiet_client()
    try:
        return asyncio.run(work)
    except NoTopicError:
        _stop(
            "topiknya belum ada; buat dengan / there is no such topic yet; make it with: sinergi topics apply"
        )
    except (clients.KafkaAwayError, KafkaError) as error:
        _stop(f"sinergi rejected: {error or type(error).__name__}")


class _Progress:
    """Tells on the screen how far it is, once it takes longer than two seconds."""

    def __init__(self, what: str) -> None:
        self.done = 0
        self._what = what
        self._told = monotonic()

    def __call__(self, done: int) -> None:
        self.done = done
        if monotonic() - self._told >= TELL_EVERY_S:
            self._told = monotonic()
            _aside(f"{done} {self._what} …")


def _aside(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _stop(text: str, status: int = 1) -> NoReturn:
    _aside(text)
    raise typer.Exit(status) from None
