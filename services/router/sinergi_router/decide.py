"""Who must know, and how much: events, threads, policy and the time to decisions. Pure.

The pipeline reads from top to bottom. Cutting a batch anywhere changes nothing, and replaying
anything changes nothing (law 2): a message is judged against its thread as the ones before it
left it, and every id is derived.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from sinergi_router.policy.alert import Alert, Issue, due_at, issue_alerts
from sinergi_router.policy.book import Policy
from sinergi_router.policy.border_exit import consulate
from sinergi_router.policy.facts import Area, Arrived, Match, Notice, Thread
from sinergi_router.policy.followup import CLOSING, advanced, closing_notices, is_late, opened_notices
from sinergi_router.policy.jurisdiction import settle
from sinergi_router.policy.lead import MOST_STEPS, choose_lead, first_lead_order, ladder
from sinergi_router.policy.mandates import matches
from sinergi_router.policy.neighbour import near_areas, neighbours
from sinergi_router.policy.next_jurisdiction import projected, warned
from sinergi_router.policy.one_notice import one_each
from sinergi_router.policy.order import Unrouted, unrouted
from sinergi_router.policy.request_facts import Case
from sinergi_shared.contracts.codes import AlertMsgType, Role
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.contracts.reasons import Outcome, Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one event, and its thread after it; ``alerts`` only when it was routed."""

    arrived: Arrived
    outcome: Outcome
    decided_at: datetime
    policy_version: str
    thread: Thread | None
    area: Area | None = None
    alerts: tuple[Alert, ...] = ()
    late: bool = False
    unrouted: Unrouted | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with its settled area and the areas around its point."""

    arrived: Arrived
    area: Area
    near: Sequence[str]


def decide(
    arrived: Sequence[Arrived], threads: Mapping[str, Thread], policy: Policy, now: datetime
) -> list[Decision]:
    """Return one decision for each event, in order; ``threads`` holds those known before."""
    known: dict[str, Thread] = {}
    decisions = []
    areas = settle(arrived, policy)
    near = near_areas([one.event.data for one in arrived], areas, policy)
    for one, area, around in zip(arrived, areas, near, strict=True):
        thread = known.get(one.thread_id) or threads.get(one.thread_id)
        decision = _decide(Placed(one, area, around), thread, policy, now)
        if decision.thread is not None:
            known[one.thread_id] = decision.thread
        decisions.append(decision)
    return decisions


def _decide(placed: Placed, thread: Thread | None, policy: Policy, now: datetime) -> Decision:
    one, area = placed.arrived, placed.area
    stop = unrouted(one, thread)
    if stop is not None:
        return Decision(
            one, stop.outcome, now, policy.version, _after(one, thread, stop), area, unrouted=stop
        )
    base = thread or _first(one)
    if one.event.data.msgType in CLOSING:
        return _closed(one, area, base, policy, now)
    return _opened(placed, base, policy, now)


def _opened(placed: Placed, thread: Thread, policy: Policy, now: datetime) -> Decision:
    one, area, data = placed.arrived, placed.area, placed.arrived.event.data
    matched = competent(data, area, placed.near, policy)
    if not matched:
        stop = Unrouted(Outcome.REJECTED, Reason.POLICY_MISSING)
        return Decision(one, stop.outcome, now, policy.version, None, area, unrouted=stop)
    primaries = first_lead_order(
        [match for match in matched.values() if match.role is Role.PRIMARY], data, area, policy
    )
    lead = choose_lead(thread, matched, primaries, policy)
    late = is_late(one.event, now, policy)
    notices = opened_notices(data, thread, matched, lead, late=late, policy=policy)
    issue = Issue(
        arrived=one,
        area=area,
        msg_type=AlertMsgType.ALERT if thread.revision == 0 else AlertMsgType.UPDATE,
        cause=one.event.id,
        decided_at=now,
        last_step=_last_step(primaries, policy),
        open_person_at_risk=data.person_at_risk,
        late=late,
    )
    return _routed(issue, thread, notices, lead, policy)


def _closed(one: Arrived, area: Area, thread: Thread, policy: Policy, now: datetime) -> Decision:
    issue = Issue(
        arrived=one,
        area=area,
        msg_type=AlertMsgType(one.event.data.msgType),
        cause=one.event.id,
        decided_at=now,
        last_step=timedelta(0),
        open_person_at_risk=False,
        late=is_late(one.event, now, policy),
    )
    return _routed(issue, thread, closing_notices(one.event.data, thread, policy), None, policy)


def _routed(
    issue: Issue, thread: Thread, notices: list[Notice], lead: str | None, policy: Policy
) -> Decision:
    alerts = issue_alerts(issue, notices, policy)
    dues = {notice.recipient.code: due_at(notice, issue.decided_at) for notice in notices}
    after = advanced(
        thread,
        issue.arrived.event.data,
        notices,
        {alert.notice.recipient.code: alert.number for alert in alerts},
        {code: due for code, due in dues.items() if due is not None},
        lead=lead,
        decided_at=issue.decided_at,
        policy_version=policy.version,
    )
    after = replace(_seen(issue.arrived, after), pointer=issue.arrived.pointer, carried=None)
    return Decision(
        issue.arrived,
        Outcome.ROUTED,
        issue.decided_at,
        policy.version,
        after,
        issue.area,
        tuple(alerts),
        issue.late,
    )


def case_of(arrived: Arrived, policy: Policy) -> Case:
    """Return an event settled and matched anew by this policy, for a request about its thread."""
    data, [area] = arrived.event.data, settle([arrived], policy)
    [near] = near_areas([data], [area], policy)
    return Case(arrived, area, competent(data, area, near, policy))


def competent(data: SuspiciousMovement, area: Area, near: Sequence[str], policy: Policy) -> dict[str, Match]:
    """Return who is told of an alert or update by the rules, one match a recipient."""
    path = projected(data, area, policy)
    by_rule: Iterable[Match] = chain(
        matches(data, area, policy),
        neighbours(data, area, near, policy),
        warned(data, area, path, policy),
        consulate(data, path, policy),
    )
    return one_each(by_rule)


def _last_step(primaries: list[Match], policy: Policy) -> timedelta:
    """Return when the ladder of these primaries, in first-lead order, has come to its end."""
    own = {match.recipient.code: match.ack_minutes for match in primaries}
    lead_minutes = primaries[0].ack_minutes if primaries else 0
    steps = ladder(primaries, policy)[:MOST_STEPS]
    return timedelta(minutes=sum(own.get(office.code, lead_minutes) for office in steps))


def _first(one: Arrived) -> Thread:
    data = one.event.data
    return Thread(one.thread_id, one.event.source, data.eventNumber, data.status)


def _after(one: Arrived, thread: Thread | None, stop: Unrouted) -> Thread | None:
    # A stale message is remembered too, so that its repeat is told from a reused id.
    if thread is not None and stop.reason is Reason.STALE:
        return _seen(one, thread)
    return None


def _seen(one: Arrived, thread: Thread) -> Thread:
    return replace(thread, seen={**thread.seen, one.event.id: one.digest})
