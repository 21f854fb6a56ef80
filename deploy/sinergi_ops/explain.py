"""``sinergi explain``: what would be decided of these events, and why; nothing is sent.

The same rooms as the running services: ingest's ``admit``, then the router's ``decide``, on one
sequence in order, so that an update sees the alert before it.
"""

import json
import sys
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sinergi_ingest.admit import Admitted, Refused, admit
from sinergi_ops.places import DIRECTORY, PACK
from sinergi_router.app import load_policy
from sinergi_router.decide import Decision, decide
from sinergi_router.policy.alert import Alert
from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Arrived, Thread
from sinergi_router.policy.mandates import excluded
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.contracts.strict_json import body_digest
from sinergi_shared.directory import DirectoryError, read_directory
from sinergi_shared.region.pack import read_pack
from sinergi_shared.region.tables import PackError

Json = dict[str, Any]


def explain(
    bodies: Iterable[bytes],
    policy: Policy,
    known_sources: Collection[str],
    now: datetime | None = None,
) -> Iterator[Json]:
    """Yield for each body what becomes of it after the ones before it; shape in the architecture, 7.

    ``now`` is the time of admission and decision; without it, each event's own ``reportedAt``.
    """
    threads: dict[str, Thread] = {}
    for body in bodies:
        moment = now or _reported_at(body)
        match admit(body, known_sources, moment):
            case Refused() as refused:
                yield _refused(refused, body, policy)
            case Admitted() as admitted:
                arrived = Arrived(
                    admitted.thread_id, admitted.event, admitted.document, body_digest(admitted.document)
                )
                [decision] = decide([arrived], threads, policy, moment)
                if decision.thread is not None:
                    threads[admitted.thread_id] = decision.thread
                yield _decided(decision, policy)


def split(text: bytes) -> list[bytes]:
    """Return the events in a file: one CloudEvent, a JSON array, or JSON lines; bytes as they stand.

    What is no JSON is handed on as it is, so that its refusal is seen.
    """
    stripped = text.strip()
    if stripped.startswith(b"["):
        return _items(stripped)
    if _is_json(stripped):
        return [stripped]
    lines = [line.strip() for line in stripped.splitlines() if line.strip()]
    return lines if any(_is_json(line) for line in lines) else [stripped]


def command(
    file: Annotated[
        Path, typer.Argument(help="CloudEvent, larik JSON atau baris JSON; - dari masukan standar")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Satu objek JSON per baris / one JSON object a line")
    ] = False,
    now: Annotated[
        str | None, typer.Option(help="Saat keputusan (RFC 3339); bawaan: reportedAt tiap peristiwa")
    ] = None,
    pack: Annotated[Path, typer.Option(help="Paket wilayah / region pack")] = PACK,
    directory: Annotated[Path, typer.Option(help="Sumber terdaftar / registered sources")] = DIRECTORY,
) -> None:
    """Jelaskan keputusan tanpa mengirim apa pun / Explain the decision, send nothing.

    Contoh / examples:

      sinergi explain deploy/samples/01_tppo_pos_entikong.json

      sinergi explain --json deploy/samples/day_events.jsonl | jq .alerts

      sinergi explain --now 2026-03-10T09:00:00+07:00 - < peristiwa.json
    """
    try:
        policy = load_policy(read_pack(pack))
        sources = {source.urn for source in read_directory(directory).sources}
        moment = parse_time(now) if now else None
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except (PackError, DirectoryError, OSError, ValueError) as error:
        Console(stderr=True).print(f"sinergi explain: {error}", markup=False)
        raise typer.Exit(2) from None
    for told in explain(split(text), policy, sources, moment):
        if as_json:
            print(json.dumps(told, ensure_ascii=False))
        else:
            _show(told)


def _decided(decision: Decision, policy: Policy) -> Json:
    data, why, area = decision.arrived.event.data, decision.unrouted, decision.area
    told = {alert.notice.recipient.code for alert in decision.alerts}
    left_out = excluded(data, area, policy) if area is not None and told else []
    return {
        "id": decision.arrived.event.id,
        "eventNumber": data.eventNumber,
        "outcome": decision.outcome,
        "reason": why.reason if why else None,
        "rule": why.rule if why else None,
        "fields": list(why.fields) if why else [],
        "area": {"code": area.code, "source": area.source} if area else None,
        "severity": data.severity,
        "late": decision.late,
        "policyVersion": decision.policy_version,
        "alerts": [_told(alert) for alert in decision.alerts],
        "excluded": [
            {"recipient": one.recipient, "why": one.why} for one in left_out if one.recipient not in told
        ],
    }


def _told(alert: Alert) -> Json:
    notice = alert.notice
    return {
        "recipient": notice.recipient.code,
        "role": notice.role,
        "lead": notice.lead,
        "disclosure": notice.level,
        "ackMinutes": notice.ack_minutes,
        "rule": notice.rule,
        "alert": alert.full,
    }


def _refused(refused: Refused, body: bytes, policy: Policy) -> Json:
    return {
        "id": refused.claim.id or _readable_id(body),
        "eventNumber": refused.claim.event_number,
        "outcome": Outcome.REJECTED,
        "reason": refused.reason,
        "rule": refused.rule,
        "fields": list(refused.fields),
        "area": None,
        "severity": None,
        "late": False,
        "policyVersion": policy.version,
        "alerts": [],
        "excluded": [],
    }


def _readable_id(body: bytes) -> str | None:
    document = _loose(body)
    found = document.get("id") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None


def _reported_at(body: bytes) -> datetime:
    # Only to choose a clock: admission judges the value itself.
    document = _loose(body)
    data = document.get("data") if isinstance(document, dict) else None
    try:
        return parse_time(data.get("reportedAt") if isinstance(data, dict) else None)
    except ValueError:
        return datetime.now(UTC)


def _loose(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _items(array: bytes) -> list[bytes]:
    # Slices, not values: a duplicate key or NaN must reach admission as it was written.
    text, decoder = array.decode("utf-8", errors="surrogateescape"), json.JSONDecoder()
    found, at = [], 1
    while at < len(text):
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n,"))
        if text[at : at + 1] in {"]", ""}:
            break
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return [array]
        found.append(text[at:end].encode("utf-8", errors="surrogateescape"))
        at = end
    return found


def _show(told: Json) -> None:
    console = Console()
    reason = f" ({told['reason']})" if told["reason"] else ""
    area = told["area"] or {"code": None, "source": "-"}
    console.print(
        f"[bold]{told['eventNumber'] or told['id'] or '?'}[/]  {told['outcome']}{reason}  "
        f"wilayah/area {area['code'] or '-'} ({area['source']})  keparahan/severity {told['severity'] or '-'}"
    )
    if told["alerts"]:
        table = Table("penerima/recipient", "peran/role", "tingkat/level", "tenggat/minutes", "dasar/rule")
        for alert in told["alerts"]:
            lead = " *" if alert["lead"] else ""
            minutes = "-" if alert["ackMinutes"] is None else str(alert["ackMinutes"])
            table.add_row(
                alert["recipient"] + lead, alert["role"], alert["disclosure"], minutes, alert["rule"]
            )
        console.print(table)
    for pointer in told["fields"]:
        console.print(f"  di/at {pointer}: {told['rule']}", markup=False)
