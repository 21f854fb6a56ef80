"""Whom a message of a thread reaches: first alert, update, cancel, false positive (contracts, 2a)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sinergi_router.policy.alert import Alert, due_at
from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Arrived, Competent, Informed, Match, Thread
from sinergi_router.policy.notice import Notice
from sinergi_shared.contracts.codes import Level, MsgType, Resolution, Severity, Standing, Status, ThreadState
from sinergi_shared.contracts.event import SuspiciousMovement, SuspiciousMovementEvent

MOST_SEEN: Final = 500
"""Ids a thread keeps; the repeat of an older one is ``STALE`` by its revision. A record must fit a batch."""

CLOSING: Final = frozenset({MsgType.CANCEL, MsgType.FALSE_POSITIVE})


def opened_notices(
    data: SuspiciousMovement,
    thread: Thread,
    competent: Competent,
    lead: str | None,
    *,
    late: bool,
    policy: Policy,
) -> Sequence[Notice]:
    """Return the notices of an alert or update: who matches now, then who was told before.

    A deadline is set for new recipients, and for all that match when severity rose above the
    highest since the event was opened; never for a late event or for one who no longer matches.
    Who was recalled is told nothing more. The notices of a first message are made once for all
    events of a kind.
    """
    if thread.informed:
        return [
            *_to_matching(data, thread, competent.matched, lead, late=late, policy=policy),
            *_to_known(data, thread, competent.matched, lead, policy),
        ]
    first = competent.opening.get((lead, late))
    if first is None:
        first = tuple(_to_matching(data, thread, competent.matched, lead, late=late, policy=policy))
        competent.opening[lead, late] = first
    return first


def _to_matching(
    data: SuspiciousMovement,
    thread: Thread,
    matched: Mapping[str, Match],
    lead: str | None,
    *,
    late: bool,
    policy: Policy,
) -> list[Notice]:
    informed, rose = thread.informed, severity_rose(data.severity, thread)
    return [
        Notice(
            recipient=match.recipient,
            role=match.role,
            level=match.level,
            rule=match.rule,
            action_id=action[0],
            action_en=action[1],
            ack_minutes=match.ack_minutes if (rose or code not in informed) and not late else None,
            alert_revision=_next_revision(informed.get(code)),
            lead=code == lead,
        )
        for code, match in matched.items()
        if not (code in informed and informed[code].recalled)
        and (action := _action(data, match, known=code in informed, policy=policy))
    ]


def _to_known(
    data: SuspiciousMovement, thread: Thread, matched: Mapping[str, Match], lead: str | None, policy: Policy
) -> list[Notice]:
    text = policy.texts.exercise if data.status is Status.EXERCISE else policy.texts.update
    return [
        Notice(
            recipient=policy.tables.recipients[code],
            role=before.role,
            level=before.level,
            rule="PREVIOUS",
            action_id=text.action_id,
            action_en=text.action_en,
            ack_minutes=None,
            alert_revision=_next_revision(before),
            lead=code == lead,
        )
        for code, before in thread.informed.items()
        if code not in matched and _in_service(code, policy) and not before.recalled
    ]


def closing_notices(data: SuspiciousMovement, thread: Thread | None, policy: Policy) -> list[Notice]:
    """Return the notices of a cancel or false positive: everyone who ever held an alert, at L1."""
    cancel = data.msgType is MsgType.CANCEL
    text = policy.texts.cancel if cancel else policy.texts.false_positive
    return [
        Notice(
            recipient=policy.tables.recipients[code],
            role=before.role,
            level=Level.L1,
            rule="CANCEL" if cancel else "FALSE_POSITIVE",
            action_id=text.action_id,
            action_en=text.action_en,
            ack_minutes=None,
            alert_revision=_next_revision(before),
        )
        for code, before in (thread.informed if thread else {}).items()
        if code in policy.tables.recipients
    ]


def _in_service(code: str, policy: Policy) -> bool:
    """Return whether an office may be told more: who has left is owed the end of it, and nothing else."""
    office = policy.tables.recipients.get(code)
    return office is not None and office.active


def severity_rose(severity: Severity, thread: Thread | None) -> bool:
    """Return whether this is graver than anything since the event was opened, or opened again."""
    if thread is None or thread.state is not ThreadState.OPEN or thread.highest_severity is None:
        return True
    return severity.rank > thread.highest_severity.rank


def is_late(event: SuspiciousMovementEvent, decided_at: datetime, policy: Policy) -> bool:
    """Return whether ``time`` is older than the pack's ``PAST_TIME`` at the decision."""
    return (decided_at - event.time).total_seconds() > policy.limits.late_after_s


