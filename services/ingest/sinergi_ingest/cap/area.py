"""A CAP message's areas to one point with its accuracy, and one area code.

CAP writes latitude before longitude, circles in kilometres. Several shapes say "somewhere in
these", so the point is the middle of the box around all of them and the accuracy reaches the
farthest edge.
"""

import math
import re
from itertools import takewhile
from typing import Any, Final

from sinergi_ingest.cap.fault import CapFaultError
from sinergi_ingest.cap.tree import Node
from sinergi_shared.contracts.reasons import Rule

ADMIN_CODE: Final = "kemendagri"
METRES_PER_DEGREE: Final = 111_195.0
MAX_RADIUS_KM: Final = 20_000.0
MAX_REACH_M: Final = 20_000_000
MIN_RING: Final = 4

_DECIMAL: Final = r"[+-]?[0-9]{1,5}(?:\.[0-9]{1,15})?"
_PAIR: Final = re.compile(rf"({_DECIMAL}),({_DECIMAL})")
_CIRCLE: Final = re.compile(rf"(\S+)\s+({_DECIMAL})")
_CODE: Final = re.compile(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2})?)?")

Point = tuple[float, float]


def read_place(info: Node) -> dict[str, Any]:
    """Return ``lat``, ``lon``, ``accuracyM`` and ``adminCode`` as far as the areas tell them."""
    areas = info.nodes("area")
    for area in areas:
        area.required("areaDesc")
    shapes = [shape for area in areas for shape in _shapes(area)]
    return (_around(shapes) if shapes else {}) | _admin_code(areas)


def _shapes(area: Node) -> list[tuple[Point, float]]:
    circles = [_circle(node) for node in area.nodes("circle") if node.text()]
    rings = [_ring(node) for node in area.nodes("polygon") if node.text()]
    return circles + [(point, 0.0) for ring in rings for point in ring]


def _circle(node: Node) -> tuple[Point, float]:
    match = _CIRCLE.fullmatch(node.text())
    radius = float(match[2]) if match else -1.0
    if match is None or not 0 <= radius <= MAX_RADIUS_KM:
        raise CapFaultError(Rule.FIELD, node.place)
    return _point(match[1], node.place), radius * 1000


def _ring(node: Node) -> list[Point]:
    ring = [_point(pair, node.place) for pair in node.text().split()]
    if len(ring) < MIN_RING or ring[0] != ring[-1]:
        raise CapFaultError(Rule.FIELD, node.place)
    return ring


def _point(pair: str, place: str) -> Point:
    match = _PAIR.fullmatch(pair)
    lat, lon = (float(match[1]), float(match[2])) if match else (math.inf, math.inf)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - degrees on a globe
        raise CapFaultError(Rule.FIELD, place)
    return lat, lon


def _around(shapes: list[tuple[Point, float]]) -> dict[str, Any]:
    lats, lons = [lat for (lat, _), _ in shapes], [lon for (_, lon), _ in shapes]
    middle = round((min(lats) + max(lats)) / 2, 5), round((min(lons) + max(lons)) / 2, 5)
    reach = max(_metres(middle, point) + radius for point, radius in shapes)
    return {"lat": middle[0], "lon": middle[1], "accuracyM": min(round(reach), MAX_REACH_M)}


def _metres(one: Point, other: Point) -> float:
    north = (one[0] - other[0]) * METRES_PER_DEGREE
    east = (one[1] - other[1]) * METRES_PER_DEGREE * math.cos(math.radians((one[0] + other[0]) / 2))
    return math.hypot(north, east)


def _admin_code(areas: list[Node]) -> dict[str, str]:
    """Return the smallest area that holds all that are named; nothing when they share none."""
    geocodes = (node for area in areas for node in area.nodes("geocode"))
    found = [_code(node) for node in geocodes if node.told("valueName") == ADMIN_CODE]
    shared = [level[0] for level in takewhile(lambda level: len(set(level)) == 1, zip(*found, strict=False))]
    return {"adminCode": ".".join(shared)} if shared else {}


def _code(node: Node) -> list[str]:
    text = node.required("value")
    if _CODE.fullmatch(text) is None:
        raise CapFaultError(Rule.FIELD, f"{node.place}/value")
    return text.split(".")
