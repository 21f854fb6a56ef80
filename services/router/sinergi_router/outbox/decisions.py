"""Decisions to records: alert, job, thread, status and audit, all for one transaction."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from sinergi_router.decide import Decision
from sinergi_router.outbox.written import (
    HEADERS,
    Cause,
    envelope,
    of_alert,
    of_thread,
    pointed,
    queued,
    status_topic,
    told,
)
from sinergi_router.policy.facts import Thread
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.audit import AUDIT_TYPE
from sinergi_shared.contracts.base import clock, format_time
from sinergi_shared.contracts.codes import Status
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.reasons import Outcome, Reason
from sinergi_shared.contracts.status import STATUS_TYPE
from sinergi_shared.runtime.transactions import Outgoing


def of_decision(decision: Decision, lane: int) -> Iterable[Outgoing]:
    """Yield everything that one decision publishes, alerts first."""
    thread = decision.arrived.thread_id.encode()
    exercise = decision.arrived.event.data.status is Status.EXERCISE
    for alert in decision.alerts:
        yield of_alert(alert, exercise=exercise)
    if decision.alerts:
        yield Outgoing(topics.JOBS, thread, _job(decision), lane, HEADERS)
    if decision.thread is not None:
        yield of_thread(decision.thread, lane)
    yield _status(decision)
    yield Outgoing(topics.AUDIT, None, _audit(decision), lane, HEADERS)


def of_expiry(thread: Thread, now: datetime, lane: int) -> Iterable[Outgoing]:
    """Yield what is published when an open thread is closed by its age; nobody but its source is told."""
    cause = Cause(thread.thread_id, derived_uuid("expiry", thread.thread_id, format_time(now)), now)
    key, at = thread.event_number.encode(), clock(now)
    status = (
        f'{envelope(cause, STATUS_TYPE, "status", thread.event_number)},"data":{{'
        f'"eventNumber":"{thread.event_number}","revision":{thread.revision},'
        f'"state":"{Outcome.ROUTED}","reason":"{Reason.EVENT_EXPIRED}","at":"{at}"}}}}'
    )
    audited = (
        f'{envelope(cause, AUDIT_TYPE, "audit", thread.thread_id)},"data":{{'
        f'"threadId":"{thread.thread_id}","outcome":"{Outcome.ROUTED}","reason":"{Reason.EVENT_EXPIRED}",'
        f'"decidedAt":"{at}","policyVersion":"{thread.policy_version}"}}}}'
    )
    yield of_thread(thread, lane)
    yield Outgoing(status_topic(thread.source), key, status.encode(), 0, HEADERS)
    yield Outgoing(topics.AUDIT, None, audited.encode(), lane, HEADERS)


def _job(decision: Decision) -> bytes:
    arrived, data = decision.arrived, decision.arrived.event.data
    job = (
        f'{{"threadId":"{arrived.thread_id}","eventId":"{arrived.event.id}","status":"{data.status}",'
        f'"severity":"{data.severity}","decidedAt":"{clock(decision.decided_at)}",'
        f'"receivedAt":"{clock(arrived.received_at or decision.decided_at)}","entries":['
    )
    return queued(_of(decision), arrived.event.id, job, decision.alerts)


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
    value = f'{envelope(_of(decision), STATUS_TYPE, "status", data.eventNumber)},"data":{status}}}}}'
    return Outgoing(status_topic(event.source), data.eventNumber.encode(), value.encode(), 0, HEADERS)


def _audit(decision: Decision) -> bytes:
    arrived, area, why, thread = decision.arrived, decision.area, decision.unrouted, decision.thread
    audited = (
        f'{{"threadId":"{arrived.thread_id}","eventId":"{arrived.event.id}","outcome":"{decision.outcome}",'
        f'"areaConflict":{"true" if area and area.conflict else "false"},'
        f'"late":{"true" if decision.late else "false"},"told":[{told(decision.alerts)}],'
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
        audited += f',"event":{pointed(arrived.pointer)}'
    return f'{envelope(_of(decision), AUDIT_TYPE, "audit", arrived.event.id)},"data":{audited}}}}}'.encode()


def _of(decision: Decision) -> Cause:
    return Cause(decision.arrived.thread_id, decision.arrived.event.id, decision.decided_at)
