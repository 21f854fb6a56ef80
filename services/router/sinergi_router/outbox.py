"""Decisions to records: alert, job, thread, status, audit and rejection, all for one transaction."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from sinergi_router.arrivals import NOTE_WITHHELD, Unread
from sinergi_router.decide import Decision
from sinergi_router.policy.alert import Alert
from sinergi_router.policy.facts import Thread
from sinergi_router.policy.requests import RequestDecision
from sinergi_router.threads import to_record
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.audit import AUDIT_TYPE
from sinergi_shared.contracts.base import WIB, format_time
from sinergi_shared.contracts.codes import Severity, Status
from sinergi_shared.contracts.envelope import CONTENT_TYPE, schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.job import JOB_TYPE
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule, Stage
from sinergi_shared.contracts.rejected import MAX_KEPT_BYTES, REJECTED_TYPE, UNREAD
from sinergi_shared.contracts.status import STATUS_TYPE
from sinergi_shared.directory import source_name
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing

Json = dict[str, Any]

SOURCE: Final = "urn:sinergi:layanan:router"
_HEADERS: Final = (("content-type", CONTENT_TYPE.encode()),)

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


def of_decision(decision: Decision, lane: int) -> Iterable[Outgoing]:
    """Yield everything that one decision publishes, alerts first."""
    thread = decision.arrived.thread_id.encode()
    exercise = decision.arrived.event.data.status is Status.EXERCISE
    for alert in decision.alerts:
        yield _alert(alert, exercise=exercise)
    if decision.alerts:
        yield Outgoing(topics.JOBS, thread, _job(decision), lane, _HEADERS)
    if decision.thread is not None:
        yield of_thread(decision.thread, lane)
    yield _status(decision)
    yield Outgoing(topics.AUDIT, None, _audit(decision), lane, _HEADERS)


def of_request(decision: RequestDecision, thread: Thread | None, lane: int) -> Iterable[Outgoing]:
    """Yield everything that a request publishes; ``thread`` is its thread as the request left it."""
    for alert in decision.alerts:
        yield _alert(alert, exercise=thread is not None and thread.status is Status.EXERCISE)
    key = decision.request.threadId.encode()
    if decision.alerts and thread is not None:
        yield Outgoing(topics.JOBS, key, _request_job(decision, thread), lane, _HEADERS)
    if decision.thread is not None:
        yield of_thread(decision.thread, lane)
    yield Outgoing(topics.AUDIT, None, _request_audit(decision, thread), lane, _HEADERS)


def of_thread(thread: Thread, lane: int) -> Outgoing:
    """Return a thread's record."""
    return Outgoing(topics.THREADS, thread.thread_id.encode(), to_record(thread), lane)


