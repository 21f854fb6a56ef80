"""NEXT_JURISDICTION: the first different office on the projected path is warned."""

from dataclasses import dataclass
from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Match
from sinergi_router.policy.neighbour import moving_point
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.region.geography import Point, ahead
from sinergi_shared.region.tables import Recipient

_RULE: Final = "NEXT_JURISDICTION"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a movement leads within the look-ahead, straight and planar."""

    start: Point
    heading_deg: float
    metres: float

    @property
    def end(self) -> Point:
        """The last point of the path."""
        return ahead(self.start, self.heading_deg, self.metres)


def projected(data: SuspiciousMovement, area: Area, policy: Policy) -> Path | None:
    """Return the path of a movement with heading and enough speed, clamped to the pack's limits."""
    movement = data.movement
    if movement is None or movement.headingDeg is None or movement.speedKmh is None:
        return None
    point = moving_point(data, area)
    if point is None or movement.speedKmh < policy.limits.path_least_kmh:
        return None
    metres = movement.speedKmh * 1000 * policy.limits.path_hours
    shortest, longest = policy.limits.path_shortest_m, policy.limits.path_longest_m
    return Path(point, movement.headingDeg, min(max(metres, shortest), longest))


def warned(data: SuspiciousMovement, area: Area, path: Path | None, policy: Policy) -> list[Match]:
    """Return, for each kind of the rule, the first office on the path that is not the area's own."""
    if path is None:
        return []
    step = policy.limits.path_step_m
    steps = int(path.metres // step)
    samples = [ahead(path.start, path.heading_deg, k * step) for k in range(steps + 1)]
    on_path = [code for code in policy.geography.containing(samples) if code is not None]
    rule = policy.next_jurisdiction
    first = (_first_other(kind, area, on_path, policy) for kind in rule.kinds)
    return [rule.match(recipient, data.severity) for recipient in first if recipient is not None]


def _first_other(kind: str, area: Area, on_path: list[str], policy: Policy) -> Recipient | None:
    own = policy.competent.get((kind, area.code or ""))
    offices = (policy.competent.get((kind, code)) for code in on_path)
    return next((office for office in offices if office is not None and office is not own), None)
