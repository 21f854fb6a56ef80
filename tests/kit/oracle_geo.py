"""Geometry for the oracle: slow and plain, on whole numbers of 0.00001 degree.

The planar convention of the pack's README: one degree is 111,195 m on both axes, limits inclusive,
a point on shared lines belongs to the lowest code. No geometry library, so that a fault of one
cannot hide in both the product and its check.
"""

import json
import math
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

UNIT_M: Final = 1.11195
"""Metres in one unit of 0.00001 degree."""

_LATTICE: Final = 100_000

Point = tuple[float, float]
Ring = list[Point]
Box = tuple[float, float, float, float]


def on_lattice(lon: float, lat: float) -> Point:
    """Return a point with at most five decimals as whole numbers, longitude first."""
    return round(lon * _LATTICE), round(lat * _LATTICE)


def along(start: Point, heading: float, metres: float) -> Point:
    """Return the point so many metres from ``start``; heading from true north, clockwise."""
    angle = math.radians(heading)
    step = metres / UNIT_M
    return start[0] + step * math.sin(angle), start[1] + step * math.cos(angle)


class Geography:
    """The areas of a pack and its border line."""

    def __init__(self, areas: Path, border: Path, code: str = "code") -> None:
        features = json.loads(areas.read_text(encoding="utf-8"))["features"]
        self.rings: dict[str, list[Ring]] = {}
        for feature in sorted(features, key=lambda item: str(item["properties"][code])):
            name = str(feature["properties"][code])
            self.rings.setdefault(name, []).extend(_rings(feature["geometry"]))
        self.boxes = {name: _box(rings) for name, rings in self.rings.items()}
        lines = json.loads(border.read_text(encoding="utf-8"))["features"]
        self.border = [line for item in lines for line in _lines(item["geometry"])]

    def area_at(self, point: Point) -> str | None:
        """Return the lowest code whose area holds the point, its edge included."""
        return next((code for code in self.rings if self._holds(code, point)), None)

    def metres_to(self, code: str, point: Point) -> float:
        """Return the distance from the point to the area, 0 inside."""
        if self._holds(code, point):
            return 0.0
        return math.sqrt(min(_square_distance(point, a, b) for a, b in _edges(self.rings[code]))) * UNIT_M

    def near(self, point: Point, metres: float) -> list[str]:
        """Return the areas within so many metres, the limit included."""
        return [code for code in self.within(point, metres) if self.metres_to(code, point) <= metres]

    def within(self, point: Point, metres: float) -> list[str]:
        """Return the areas whose box is within so many metres: those worth measuring."""
        margin = metres / UNIT_M + 1
        x, y = point
        return [
            code
            for code, (left, low, right, high) in self.boxes.items()
            if left - margin <= x <= right + margin and low - margin <= y <= high + margin
        ]

    def nearest(self, codes: Collection[str], point: Point, metres: float) -> str | None:
        """Return the nearest of these areas within so many metres; of equal ones the lowest code."""
        found = [(self.metres_to(code, point), code) for code in self.within(point, metres) if code in codes]
        nearest = min(found, default=(math.inf, ""))
        return nearest[1] if nearest[0] <= metres else None

    def crosses_border(self, start: Point, end: Point) -> bool:
        """Tell whether the straight path meets the border line; a touch counts."""
        return any(_meet(start, end, a, b) for line in self.border for a, b in pairwise(line))

    def circle_part(self, codes: set[str], centre: Point, metres: float) -> float:
        """Return which part of the circle lies inside these areas, 0 to 1, not rounded."""
        radius = metres / UNIT_M
        inside = 0.0
        for code in codes:
            left, low, right, high = self.boxes[code]
            if left - radius <= centre[0] <= right + radius and low - radius <= centre[1] <= high + radius:
                inside += abs(_circle_area(self.rings[code], centre, radius))
        return inside / (math.pi * radius * radius)

    def _holds(self, code: str, point: Point) -> bool:
        left, low, right, high = self.boxes[code]
        x, y = point
        if not (left <= x <= right and low <= y <= high):
            return False
        inside = False
        for a, b in _edges(self.rings[code]):
            turn = _turn(a, b, point)
            if turn == 0 and _between(point, a, b):
                return True
            if (a[1] > y) != (b[1] > y) and (turn > 0) == (b[1] > a[1]):
                inside = not inside
        return inside


