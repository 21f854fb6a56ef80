"""Decisions to records: alert, job, thread, status, audit and rejection, all for one transaction.

Written by hand, not encoded: codes, numbers, ids and times need no escape, and each record is made
of words that are there already. Anything else goes through the encoder.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import orjson

from sinergi_router.arrivals import NOTE_WITHHELD, Unread
from sinergi_router.decide import Decision
from sinergi_router.policy.alert import Alert
from sinergi_router.policy.facts import Arrived, Thread
from sinergi_router.policy.requests import RequestDecision
from sinergi_router.threads import to_record
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.audit import AUDIT_TYPE
from sinergi_shared.contracts.base import WIB, clock, format_time
from sinergi_shared.contracts.codes import Severity, Status
from sinergi_shared.contracts.envelope import CONTENT_TYPE, schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.job import JOB_TYPE
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule, Stage
from sinergi_shared.contracts.rejected import MAX_KEPT_BYTES, REJECTED_TYPE, UNREAD
from sinergi_shared.contracts.status import STATUS_TYPE
from sinergi_shared.contracts.thread import EventPointer
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


class _Cause(NamedTuple):
    """Behind whatever we write: the thread, the event or request that made us, and when."""

    thread: str
    id: str
    decided_at: datetime


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
        if decision.thread.resolution is not None:
            yield _status_of_end(decision, decision.thread)
    yield Outgoing(topics.AUDIT, None, _request_audit(decision, thread), lane, _HEADERS)


def of_thread(thread: Thread, lane: int) -> Outgoing:
    """Return a thread's record."""
    return Outgoing(topics.THREADS, thread.thread_id.encode(), to_record(thread), lane)


def of_expiry(thread: Thread, now: datetime, lane: int) -> Iterable[Outgoing]:
    """Yield what is published when an open thread is closed by its age; nobody but its source is told."""
    cause = _Cause(thread.thread_id, derived_uuid("expiry", thread.thread_id, format_time(now)), now)
    key, at = thread.event_number.encode(), clock(now)
    status = (
        f'{_envelope(cause, STATUS_TYPE, "status", thread.event_number)},"data":{{'
        f'"eventNumber":"{thread.event_number}","revision":{thread.revision},'
        f'"state":"{Outcome.ROUTED}","reason":"{Reason.EVENT_EXPIRED}","at":"{at}"}}}}'
    )
    audited = (
        f'{_envelope(cause, AUDIT_TYPE, "audit", thread.thread_id)},"data":{{'
        f'"threadId":"{thread.thread_id}","outcome":"{Outcome.ROUTED}","reason":"{Reason.EVENT_EXPIRED}",'
        f'"decidedAt":"{at}","policyVersion":"{thread.policy_version}"}}}}'
    )
    yield of_thread(thread, lane)
    yield Outgoing(_status_topic(thread.source), key, status.encode(), 0, _HEADERS)
    yield Outgoing(topics.AUDIT, None, audited.encode(), lane, _HEADERS)


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
    topic = _drill_topic if exercise else _alert_topic
    return Outgoing(topic(alert.notice.recipient.code), alert.link.encode(), alert.full_json, 0, _HEADERS)


@cache
def _alert_topic(code: str) -> str:
    return topics.alerts(code)


@cache
def _drill_topic(code: str) -> str:
    return topics.drills(code)


def _job(decision: Decision) -> bytes:
    arrived, data = decision.arrived, decision.arrived.event.data
    job = (
        f'{{"threadId":"{arrived.thread_id}","eventId":"{arrived.event.id}","status":"{data.status}",'
        f'"severity":"{data.severity}","decidedAt":"{clock(decision.decided_at)}",'
        f'"receivedAt":"{_received(arrived, decision)}","entries":['
    )
    return _queued(_of(decision), arrived.event.id, job, decision.alerts)


def _received(arrived: Arrived, decision: Decision) -> str:
    when = arrived.received_at
    return clock(decision.decided_at) if when is None else format_time(when.astimezone(WIB))


def _request_job(decision: RequestDecision, thread: Thread) -> bytes:
    severity = thread.highest_severity or Severity.KRITIS  # unknown: nobody waits for it in line
    job = (
        f'{{"threadId":"{thread.thread_id}","eventId":"{decision.request_id}","status":"{thread.status}",'
        f'"severity":"{severity}","decidedAt":"{clock(decision.decided_at)}",'
        f'"receivedAt":"{clock(decision.request.at)}","entries":['
    )
    return _queued(_of_request(decision), decision.request_id, job, decision.alerts)


def _queued(cause: _Cause, subject: str, job: str, alerts: Sequence[Alert]) -> bytes:
    # As published, byte for byte: what was written once is not written anew.
    pieces = [f'{_envelope(cause, JOB_TYPE, "job", subject)},"data":{job}'.encode()]
    before = '{"recipient":"'
    for alert in alerts:
        pieces += (
            f'{before}{alert.notice.recipient.code}","full":'.encode(),
            alert.full_json,
            b',"thin":',
            alert.thin_json,
        )
        before = '},{"recipient":"'
    pieces.append(b"}]}}")
    return b"".join(pieces)


