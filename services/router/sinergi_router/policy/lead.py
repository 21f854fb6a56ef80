"""Who leads, and who is next: always exactly one while the event is open (law 5)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Competent, Match, Thread
from sinergi_shared.contracts.codes import Level, Role, ThreadState
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.region.tables import Recipient

MOST_STEPS: Final = 8


def choose_lead(
    thread: Thread | None, matched: Mapping[str, Match], ordered: Sequence[Match], policy: Policy
) -> str | None:
    """Return the lead's code: the one it has while it still matches, else the first of ``ordered``.

    It matches as a primary, or where a request has put it: on the ladder of those who match, or in
    the place of one that matches and has handed the event on to it.
    """
    led = thread.lead if thread is not None and thread.state is ThreadState.OPEN else None
    if thread is not None and led is not None:
        held_on = led in matched and matched[led].role is Role.PRIMARY
        if held_on or _was_put_there(led, thread, primaries_of(matched), policy):
            return led
    able = (match.recipient.code for match in ordered if not is_recalled(match.recipient.code, thread))
    return next(able, None) or led or _who_is_left(primaries_of(matched), thread, policy)


def primaries_of(matched: Mapping[str, Match]) -> list[Match]:
    """Return who is told as a primary, in the order in which they were found."""
    return [match for match in matched.values() if match.role is Role.PRIMARY]


def is_recalled(code: str, thread: Thread | None) -> bool:
    """Return whether a recipient was told to forget the event: it is told of no update, and cannot lead."""
    held = thread.informed.get(code) if thread is not None else None
    return held is not None and held.recalled


def ladder(primaries: Sequence[Match], policy: Policy) -> list[Recipient]:
    """Return who leads in turn: primaries in first-lead order, whom they escalate to, the province's desks.

    Each once, and only offices that can be told something; the last is the end.
    """
    offices = [match.recipient for match in primaries]
    above = [policy.tables.recipients.get(office.escalates_to or "") for office in offices]
    desks = [policy.unmapped.get(office.kind) for office in offices]
    return _able([*offices, *above, *desks], policy)


def province_desk(code: str | None, policy: Policy) -> Recipient:
    """Return the desk that takes over what nobody else can: of the kind, else the top above the office."""
    office = policy.tables.recipients.get(code or "")
    desk = policy.unmapped.get(office.kind) if office is not None else None
    tops = _able([desk, office and policy.tables.recipients.get(office.escalates_to or "")], policy)
    return tops[0] if tops else policy.unmapped["IMI"]


def _able(offices: Iterable[Recipient | None], policy: Policy) -> list[Recipient]:
    # Who cannot be told does not hold up the ladder: whoever is above it comes at once (B63).
    found: dict[str, Recipient] = {}
    for office in offices:
        passed: set[str] = set()
        while office is not None and (not office.active or office.cap < Level.L1):
            passed.add(office.code)
            above = office.escalates_to
            office = policy.tables.recipients.get(above) if above and above not in passed else None  # noqa: PLW2901 - climbs
        if office is not None:
            found.setdefault(office.code, office)
    return list(found.values())


def _who_is_left(primaries: Sequence[Match], thread: Thread | None, policy: Policy) -> str | None:
    # Opened again after all who match were told to forget it: a recall leaves one who is not.
    informed = thread.informed if thread is not None else {}
    order = (*(rung.code for rung in ladder(primaries, policy)), *informed)
    return next((code for code in order if code in informed and not informed[code].recalled), None)


def _was_put_there(led: str, thread: Thread, primaries: Sequence[Match], policy: Policy) -> bool:
    held = thread.informed.get(led)
    matching = {match.recipient.code for match in primaries}
    if held is not None and held.referred_by in matching:
        return True
    return thread.step > 0 and led in {rung.code for rung in ladder(primaries, policy)}


def in_turn(
    offices: Sequence[Competent], data: Sequence[SuspiciousMovement], areas: Sequence[Area], policy: Policy
) -> list[Competent]:
    """Return for each event whom the rules tell, its primaries in the order of its own circle.

    The circles are cut for the whole batch.
    """
    shares = _shares([one.tied for one in offices], data, areas, policy)
    return [
        _reordered(one, of, policy) if any(share < 1.0 for share in of.values()) else one
        for one, of in zip(offices, shares, strict=True)
    ]


def _reordered(offices: Competent, shares: Mapping[str, float], policy: Policy) -> Competent:
    primaries = in_first_lead_order(offices.primaries, shares)
    return replace(offices, primaries=primaries, last_step=last_step(primaries, policy))


def first_lead_order(
    primaries: Sequence[Match], data: SuspiciousMovement, area: Area, policy: Policy
) -> tuple[Match, ...]:
    """Return the primaries: shortest deadline, then share of the area, then file order, then code."""
    [shares] = _shares([tied(primaries, policy)], [data], [area], policy)
    return in_first_lead_order(primaries, shares)


def in_first_lead_order(
    primaries: Iterable[Match], shares: Mapping[str, float] = MappingProxyType({})
) -> tuple[Match, ...]:
    """Return the primaries in that order; whoever has no share named has the whole circle."""
    return tuple(
        sorted(
            primaries,
            key=lambda match: (
                match.ack_minutes,
                -shares.get(match.recipient.code, 1.0),
                match.row,
                match.recipient.code,
            ),
        )
    )


def last_step(primaries: Sequence[Match], policy: Policy) -> timedelta:
    """Return when the ladder of these primaries, in first-lead order, has come to its end."""
    own = {match.recipient.code: match.ack_minutes for match in primaries}
    lead_minutes = primaries[0].ack_minutes if primaries else 0
    steps = ladder(primaries, policy)[:MOST_STEPS]
    return timedelta(minutes=sum(own.get(office.code, lead_minutes) for office in steps))


def tied(primaries: Sequence[Match], policy: Policy) -> dict[str, frozenset[str]]:
    """Return the territories of those whose deadline stands twice; nobody asks for another's share."""
    with_minutes = Counter(match.ack_minutes for match in primaries)
    return {
        match.recipient.code: policy.territory.get(match.recipient.code, frozenset())
        for match in primaries
        if match.territorial and with_minutes[match.ack_minutes] > 1
    }


def _shares(
    ties: Sequence[Mapping[str, frozenset[str]]],
    data: Sequence[SuspiciousMovement],
    areas: Sequence[Area],
    policy: Policy,
) -> list[dict[str, float]]:
    """Return for each event the share of its circle in each territory, rounded to 0.01.

    None where it does not apply: at a post, without a circle, or without a tie.
    """
    circles = {
        i: (point, one.location.accuracyM, tie)
        for i, (tie, one, area) in enumerate(zip(ties, data, areas, strict=True))
        if tie and one.location.accuracyM and not area.at_post and (point := one.location.point) is not None
    }
    found: list[dict[str, float]] = [{} for _ in ties]
    for i, shares in zip(circles, policy.geography.shares([*circles.values()]), strict=True):
        found[i] = {code: round(share, 2) for code, share in shares.items()}
    return found
