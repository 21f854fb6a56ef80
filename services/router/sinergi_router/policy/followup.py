"""Whom a message of a thread reaches: first alert, update, cancel, false positive (contracts, 2a)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Informed, Match, Notice, Thread
from sinergi_shared.contracts.codes import Level, MsgType, Severity, Standing, Status, ThreadState
from sinergi_shared.contracts.event import SuspiciousMovement, SuspiciousMovementEvent

CLOSING = frozenset({MsgType.CANCEL, MsgType.FALSE_POSITIVE})


def opened_notices(
    data: SuspiciousMovement,
    thread: Thread | None,
    matched: Mapping[str, Match],
    lead: str | None,
    *,
    late: bool,
    policy: Policy,
) -> list[Notice]:
    """Return the notices of an alert or update: who matches now, then who was told before.

    A deadline is set for new recipients, and for all that match when severity rose above the
    highest since the event was opened; never for a late event or for one who no longer matches.
    Who was recalled is told nothing more.
    """
    informed = thread.informed if thread else {}
    rose = severity_rose(data.severity, thread)
    notices = [
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
    text = policy.texts.exercise if data.status is Status.EXERCISE else policy.texts.update
    kept = [
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
        for code, before in informed.items()
        if code not in matched and _in_service(code, policy) and not before.recalled
    ]
    return notices + kept


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


def advanced(  # noqa: PLR0913 - a thread's next state depends on all of these
    before: Thread,
    data: SuspiciousMovement,
    notices: list[Notice],
    numbers: Mapping[str, str],
    due: Mapping[str, datetime],
    *,
    lead: str | None,
    decided_at: datetime,
    policy_version: str,
) -> Thread:
    """Return the thread after a message has been applied.

    A closing message keeps each recipient's role and level of before, for a later reopening.
    """
    closing = data.msgType in CLOSING
    if before.state is not ThreadState.OPEN and not closing:
        before = _afresh(before)
    informed = dict(before.informed)
    for notice in notices:
        code = notice.recipient.code
        held = informed.get(code)
        level = held.level if closing and held else notice.level
        informed[code] = Informed(
            notice.role,
            level,
            numbers[code],
            notice.alert_revision,
            _due(held, due.get(code), closing=closing),
            held.standing if held else None,
            held.referred_by if held else None,
        )
    rose = severity_rose(data.severity, before)
    return replace(
        before,
        state=ThreadState.CLOSED if closing else ThreadState.OPEN,
        revision=data.revision,
        highest_severity=None if closing else (data.severity if rose else before.highest_severity),
        lead=None if closing else lead,
        unanswered=before.unanswered and not closing,
        informed=informed if closing or lead == before.lead else one_owner(informed, lead),
        decided_at=decided_at,
        policy_version=policy_version,
    )


def one_owner(informed: dict[str, Informed], lead: str | None) -> dict[str, Informed]:
    """Return the holders with nobody as owner but the lead: who owned and no longer leads assists."""
    return {
        code: replace(held, standing=Standing.ASSISTING)
        if held.standing is Standing.OWNED and code != lead
        else held
        for code, held in informed.items()
    }


def _afresh(thread: Thread) -> Thread:
    # What was answered before the close is not an answer to what is opened again; a recall stays one.
    informed = {
        code: replace(held, standing=held.standing if held.recalled else None, referred_by=None)
        for code, held in thread.informed.items()
    }
    return replace(thread, step=0, led=(), informed=informed)


def _due(held: Informed | None, new: datetime | None, *, closing: bool) -> datetime | None:
    if closing:
        return None
    return new or (held.ack_due_at if held else None)


def _next_revision(before: Informed | None) -> int:
    return before.alert_revision + 1 if before else 1


def _action(data: SuspiciousMovement, match: Match, *, known: bool, policy: Policy) -> tuple[str, str]:
    # Who is told for the first time has nothing to replace: the mandate's own words apply.
    if data.status is Status.EXERCISE:
        return policy.texts.exercise.action_id, policy.texts.exercise.action_en
    if known:
        return policy.texts.update.action_id, policy.texts.update.action_en
    return match.action_id, match.action_en