def _request_audit(decision: RequestDecision, thread: Thread | None) -> bytes:
    audited = (
        f'{{"threadId":"{decision.request.threadId}","eventId":"{decision.request_id}",'
        f'"outcome":"{decision.outcome}","told":[{_told(decision.alerts)}],'
        f'"decidedAt":"{clock(decision.decided_at)}","policyVersion":"{decision.policy_version}"'
    )
    if decision.reason is not None:
        audited += f',"reason":"{decision.reason}"'
    if thread is not None and thread.lead is not None:
        audited += f',"lead":"{thread.lead}"'
    if thread is not None and thread.pointer is not None:
        audited += f',"event":{_pointed(thread.pointer)}'
    envelope = _envelope(_of_request(decision), AUDIT_TYPE, "audit", decision.request_id)
    return f'{envelope},"data":{audited}}}}}'.encode()


def _status(decision: Decision) -> Outgoing:
    event, why = decision.arrived.event, decision.unrouted
    data = event.data
    status = (
        f'{{"eventId":"{event.id}","eventNumber":"{data.eventNumber}","revision":{data.revision},'
        f'"state":"{decision.outcome}","at":"{clock(decision.decided_at)}"'
    )
    if decision.arrived.note_withheld:
        status += ',"noteWithheld":true'
    if decision.resolution is not None:
        status += f',"outcome":"{decision.resolution}"'
    if why is not None:
        status += f',"reason":"{why.reason}","fields":{orjson.dumps(why.fields).decode()}'
        if why.rule is not None:
            status += f',"rule":"{why.rule}"'
    value = f'{_envelope(_of(decision), STATUS_TYPE, "status", data.eventNumber)},"data":{status}}}}}'
    return Outgoing(_status_topic(event.source), data.eventNumber.encode(), value.encode(), 0, _HEADERS)


def _status_of_end(decision: RequestDecision, thread: Thread) -> Outgoing:
    """Return what the source learns of an answer that ended its event: how, and nothing of whose it was."""
    status = (
        f'{{"eventNumber":"{thread.event_number}","revision":{thread.revision},'
        f'"state":"{Outcome.ROUTED}","outcome":"{thread.resolution}","at":"{clock(decision.decided_at)}"'
    )
    if decision.case is not None:
        arrived = decision.case.arrived
        status += f',"eventId":"{arrived.event.id}"'
        status += ',"noteWithheld":true' if arrived.note_withheld else ""
    envelope = _envelope(_of_request(decision), STATUS_TYPE, "status", thread.event_number)
    value = f'{envelope},"data":{status}}}}}'
    return Outgoing(_status_topic(thread.source), thread.event_number.encode(), value.encode(), 0, _HEADERS)


@lru_cache(maxsize=4096)
def _status_topic(source: str) -> str:
    return topics.status(source_name(source))


def _audit(decision: Decision) -> bytes:
    arrived, area, why, thread = decision.arrived, decision.area, decision.unrouted, decision.thread
    audited = (
        f'{{"threadId":"{arrived.thread_id}","eventId":"{arrived.event.id}","outcome":"{decision.outcome}",'
        f'"areaConflict":{"true" if area and area.conflict else "false"},'
        f'"late":{"true" if decision.late else "false"},"told":[{_told(decision.alerts)}],'
        f'"decidedAt":"{clock(decision.decided_at)}","policyVersion":"{decision.policy_version}"'
    )
    if why is not None:
        audited += f',"reason":"{why.reason}"'
        if why.rule is not None:
            audited += f',"rule":"{why.rule}"'
    if area is not None:
        audited += f',"areaSource":"{area.source}"'
        if area.code is not None:
            audited += f',"adminCode":"{area.code}"'
    if thread is not None and thread.lead is not None and decision.alerts:
        audited += f',"lead":"{thread.lead}"'
    if arrived.pointer is not None:
        audited += f',"event":{_pointed(arrived.pointer)}'
    return f'{_envelope(_of(decision), AUDIT_TYPE, "audit", arrived.event.id)},"data":{audited}}}}}'.encode()


def _told(alerts: Sequence[Alert]) -> str:
    return ",".join(
        [
            f'{{"recipient":"{notice.recipient.code}","role":"{notice.role}","level":"{notice.level}",'
            f'"rule":"{notice.rule}","alertNumber":"{number}","alertRevision":{notice.alert_revision}}}'
            for notice, number, *_ in alerts
        ]
    )


def _pointed(pointer: EventPointer) -> str:
    return f'{{"partition":{pointer.partition},"offset":{pointer.offset}}}'


def _of(decision: Decision) -> _Cause:
    return _Cause(decision.arrived.thread_id, decision.arrived.event.id, decision.decided_at)


def _of_request(decision: RequestDecision) -> _Cause:
    return _Cause(decision.request.threadId, decision.request_id, decision.decided_at)


def _envelope(cause: _Cause, kind: str, noun: str, subject: str) -> str:
    """Return the attributes of a message of ours: an object without its closing brace."""
    return (
        f'{{"specversion":"1.0","id":"{derived_uuid(noun, cause.thread, cause.id)}","source":"{SOURCE}",'
        f'"type":"{kind}","subject":"{subject}","time":"{clock(cause.decided_at)}",'
        f'"datacontenttype":"application/json","dataschema":"{schema_uri(noun)}",'
        f'"partitionkey":"{cause.thread}","correlationid":"{cause.thread}","causationid":"{cause.id}"'
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
        "firstSeen": clock(now),
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
        "time": clock(now),
        "datacontenttype": "application/json",
        "dataschema": schema_uri("rejected"),
        "partitionkey": told["source"],
        "causationid": told["id"],
        "data": data,
    }
    return Outgoing(topics.REJECTED, told["source"].encode(), orjson.dumps(envelope), lane, _HEADERS)


def _readable(value: object) -> str:
    return value if isinstance(value, str) and 0 < len(value) <= 128 else UNREAD  # noqa: PLR2004 - as in the envelope