def _rings(geometry: dict[str, Any]) -> list[Ring]:
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    # The outer ring turns left and holes turn right, so that areas add up with their sign.
    return [
        _turned([on_lattice(x, y) for x, y in ring], left=number == 0)
        for polygon in polygons
        for number, ring in enumerate(polygon)
    ]


def _turned(ring: Ring, *, left: bool) -> Ring:
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    return ring if (area > 0) == left else ring[::-1]


def _lines(geometry: dict[str, Any]) -> list[Ring]:
    lines = geometry["coordinates"] if geometry["type"] == "MultiLineString" else [geometry["coordinates"]]
    return [[on_lattice(x, y) for x, y in line] for line in lines]


def _box(rings: list[Ring]) -> Box:
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def _edges(rings: list[Ring]) -> Iterator[tuple[Point, Point]]:
    for ring in rings:
        yield from pairwise(ring)


def _turn(a: Point, b: Point, p: Point) -> float:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _between(p: Point, a: Point, b: Point) -> bool:
    return min(a[0], b[0]) <= p[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= p[1] <= max(a[1], b[1])


def _square_distance(p: Point, a: Point, b: Point) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    reach = (p[0] - a[0]) * dx + (p[1] - a[1]) * dy
    if reach <= 0:
        return (p[0] - a[0]) ** 2 + (p[1] - a[1]) ** 2
    if reach >= length:
        return (p[0] - b[0]) ** 2 + (p[1] - b[1]) ** 2
    return _turn(a, b, p) ** 2 / length


def _meet(p: Point, q: Point, a: Point, b: Point) -> bool:
    if max(p[0], q[0]) < min(a[0], b[0]) or min(p[0], q[0]) > max(a[0], b[0]):
        return False
    if max(p[1], q[1]) < min(a[1], b[1]) or min(p[1], q[1]) > max(a[1], b[1]):
        return False
    sides = _turn(a, b, p), _turn(a, b, q), _turn(p, q, a), _turn(p, q, b)
    on_line = ((sides[0], p, a, b), (sides[1], q, a, b), (sides[2], a, p, q), (sides[3], b, p, q))
    if any(side == 0 and _between(point, c, d) for side, point, c, d in on_line):
        return True
    return sides[0] * sides[1] < 0 and sides[2] * sides[3] < 0


def _circle_area(rings: list[Ring], centre: Point, radius: float) -> float:
    """Return the signed area of a polygon's part inside a circle, edge by edge from the centre."""
    total = 0.0
    for a, b in _edges(rings):
        total += _slice((a[0] - centre[0], a[1] - centre[1]), (b[0] - centre[0], b[1] - centre[1]), radius)
    return total


def _slice(a: Point, b: Point, radius: float) -> float:
    """Return the signed area of the circle's part between the centre and one edge."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    if length == 0:
        return 0.0
    middle = -(a[0] * dx + a[1] * dy) / length
    reach = middle * middle - (a[0] ** 2 + a[1] ** 2 - radius * radius) / length
    cuts = [0.0, 1.0]
    if reach > 0:
        half = math.sqrt(reach)
        cuts += [cut for cut in (middle - half, middle + half) if 0 < cut < 1]
    area = 0.0
    for low, high in pairwise(sorted(cuts)):
        p = a[0] + low * dx, a[1] + low * dy
        q = a[0] + high * dx, a[1] + high * dy
        centre = (low + high) / 2
        inside = math.hypot(a[0] + centre * dx, a[1] + centre * dy) < radius
        cross = p[0] * q[1] - p[1] * q[0]
        area += cross / 2 if inside else radius**2 / 2 * math.atan2(cross, p[0] * q[0] + p[1] * q[1])
    return area
