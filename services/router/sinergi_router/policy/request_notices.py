"""Whom a request tells, and how: each at its own level, by the mandate of its kind and under its cap."""

from typing import Final

from sinergi_router.policy.facts import Informed, Match, Thread
from sinergi_router.policy.notice import Notice
from sinergi_router.policy.request_facts import Ask, Tell, Words
from sinergi_shared.contracts.codes import AlertMsgType, Level, Role
from sinergi_shared.region.tables import Mandate, Recipient

DESK_MINUTES: Final = 30
"""Until when a desk answers where no row and no lead says it: the event cannot be read any more."""

_PREVIOUS: Final = "PREVIOUS"


def notices(ask: Ask, thread: Thread, tells: tuple[Tell, ...]) -> list[tuple[AlertMsgType, Notice]]:
    """Return the notices of a request, each with the type of its message; ``thread`` is as it leaves it.

    Who is told for the first time gets an alert, whatever was meant for who knows already.
    """
    found = []
    for tell in tells:
        recipient = ask.policy.tables.recipients.get(tell.code)
        # Who has left is owed the end of what it was told, and nothing else.
        if recipient is not None and (recipient.active or tell.msg_type is AlertMsgType.RECALL):
            new = tell.code not in thread.informed and tell.msg_type is AlertMsgType.UPDATE
            found.append(
                (AlertMsgType.ALERT if new else tell.msg_type, _notice(ask, thread, tell, recipient))
            )
    return found


def lead_minutes(ask: Ask) -> int:
    """Return the first lead's minutes, which apply to who has none of its own."""
    primaries = ask.primaries()
    return primaries[0].ack_minutes if primaries else DESK_MINUTES


def _notice(ask: Ask, thread: Thread, tell: Tell, recipient: Recipient) -> Notice:
    held = thread.informed.get(tell.code)
    match = ask.case.matched.get(tell.code) if ask.case is not None else None
    row = _mandate(ask, recipient)
    words = _words(ask, tell, match, row)
    return Notice(
        recipient=recipient,
        role=_role(tell, held, match, row),
        level=_level(recipient, held, match, row),
        rule=words.rule,
        action_id=words.id,
        action_en=words.en,
        ack_minutes=_minutes(ask, match, row) if tell.asked and ask.timed else None,
        alert_revision=held.alert_revision + 1 if held is not None else 1,
        lead=tell.code == thread.lead,
    )


def _mandate(ask: Ask, recipient: Recipient) -> Mandate | None:
    """Return what the situation's mandates give to its kind; the least of several, in file order."""
    if ask.case is None:
        return None
    rows = ask.policy.mandates.get(ask.case.arrived.event.data.situation, ())
    of_kind = [row for _, row in rows if row.kind == recipient.kind and Level(row.level) >= Level.L1]
    return min(of_kind, key=lambda row: Level(row.level), default=None)


def _role(tell: Tell, held: Informed | None, match: Match | None, row: Mandate | None) -> Role:
    if match is not None:
        return match.role
    if held is not None:
        return held.role
    if row is not None:
        return Role(row.role)
    return Role.SUPPORT if tell.msg_type is AlertMsgType.RECALL or not tell.words else _ROLES[tell.words.rule]


_ROLES: Final = {"ESCALATE": Role.ESCALATION, "REFER": Role.SUPPORT}


def _level(recipient: Recipient, held: Informed | None, match: Match | None, row: Mandate | None) -> Level:
    if match is not None:
        return min(match.level, recipient.cap)
    if held is not None:
        return min(held.level, recipient.cap)
    return min(Level(row.level) if row is not None else Level.L1, recipient.cap)


def _words(ask: Ask, tell: Tell, match: Match | None, row: Mandate | None) -> Words:
    said = tell.words
    if said is not None and (tell.msg_type is AlertMsgType.RECALL or ask.case is None):
        return said
    rule = match.rule if match is not None else _PREVIOUS
    if said is not None:
        own = match or row
        said = Words(own.rule, own.action_id, own.action_en) if own is not None else said
        rule = said.rule
    text = ask.policy.texts.exercise if ask.exercise else ask.policy.texts.update
    if ask.exercise or said is None:
        return Words(rule, text.action_id, text.action_en)
    return said


def _minutes(ask: Ask, match: Match | None, row: Mandate | None) -> int:
    if match is not None:
        return match.ack_minutes
    if ask.case is None or row is None:
        return lead_minutes(ask)
    return row.ack_minutes.get(ask.case.arrived.event.data.severity, lead_minutes(ask))
