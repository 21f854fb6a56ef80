"""NEIGHBOUR: offices whose line is near are told too, for a point near a line is nobody's alone."""

from collections.abc import Sequence
from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Match
from sinergi_shared.contracts.codes import AreaSource, LocationKind
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.region.geography import Point

MOST_M: Final = 10_000.0


def near_areas(data: Sequence[SuspiciousMovement], areas: Sequence[Area], policy: Policy) -> list[list[str]]:
    """Return for each event the areas within max(radius of the pack, ``accuracyM``), at most 10 km.

    Asked once for the whole batch; none where the geometric rules do not apply.
    """
    points = [moving_point(one, area) for one, area in zip(data, areas, strict=True)]
    asked = [(point, one) for point, one in zip(points, data, strict=True) if point is not None]
    radii = [min(max(policy.limits.neighbour_m, one.location.accuracyM or 0), MOST_M) for _, one in asked]
    found = iter(policy.geography.around([point for point, _ in asked], radii))
    return [next(found) if point is not None else [] for point in points]


def neighbours(data: SuspiciousMovement, area: Area, near: Sequence[str], policy: Policy) -> list[Match]:
    """Return the other offices of the rule's kinds whose area is near."""
    rule = policy.neighbour
    found = {}
    for kind in rule.kinds:
        own = policy.competent.get((kind, area.code or ""))
        for code in near:
            other = policy.competent.get((kind, code))
            if other is not None and other is not own:
                found[other.code] = other
    return [rule.match(recipient, data.severity) for _, recipient in sorted(found.items())]


def moving_point(data: SuspiciousMovement, area: Area) -> Point | None:
    """Return the point for the geometric rules, or nothing where ``MOVING`` skips them."""
    if area.at_post or area.source is AreaSource.PROVINCE or data.location.kind is LocationKind.ABROAD:
        return None
    return data.location.point