def advanced(
    before: Thread,
    one: Arrived,
    alerts: Sequence[Alert],
    *,
    lead: str | None,
    decided_at: datetime,
    policy_version: str,
) -> Thread:
    """Return the thread after a message has been applied.

    A closing message keeps each recipient's role and level of before, for a later reopening.
    """
    data = one.event.data
    closing = data.msgType in CLOSING
    if before.state is not ThreadState.OPEN and not closing:
        before = _afresh(before)
    notices = {alert.notice.ack_minutes: alert.notice for alert in alerts}
    dues = {minutes: due_at(notice, decided_at) for minutes, notice in notices.items()}
    held = {alert.notice.recipient.code: _held(before, alert, dues, closing=closing) for alert in alerts}
    informed = before.informed | held
    rose = severity_rose(data.severity, before)
    return replace(
        before,
        state=ThreadState.CLOSED if closing else ThreadState.OPEN,
        revision=data.revision,
        highest_severity=None if closing else (data.severity if rose else before.highest_severity),
        lead=None if closing else lead,
        unanswered=before.unanswered and not closing,
        informed=informed if closing or lead == before.lead else one_owner(informed, lead),
        seen=seen_with(one, before),
        pointer=one.pointer,
        carried=None,
        event_at=None,
        decided_at=decided_at,
        policy_version=policy_version,
    )


def _held(
    before: Thread, alert: Alert, dues: Mapping[int | None, datetime | None], *, closing: bool
) -> Informed:
    """Return what a recipient holds once it has this alert."""
    notice = alert.notice
    held = before.informed.get(notice.recipient.code)
    due = None if closing else dues[notice.ack_minutes] or (held.ack_due_at if held else None)
    if held is None:
        return Informed(notice.role, notice.level, alert.number, notice.alert_revision, due)
    return held._replace(
        role=notice.role,
        level=held.level if closing else notice.level,
        alert_number=alert.number,
        alert_revision=notice.alert_revision,
        ack_due_at=due,
    )


def seen_with(one: Arrived, thread: Thread) -> dict[str, str]:
    """Return the ids that a thread knows with this message's; when they are too many, the oldest goes."""
    seen = {**thread.seen, one.event.id: one.digest}
    if len(seen) > MOST_SEEN:
        del seen[next(iter(seen))]
    return seen


def resolved(thread: Thread, resolution: Resolution) -> Thread:
    """Return a thread that an answer has ended; each keeps role and level, for a later reopening."""
    return replace(
        thread,
        state=ThreadState.CLOSED,
        highest_severity=None,
        lead=None,
        unanswered=False,
        resolution=resolution,
        informed={code: held._replace(ack_due_at=None) for code, held in thread.informed.items()},
    )


def one_owner(informed: dict[str, Informed], lead: str | None) -> dict[str, Informed]:
    """Return the holders with nobody as owner but the lead: who owned and no longer leads assists."""
    return {
        code: held._replace(standing=Standing.ASSISTING)
        if held.standing is Standing.OWNED and code != lead
        else held
        for code, held in informed.items()
    }


def _afresh(thread: Thread) -> Thread:
    # What was answered before the close is not an answer to what is opened again; a recall stays one.
    informed = {
        code: held._replace(standing=held.standing if held.recalled else None, referred_by=None)
        for code, held in thread.informed.items()
    }
    return replace(thread, step=0, led=(), resolution=None, informed=informed)


def _next_revision(before: Informed | None) -> int:
    return before.alert_revision + 1 if before else 1


def _action(data: SuspiciousMovement, match: Match, *, known: bool, policy: Policy) -> tuple[str, str]:
    # Who is told for the first time has nothing to replace: the mandate's own words apply.
    if data.status is Status.EXERCISE:
        return policy.texts.exercise.action_id, policy.texts.exercise.action_en
    if known:
        return policy.texts.update.action_id, policy.texts.update.action_en
    return match.action_id, match.action_en
