"""Requests: only here does the lead move and the circle widen after an event was routed.

Each request is applied once; one that is not next in its thread tells nobody. An open event has one
lead throughout (law 5), and any order of requests and repeats is safe (law 9).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sinergi_router.policy.alert import Alert, Issue, due_at, issue_alerts
from sinergi_router.policy.bare_alert import BareIssue, bare_alerts
from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Informed, Thread
from sinergi_router.policy.notice import Notice
from sinergi_router.policy.request_facts import Applied, Ask, Case
from sinergi_router.policy.request_notices import lead_minutes, notices
from sinergi_router.policy.request_verbs import judge
from sinergi_router.policy.succession import rungs_left
from sinergi_shared.contracts.codes import AlertMsgType, RequestVerb, ThreadState
from sinergi_shared.contracts.reasons import Outcome, Reason
from sinergi_shared.contracts.request import Request

_MERGED = frozenset({Reason.DUPLICATE, Reason.STALE})


@dataclass(frozen=True, slots=True)
class RequestDecision:
    """What became of one request, and its thread after it (nothing when it is as it was).

    ``routed`` when it was applied, also where nobody had to be told; ``merged`` (``DUPLICATE``,
    ``STALE``) or ``rejected`` when not. ``EVENT_EXPIRED`` goes with ``routed``: what could be told
    without the event was told. ``alarm``: operators must be told now that the ladder has ended.
    """

    request: Request
    request_id: str
    outcome: Outcome
    reason: Reason | None
    decided_at: datetime
    policy_version: str
    thread: Thread | None = None
    case: Case | None = None
    alerts: tuple[Alert, ...] = ()
    alarm: bool = False


def apply_request(
    request: Request,
    request_id: str,
    thread: Thread | None,
    case: Case | None,
    policy: Policy,
    now: datetime,
) -> RequestDecision:
    """Return what a request does to its thread; ``case`` is nothing when the event is not readable.

    The same request again is a ``DUPLICATE``. On a thread that is closed or unknown, or out of step,
    it is ``STALE``. Either way nobody is told and the thread stays as it is.
    """
    if thread is not None and request_id in thread.requests:
        return _refused(request, request_id, Reason.DUPLICATE, policy, now)
    if thread is None or thread.state is not ThreadState.OPEN or thread.lead is None:
        return _refused(request, request_id, Reason.STALE, policy, now)
    ask = Ask(request, thread, case, policy)
    match judge(ask):
        case Applied() as applied:
            return _published(ask, applied, request_id, now)
        case Reason() as reason:
            return _refused(request, request_id, reason, policy, now)


def _refused(
    request: Request, request_id: str, reason: Reason, policy: Policy, now: datetime
) -> RequestDecision:
    outcome = Outcome.MERGED if reason in _MERGED else Outcome.REJECTED
    return RequestDecision(request, request_id, outcome, reason, now, policy.version)


def _published(ask: Ask, applied: Applied, request_id: str, now: datetime) -> RequestDecision:
    told = notices(ask, applied.thread, applied.tell)
    alerts: list[Alert] = []
    for msg_type in dict.fromkeys(msg_type for msg_type, _ in told):
        alerts += _issued(ask, told, msg_type, request_id, now)
    after = replace(
        applied.thread,
        informed=_informed(ask, applied.thread, alerts, now),
        requests=(*applied.thread.requests, request_id),
        decided_at=now,
        event_at=ask.thread.event_at or ask.thread.decided_at,
        policy_version=ask.policy.version,
    )
    expired = ask.case is None and any(msg_type is not AlertMsgType.RECALL for msg_type, _ in told)
    return RequestDecision(
        request=ask.request,
        request_id=request_id,
        outcome=Outcome.ROUTED,
        reason=Reason.EVENT_EXPIRED if expired else None,
        decided_at=now,
        policy_version=ask.policy.version,
        thread=after,
        case=ask.case,
        alerts=tuple(alerts),
        alarm=after.unanswered and not ask.thread.unanswered,
    )


def _issued(
    ask: Ask,
    told: list[tuple[AlertMsgType, Notice]],
    msg_type: AlertMsgType,
    request_id: str,
    now: datetime,
) -> list[Alert]:
    of_type = [notice for kind, notice in told if kind is msg_type]
    if ask.case is None or msg_type is AlertMsgType.RECALL:
        return bare_alerts(BareIssue(ask.thread, msg_type, request_id, now), of_type, ask.policy)
    steps = 1 + len(rungs_left(ask, ask.thread))
    issue = Issue(
        arrived=ask.case.arrived,
        area=ask.case.area,
        msg_type=msg_type,
        cause=request_id,
        decided_at=now,
        last_step=timedelta(minutes=lead_minutes(ask) * steps),
        open_person_at_risk=ask.case.arrived.event.data.person_at_risk,
        late=not ask.timed,
    )
    others = [notice for kind, notice in told if kind is not AlertMsgType.RECALL]
    return issue_alerts(issue, of_type, ask.policy, others)


def _informed(ask: Ask, thread: Thread, alerts: list[Alert], now: datetime) -> dict[str, Informed]:
    informed = dict(thread.informed)
    for alert in alerts:
        notice, code = alert.notice, alert.notice.recipient.code
        held = informed.get(code)
        due = due_at(notice, now) or (held.ack_due_at if held is not None else None)
        handed_on = ask.request.verb is RequestVerb.REFER and code == ask.request.to
        informed[code] = Informed(
            role=notice.role,
            level=notice.level,
            alert_number=alert.number,
            alert_revision=notice.alert_revision,
            ack_due_at=due,
            standing=held.standing if held is not None else None,
            referred_by=ask.request.by if handed_on else held.referred_by if held is not None else None,
        )
    return informed
