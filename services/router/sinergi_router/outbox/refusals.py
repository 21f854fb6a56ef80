"""What the router refuses to ``sinergi.rejected.v1``: where it stood, why, and what to do."""

import base64
import hashlib
from datetime import datetime
from typing import Any, Final

import orjson

from sinergi_router.arrivals import NOTE_WITHHELD, Unread
from sinergi_router.decide import Decision
from sinergi_router.outbox.written import HEADERS, SOURCE
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import clock
from sinergi_shared.contracts.envelope import schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.reasons import Reason, Rule, Stage
from sinergi_shared.contracts.rejected import MAX_KEPT_BYTES, REJECTED_TYPE, UNREAD
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing

Json = dict[str, Any]

_MEND: Final[dict[Reason, tuple[str, str]]] = {
    Reason.ID_REUSED: (
        "Kirim isi yang berubah dengan id baru dan revisi berikutnya",
        "Publish changed content with a new id and the next revision",
    ),
    Reason.POLICY_MISSING: (
        "Operator: lengkapi mandat paket wilayah, lalu putar ulang",
        "Operator: complete the pack's mandates, then replay",
    ),
    Reason.VERSION_UNKNOWN: (
        "Operator: mutakhirkan router, lalu putar ulang",
        "Operator: upgrade the router, then replay",
    ),
}
_MEND_OTHER: Final = (
    "Perbaiki pesan lalu kirim ulang dengan id baru",
    "Mend the message and publish it again with a new id",
)


def of_rejection(decision: Decision, record: Record, lane: int) -> Outgoing:
    """Return the rejected record of an event that the router refused."""
    assert decision.unrouted is not None  # noqa: S101 - a rejection has a reason
    why = decision.unrouted
    return _rejected(
        record,
        decision.arrived.document,
        (why.reason, Stage.ROUTE, why.rule, why.fields),
        decision.decided_at,
        lane,
    )


def of_unread(unread: Unread, now: datetime, lane: int) -> Outgoing:
    """Return the rejected record of a record that held no event."""
    why = (unread.reason, unread.stage, unread.rule, unread.fields)
    return _rejected(unread.record, unread.document or {}, why, now, lane, unread.attempts)


def _rejected(
    record: Record,
    document: Json,
    why: tuple[Reason, Stage, Rule | None, tuple[str, ...]],
    now: datetime,
    lane: int,
    attempts: int = 1,
) -> Outgoing:
    told = {key: _readable(document.get(key)) for key in ("id", "source", "type")}
    data: Json = {
        "rejectedId": told["id"],
        "rejectedSource": told["source"],
        "rejectedType": told["type"],
        "attempts": attempts,
        "firstSeen": clock(now),
        **_why(*why),
        **_what_stood_there(record, why[0]),
    }
    place = f"{record.topic}/{record.partition}/{record.offset}"
    envelope = {
        "specversion": "1.0",
        "id": derived_uuid("rejected", place),
        "source": SOURCE,
        "type": REJECTED_TYPE,
        "subject": told["id"],
        "time": clock(now),
        "datacontenttype": "application/json",
        "dataschema": schema_uri("rejected"),
        "partitionkey": told["source"],
        "causationid": told["id"],
        "data": data,
    }
    return Outgoing(topics.REJECTED, told["source"].encode(), orjson.dumps(envelope), lane, HEADERS)


def _why(reason: Reason, stage: Stage, rule: Rule | None, fields: tuple[str, ...]) -> Json:
    mend = _MEND.get(reason, _MEND_OTHER)
    why: Json = {
        "reason": reason,
        "stage": stage,
        "fields": fields,
        "retryable": reason.retryable,
        "action": {"id": mend[0], "en": mend[1]},
    }
    return why if rule is None else why | {"rule": rule}


def _what_stood_there(record: Record, reason: Reason) -> Json:
    body = record.value or b""
    kept = reason.payload_kept and 0 < len(body) <= MAX_KEPT_BYTES
    stood: Json = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "payloadSha256": hashlib.sha256(body).hexdigest(),
        "payloadKept": kept,
    }
    if any(name == NOTE_WITHHELD for name, _ in record.headers):
        stood["headers"] = {NOTE_WITHHELD: "true"}  # a replay must tell it again
    if kept:
        stood["payload"] = base64.b64encode(body).decode()
    return stood


def _readable(value: object) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= 128 else UNREAD  # noqa: PLR2004 - as in the envelope
