"""Requests that were applied to records: alert, job, thread, how it ended, audit."""

from collections.abc import Iterable

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
from sinergi_router.policy.requests import RequestDecision
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.audit import AUDIT_TYPE
from sinergi_shared.contracts.base import clock
from sinergi_shared.contracts.codes import Severity, Status
from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.contracts.status import STATUS_TYPE
from sinergi_shared.runtime.transactions import Outgoing


def of_request(decision: RequestDecision, thread: Thread | None, lane: int) -> Iterable[Outgoing]:
    """Yield everything that a request publishes; ``thread`` is its thread as the request left it."""
    for alert in decision.alerts:
        yield of_alert(alert, exercise=thread is not None and thread.status is Status.EXERCISE)
    key = decision.request.threadId.encode()
    if decision.alerts and thread is not None:
        yield Outgoing(topics.JOBS, key, _request_job(decision, thread), lane, HEADERS)
    if decision.thread is not None:
        yield of_thread(decision.thread, lane)
        if decision.thread.resolution is not None:
            yield _status_of_end(decision, decision.thread)
    yield Outgoing(topics.AUDIT, None, _request_audit(decision, thread), lane, HEADERS)


def _request_job(decision: RequestDecision, thread: Thread) -> bytes:
    severity = thread.highest_severity or Severity.KRITIS  # unknown: nobody waits for it in line
    job = (
        f'{{"threadId":"{thread.thread_id}","eventId":"{decision.request_id}","status":"{thread.status}",'
        f'"severity":"{severity}","decidedAt":"{clock(decision.decided_at)}",'
        f'"receivedAt":"{clock(decision.request.at)}","entries":['
    )
    return queued(_of_request(decision), decision.request_id, job, decision.alerts)


def _request_audit(decision: RequestDecision, thread: Thread | None) -> bytes:
    audited = (
        f'{{"threadId":"{decision.request.threadId}","eventId":"{decision.request_id}",'
        f'"outcome":"{decision.outcome}","told":[{told(decision.alerts)}],'
        f'"decidedAt":"{clock(decision.decided_at)}","policyVersion":"{decision.policy_version}"'
    )
    if decision.reason is not None:
        audited += f',"reason":"{decision.reason}"'
    if thread is not None and thread.lead is not None:
        audited += f',"lead":"{thread.lead}"'
    if thread is not None and thread.pointer is not None:
        audited += f',"event":{pointed(thread.pointer)}'
    attributes = envelope(_of_request(decision), AUDIT_TYPE, "audit", decision.request_id)
    return f'{attributes},"data":{audited}}}}}'.encode()


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
    attributes = envelope(_of_request(decision), STATUS_TYPE, "status", thread.event_number)
    value = f'{attributes},"data":{status}}}}}'
    return Outgoing(status_topic(thread.source), thread.event_number.encode(), value.encode(), 0, HEADERS)


def _of_request(decision: RequestDecision) -> Cause:
    return Cause(decision.request.threadId, decision.request_id, decision.decided_at)
