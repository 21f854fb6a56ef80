"""NEIGHBOUR: offices whose line is near are told too, for a point near a line is nobody's alone."""

from typing import Final

from sinergi_router.geography import Point
from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Match
from sinergi_shared.contracts.codes import AreaSource, Level, LocationKind, Role
from sinergi_shared.contracts.event import SuspiciousMovement

MOST_M: Final = 10_000.0
ROW: Final = 1_000_000  # behind every mandate


def neighbours(data: SuspiciousMovement, area: Area, policy: Policy) -> list[Match]:
    """Return the other offices within max(radius of the pack, ``accuracyM``), at most 10 km."""
    point = moving_point(data, area)
    if point is None:
        return []
    radius = min(max(policy.number("NEIGHBOUR", "radius"), data.location.accuracyM or 0), MOST_M)
    rule = policy.neighbour
    found = {}
    for code, _ in policy.geography.within(point, radius):
        for kind in rule.kinds:
            own = policy.competent.get((kind, area.code or ""))
            other = policy.competent.get((kind, code))
            if other is not None and other is not own:
                found[other.code] = other
    return [
        Match(
            recipient=recipient,
            role=Role.SUPPORT,
            level=min(Level.L1, recipient.cap),
            rule="NEIGHBOUR",
            row=ROW,
            ack_minutes=rule.ack_minutes[data.severity],
            action_id=rule.action_id,
            action_en=rule.action_en,
        )
        for _, recipient in sorted(found.items())
    ]


def moving_point(data: SuspiciousMovement, area: Area) -> Point | None:
    """Return the point for the geometric rules, or nothing where ``MOVING`` skips them."""
    if area.at_post or area.source is AreaSource.PROVINCE or data.location.kind is LocationKind.ABROAD:
        return None
    return data.location.point