def of_expiry(thread: Thread, now: datetime, lane: int) -> Iterable[Outgoing]:
    """Yield what is published when an open thread is closed by its age; nobody but its source is told."""
    cause = _Cause(thread.thread_id, derived_uuid("expiry", thread.thread_id, format_time(now)), now)
    status: Json = {
        "eventNumber": thread.event_number,
        "revision": thread.revision,
        "state": Outcome.ROUTED,
        "reason": Reason.EVENT_EXPIRED,
        "at": _time(now),
    }
    audited: Json = {
        "threadId": thread.thread_id,
        "outcome": Outcome.ROUTED,
        "reason": Reason.EVENT_EXPIRED,
        "decidedAt": _time(now),
        "policyVersion": thread.policy_version,
    }
    value = _event(cause, STATUS_TYPE, "status", thread.event_number, status)
    yield of_thread(thread, lane)
    yield Outgoing(
        topics.status(source_name(thread.source)), thread.event_number.encode(), value, 0, _HEADERS
    )
    yield Outgoing(
        topics.AUDIT, None, _event(cause, AUDIT_TYPE, "audit", thread.thread_id, audited), lane, _HEADERS
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


def _alert(alert: Alert, *, exercise: bool) -> Outgoing:
    name = topics.drills if exercise else topics.alerts
    return Outgoing(name(alert.notice.recipient.code), alert.link.encode(), alert.full_json, 0, _HEADERS)


def _job(decision: Decision) -> bytes:
    arrived = decision.arrived
    job = {
        "threadId": arrived.thread_id,
        "eventId": arrived.event.id,
        "status": arrived.event.data.status,
        "severity": arrived.event.data.severity,
        "decidedAt": _time(decision.decided_at),
        "receivedAt": _time(arrived.received_at or decision.decided_at),
        "entries": _entries(decision.alerts),
    }
    return _event(_of(decision), JOB_TYPE, "job", arrived.event.id, job)


def _request_job(decision: RequestDecision, thread: Thread) -> bytes:
    job = {
        "threadId": thread.thread_id,
        "eventId": decision.request_id,
        "status": thread.status,
        "severity": thread.highest_severity or Severity.KRITIS,  # unknown: nobody waits for it in line
        "decidedAt": _time(decision.decided_at),
        "receivedAt": _time(decision.request.at),
        "entries": _entries(decision.alerts),
    }
    return _event(_of_request(decision), JOB_TYPE, "job", decision.request_id, job)


def _entries(alerts: Sequence[Alert]) -> list[Json]:
    # As published, byte for byte: what was written once is not written anew.
    return [
        {
            "recipient": alert.notice.recipient.code,
            "full": orjson.Fragment(alert.full_json),
            "thin": orjson.Fragment(alert.thin_json),
        }
        for alert in alerts
    ]


def _request_audit(decision: RequestDecision, thread: Thread | None) -> bytes:
    audited: Json = {
        "threadId": decision.request.threadId,
        "eventId": decision.request_id,
        "outcome": decision.outcome,
        "told": [_told(alert) for alert in decision.alerts],
        "decidedAt": _time(decision.decided_at),
        "policyVersion": decision.policy_version,
    }
    if decision.reason is not None:
        audited["reason"] = decision.reason
    if thread is not None and thread.lead is not None:
        audited["lead"] = thread.lead
    if thread is not None and thread.pointer is not None:
        audited["event"] = thread.pointer.model_dump()
    return _event(_of_request(decision), AUDIT_TYPE, "audit", decision.request_id, audited)


def _status(decision: Decision) -> Outgoing:
    event, why = decision.arrived.event, decision.unrouted
    status: Json = {
        "eventId": event.id,
        "eventNumber": event.data.eventNumber,
        "revision": event.data.revision,
        "state": decision.outcome,
        "at": _time(decision.decided_at),
    }
    if decision.arrived.note_withheld:
        status["noteWithheld"] = True
    if why is not None:
        status |= {"reason": why.reason, "fields": why.fields}
        if why.rule is not None:
            status["rule"] = why.rule
    value = _event(_of(decision), STATUS_TYPE, "status", event.data.eventNumber, status)
    return Outgoing(
        topics.status(source_name(event.source)), event.data.eventNumber.encode(), value, 0, _HEADERS
    )


def _audit(decision: Decision) -> bytes:
    arrived, area, why = decision.arrived, decision.area, decision.unrouted
    audited: Json = {
        "threadId": arrived.thread_id,
        "eventId": arrived.event.id,
        "outcome": decision.outcome,
        "reason": why.reason if why else None,
        "rule": why.rule if why else None,
        "areaSource": area.source if area else None,
        "adminCode": area.code if area else None,
        "areaConflict": area.conflict if area else False,
        "late": decision.late,
        "lead": decision.thread.lead if decision.thread and decision.alerts else None,
        "told": [_told(alert) for alert in decision.alerts],
        "event": arrived.pointer.model_dump() if arrived.pointer else None,
        "decidedAt": _time(decision.decided_at),
        "policyVersion": decision.policy_version,
    }
    kept = {key: value for key, value in audited.items() if value is not None}
    return _event(_of(decision), AUDIT_TYPE, "audit", arrived.event.id, kept)


def _told(alert: Alert) -> Json:
    notice = alert.notice
    return {
        "recipient": notice.recipient.code,
        "role": notice.role,
        "level": notice.level,
        "rule": notice.rule,
        "alertNumber": alert.number,
        "alertRevision": notice.alert_revision,
    }


@dataclass(frozen=True, slots=True)
class _Cause:
    """Behind whatever we write: the thread, the event or request that made us, and when."""

    thread: str
    id: str
    decided_at: datetime


def _of(decision: Decision) -> _Cause:
    return _Cause(decision.arrived.thread_id, decision.arrived.event.id, decision.decided_at)


def _of_request(decision: RequestDecision) -> _Cause:
    return _Cause(decision.request.threadId, decision.request_id, decision.decided_at)


def _event(cause: _Cause, kind: str, noun: str, subject: str, data: Json) -> bytes:
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": derived_uuid(noun, cause.thread, cause.id),
            "source": SOURCE,
            "type": kind,
            "subject": subject,
            "time": _time(cause.decided_at),
            "datacontenttype": "application/json",
            "dataschema": schema_uri(noun),
            "partitionkey": cause.thread,
            "correlationid": cause.thread,
            "causationid": cause.id,
            "data": data,
        }
    )


def _rejected(
    record: Record,
    document: Json,
    why: tuple[Reason, Stage, Rule | None, tuple[str, ...]],
    now: datetime,
    lane: int,
    attempts: int = 1,
) -> Outgoing:
    reason, stage, rule, fields = why
    body = record.value or b""
    told = {key: _readable(document.get(key)) for key in ("id", "source", "type")}
    mend = _MEND.get(reason, _MEND_OTHER)
    kept = reason.payload_kept and 0 < len(body) <= MAX_KEPT_BYTES
    data: Json = {
        "rejectedId": told["id"],
        "rejectedSource": told["source"],
        "rejectedType": told["type"],
        "reason": reason,
        "stage": stage,
        "fields": fields,
        "retryable": reason.retryable,
        "attempts": attempts,
        "firstSeen": _time(now),
        "payloadSha256": hashlib.sha256(body).hexdigest(),
        "payloadKept": kept,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "action": {"id": mend[0], "en": mend[1]},
    }
    if any(name == NOTE_WITHHELD for name, _ in record.headers):
        data["headers"] = {NOTE_WITHHELD: "true"}  # a replay must tell it again
    if kept:
        data["payload"] = base64.b64encode(body).decode()
    if rule is not None:
        data["rule"] = rule
    place = f"{record.topic}/{record.partition}/{record.offset}"
    envelope = {
        "specversion": "1.0",
        "id": derived_uuid("rejected", place),
        "source": SOURCE,
        "type": REJECTED_TYPE,
        "subject": told["id"],
        "time": _time(now),
        "datacontenttype": "application/json",
        "dataschema": schema_uri("rejected"),
        "partitionkey": told["source"],
        "causationid": told["id"],
        "data": data,
    }
    return Outgoing(topics.REJECTED, told["source"].encode(), orjson.dumps(envelope), lane, _HEADERS)


def _readable(value: object) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= 128 else UNREAD  # noqa: PLR2004 - as in the envelope


def _time(when: datetime) -> str:
    return format_time(when.astimezone(WIB))
