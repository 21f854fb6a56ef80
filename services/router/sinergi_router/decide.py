"""Who must know, and how much: events, threads, policy and the time to decisions. Pure.

The pipeline reads from top to bottom. Cutting a batch anywhere changes nothing, and replaying
anything changes nothing (law 2): a message is judged against its thread as the ones before it
left it, and every id is derived.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sinergi_router.policy.alert import Alert, Issue, issue_alerts
from sinergi_router.policy.book import Policy
from sinergi_router.policy.border_exit import consulate
from sinergi_router.policy.facts import Area, Arrived, Competent, Thread
from sinergi_router.policy.followup import (
    CLOSING,
    advanced,
    closing_notices,
    is_late,
    opened_notices,
    seen_with,
)
from sinergi_router.policy.jurisdiction import settle
from sinergi_router.policy.lead import (
    choose_lead,
    in_first_lead_order,
    in_turn,
    last_step,
    primaries_of,
    tied,
)
from sinergi_router.policy.mandates import key_of, matches, truths_of
from sinergi_router.policy.neighbour import near_areas, neighbours
from sinergi_router.policy.next_jurisdiction import projected, warned
from sinergi_router.policy.notice import Notice
from sinergi_router.policy.one_notice import one_each
from sinergi_router.policy.order import Unrouted, unrouted
from sinergi_router.policy.request_facts import Case
from sinergi_shared.contracts.codes import AlertMsgType, Resolution, Role, Status
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.contracts.reasons import Outcome, Reason

MOST_KINDS: Final = 20_000
"""Kinds of events whose offices are remembered, some kilobytes each."""


class Decision(NamedTuple):
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
    resolution: Resolution | None = None  # of its thread, which a message that changes nothing keeps


class Placed(NamedTuple):
    """An event with its settled area and whom the rules tell of it there."""

    arrived: Arrived
    area: Area
    offices: Competent


def decide(
    arrived: Sequence[Arrived], threads: Mapping[str, Thread], policy: Policy, now: datetime
) -> list[Decision]:
    """Return one decision for each event, in order; ``threads`` holds those known before."""
    known: dict[str, Thread] = {}
    decisions = []
    areas = settle(arrived, policy)
    data = [one.event.data for one in arrived]
    near = near_areas(data, areas, policy)
    told = [competent(*placed, policy) for placed in zip(data, areas, near, strict=True)]
    for placed in map(Placed, arrived, areas, in_turn(told, data, areas, policy)):
        one = placed.arrived
        thread = known.get(one.thread_id) or threads.get(one.thread_id)
        decision = _decide(placed, thread, policy, now)
        if decision.thread is not None:
            known[one.thread_id] = decision.thread
        decisions.append(decision)
    return decisions


def _decide(placed: Placed, thread: Thread | None, policy: Policy, now: datetime) -> Decision:
    one, area = placed.arrived, placed.area
    stop = unrouted(one, thread)
    if stop is not None:
        return Decision(
            one,
            stop.outcome,
            now,
            policy.version,
            _after(one, thread, stop),
            area,
            unrouted=stop,
            resolution=thread.resolution if thread else None,
        )
    base = thread or _first(one)
    if one.event.data.msgType in CLOSING:
        return _closed(one, area, base, policy, now)
    return _opened(placed, base, policy, now)


def _opened(placed: Placed, thread: Thread, policy: Policy, now: datetime) -> Decision:
    one, area, offices = placed
    data = one.event.data
    if not offices.matched:
        stop = Unrouted(Outcome.REJECTED, Reason.POLICY_MISSING)
        return Decision(
            one, stop.outcome, now, policy.version, None, area, unrouted=stop, resolution=thread.resolution
        )
    lead = choose_lead(thread, offices.matched, offices.primaries, policy)
    late = is_late(one.event, now, policy)
    notices = opened_notices(data, thread, offices, lead, late=late, policy=policy)
    issue = Issue(
        arrived=one,
        area=area,
        msg_type=AlertMsgType.ALERT if thread.revision == 0 else AlertMsgType.UPDATE,
        cause=one.event.id,
        decided_at=now,
        last_step=offices.last_step,
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
    issue: Issue, thread: Thread, notices: Sequence[Notice], lead: str | None, policy: Policy
) -> Decision:
    alerts = issue_alerts(issue, notices, policy)
    after = advanced(
        thread,
        issue.arrived,
        alerts,
        lead=lead,
        decided_at=issue.decided_at,
        policy_version=policy.version,
    )
    return Decision(
        issue.arrived,
        Outcome.ROUTED,
        issue.decided_at,
        policy.version,
        after,
        issue.area,
        tuple(alerts),
        issue.late,
        resolution=after.resolution,
    )


def case_of(arrived: Arrived, policy: Policy) -> Case:
    """Return an event settled and matched anew by this policy, for a request about its thread."""
    data, [area] = arrived.event.data, settle([arrived], policy)
    [near] = near_areas([data], [area], policy)
    return Case(arrived, area, competent(data, area, near, policy).matched)


def competent(data: SuspiciousMovement, area: Area, near: Sequence[str], policy: Policy) -> Competent:
    """Return who is told of an alert or update by the rules; found once for all events of a kind."""
    truths, exercise = truths_of(data, area, policy), data.status is Status.EXERCISE
    path = projected(data, area, policy)
    moving = [*warned(data, area, path, policy), *consulate(data, path, policy)] if path is not None else []
    told_ahead = tuple((match.rule, match.recipient.code) for match in moving)
    key = (key_of(data, area), truths, exercise, tuple(near), told_ahead)
    found = policy.competence.get(key)
    if found is None:
        by_mandate = matches(key[0], truths, area, policy)
        if exercise:  # which never escalates
            by_mandate = [match for match in by_mandate if match.role is not Role.ESCALATION]
        matched = one_each([*by_mandate, *neighbours(data, area, near, policy), *moving])
        primaries = in_first_lead_order(primaries_of(matched))
        found = Competent(matched, primaries, last_step(primaries, policy), tied(primaries, policy))
        if len(policy.competence) >= MOST_KINDS:
            policy.competence.clear()
        policy.competence[key] = found
    return found


def _first(one: Arrived) -> Thread:
    data = one.event.data
    return Thread(one.thread_id, one.event.source, data.eventNumber, data.status)


def _after(one: Arrived, thread: Thread | None, stop: Unrouted) -> Thread | None:
    # A stale message is remembered too, so that its repeat is told from a reused id.
    if thread is not None and stop.reason is Reason.STALE:
        return replace(thread, seen=seen_with(one, thread))
    return None
