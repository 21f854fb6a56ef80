"""Areas and the border line of a pack, asked for whole batches of points.

Distances are planar with 1 degree = 111,195 m on both axes, limits inclusive (pack README). Shapes
are held on the grid of the pack's five decimals, whose whole numbers a float holds exactly: so a
point on a shared line is on it for both areas, which in degrees it would often not be. Areas
are held in code order, so a point on shared lines, or equally near to several, gets the lowest
code whatever the order of the file (B37).
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from sinergi_shared.region.tables import BORDER, GEOMETRY, PackError

Point = tuple[float, float]
"""Longitude and latitude, degrees WGS 84."""

METRES_PER_DEGREE: Final = 111_195.0
_PER_DEGREE: Final = 100_000  # grid steps
_STEP_M: Final = METRES_PER_DEGREE / _PER_DEGREE
_DIGITS: Final = 3  # of a grid step: a millimetre
_SLACK_M: Final = 1e-6  # a micrometre: limits are inclusive, and floats are not exact
_EQUAL_M: Final = 1e-4
_CIRCLE_SEGMENTS: Final = 64  # a quarter circle; the area is then right to 1 in 10,000


class Geography:
    """Kecamatan polygons by code, and the line to the neighbouring country."""

    def __init__(self, areas: dict[str, BaseGeometry], names: dict[str, str], border: BaseGeometry) -> None:
        self.codes: Final = tuple(sorted(areas))
        self.names: Final = names
        self._index: Final = {code: index for index, code in enumerate(self.codes)}
        self._polygons: Final = np.array([_on_grid(areas[code]) for code in self.codes], dtype=object)
        self._tree: Final = STRtree(self._polygons)
        self._border: Final = _on_grid(border)
        shapely.prepare(self._polygons)
        shapely.prepare(self._border)

    def containing(self, points: Sequence[Point]) -> list[str | None]:
        """Return for each point the lowest code of the areas that hold it, lines included."""
        found: list[str | None] = [None] * len(points)
        if points:
            asked, areas = self._tree.query(_points(points), predicate="intersects")
            for point, area in sorted(zip(asked.tolist(), areas.tolist(), strict=True), reverse=True):
                found[point] = self.codes[area]
        return found

    def within(self, point: Point, metres: float) -> list[tuple[str, float]]:
        """Return code and distance in metres of every area at most so far away, in code order."""
        shape = _points(point)
        limit = (metres + _SLACK_M) / _STEP_M
        near = np.sort(self._tree.query(shape, predicate="dwithin", distance=limit))
        distances = shapely.distance(self._polygons[near], shape) * _STEP_M
        return [(self.codes[i], float(d)) for i, d in zip(near.tolist(), distances, strict=True)]

    def around(self, points: Sequence[Point], metres: Sequence[float]) -> list[list[str]]:
        """Return for each point the codes of every area at most so far away, in code order."""
        found: list[list[str]] = [[] for _ in points]
        if points:
            limits = (np.asarray(metres) + _SLACK_M) / _STEP_M
            asked, areas = self._tree.query(_points(points), predicate="dwithin", distance=limits)
            for area, point in sorted(zip(areas.tolist(), asked.tolist(), strict=True)):
                found[point].append(self.codes[area])
        return found

    def nearest(self, point: Point, metres: float, kabupaten: frozenset[str] | None = None) -> str | None:
        """Return the nearest area's code at most so far away, of these kabupaten only if given."""
        near = [
            (distance, code)
            for code, distance in self.within(point, metres)
            if kabupaten is None or code[:5] in kabupaten
        ]
        if not near:
            return None
        least = min(near)[0] + _EQUAL_M
        return min(code for distance, code in near if distance <= least)

    def distance(self, point: Point, code: str) -> float:
        """Return metres from a point to an area, which may be a kabupaten."""
        inside = [i for i, c in enumerate(self.codes) if c == code or c.startswith(f"{code}.")]
        return float(shapely.distance(self._polygons[inside], _points(point)).min()) * _STEP_M

    def shares(self, point: Point, radius_m: float, areas_of: dict[str, frozenset[str]]) -> dict[str, float]:
        """Return for each name the part (0..1) of the circle that lies in its areas."""
        circle = shapely.buffer(_points(point), radius_m / _STEP_M, quad_segs=_CIRCLE_SEGMENTS)
        touched = self._tree.query(circle, predicate="intersects")
        parts = {
            self.codes[i]: float(shapely.area(shapely.intersection(self._polygons[i], circle)))
            for i in touched.tolist()
        }
        whole = float(shapely.area(circle))
        return {name: sum(parts.get(code, 0.0) for code in codes) / whole for name, codes in areas_of.items()}

    def crosses_border(self, start: Point, end: Point) -> bool:
        """Return whether the straight path between two points meets the line."""
        path = shapely.linestrings(_scaled([start, end]))
        return bool(shapely.intersects(self._border, path))


def ahead(point: Point, heading_deg: float, metres: float) -> Point:
    """Return the point so far ahead; heading in degrees clockwise from true north, planar."""
    turn = math.radians(heading_deg)
    step = metres / METRES_PER_DEGREE
    return (point[0] + step * math.sin(turn), point[1] + step * math.cos(turn))


def read_geography(directory: Path) -> Geography:
    """Return a pack's geometry; refuse an invalid polygon, for a silent repair may remove land (B38)."""
    features = _features(directory / GEOMETRY)
    areas = {feature["properties"]["code"]: _shape(feature) for feature in features}
    broken = sorted(code for code, shape in areas.items() if not shapely.is_valid(shape))
    if broken:
        raise PackError(f"{GEOMETRY}: invalid polygon of {', '.join(broken)}; run: sinergi pack check")
    names = {feature["properties"]["code"]: feature["properties"]["name"] for feature in features}
    border = shapely.union_all([_shape(feature) for feature in _features(directory / BORDER)])
    return Geography(areas, names, border)


def _scaled(degrees: Any) -> NDArray[np.float64]:  # noqa: ANN401 - one point or many
    return np.round(np.asarray(degrees, dtype=np.float64) * _PER_DEGREE, _DIGITS)


def _points(degrees: Any) -> Any:  # noqa: ANN401 - one point or many
    return shapely.points(_scaled(degrees))


def _on_grid(shape: BaseGeometry) -> BaseGeometry:
    return shapely.transform(shape, _scaled)


def _features(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_bytes())["features"]  # type: ignore[no-any-return]
    except (OSError, ValueError, KeyError):
        raise PackError(f"{path.name}: no readable GeoJSON; run: sinergi pack build") from None


def _shape(feature: dict[str, Any]) -> BaseGeometry:
    return shapely.from_geojson(json.dumps(feature["geometry"]))
