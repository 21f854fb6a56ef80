"""Areas and the border line of a pack, asked for whole batches of points.

Distances are planar with 1 degree = 111,195 m on both axes, limits inclusive (pack README). Shapes
are held on the grid of the pack's five decimals, whose whole numbers a float holds exactly: so a
point on a shared line is on it for both areas, which in degrees it would often not be. Areas
are held in code order, so a point on shared lines, or equally near to several, gets the lowest
code whatever the order of the file (B37).
"""

import json
import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
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
        self._polygons: Final = np.array([_on_grid(areas[code]) for code in self.codes], dtype=object)
        self._tree: Final = STRtree(self._polygons)
        self._border: Final = _on_grid(border)
        self._together: Final[dict[frozenset[str], BaseGeometry]] = {}
        self._lines: Final = shapely.boundary(self._polygons)
        shapely.prepare(self._polygons)
        shapely.prepare(self._lines)
        shapely.prepare(self._border)

    def containing(self, points: Sequence[Point]) -> list[str | None]:
        """Return for each point the lowest code of the areas that hold it, lines included."""
        found: list[str | None] = [None] * len(points)
        if points:
            shapes = _points(points)
            asked, areas = self._tree.query(shapes)
            held = shapely.intersects(self._polygons[areas], shapes[asked])
            pairs = zip(asked[held].tolist(), areas[held].tolist(), strict=True)
            for point, area in sorted(pairs, reverse=True):
                found[point] = self.codes[area]
        return found

    def around(self, points: Sequence[Point], metres: Sequence[float]) -> list[list[str]]:
        """Return for each point the codes of every area at most so far away, in code order."""
        found: list[list[str]] = [[] for _ in points]
        if points:
            asked, areas = self._near(_points(points), (np.asarray(metres) + _SLACK_M) / _STEP_M)
            for area, point in sorted(zip(areas.tolist(), asked.tolist(), strict=True)):
                found[point].append(self.codes[area])
        return found

    def nearest(
        self, points: Sequence[Point], metres: float, kabupaten: frozenset[str] | None = None
    ) -> list[str | None]:
        """Return for each point the nearest area within so many metres, of these kabupaten if given."""
        found: list[str | None] = [None] * len(points)
        if points:
            shapes = _points(points)
            limit = (metres + _SLACK_M) / _STEP_M
            asked, areas = self._tree.query(shapes, predicate="dwithin", distance=limit)
            away = shapely.distance(self._polygons[areas], shapes[asked]) * _STEP_M
            near: dict[int, list[tuple[float, str]]] = {}
            for point, area, far in zip(asked.tolist(), areas.tolist(), away.tolist(), strict=True):
                if kabupaten is None or self.codes[area][:5] in kabupaten:
                    near.setdefault(point, []).append((far, self.codes[area]))
            for point, ways in near.items():
                least = min(ways)[0] + _EQUAL_M
                found[point] = min(code for far, code in ways if far <= least)
        return found

    def distance(self, point: Point, code: str) -> float:
        """Return metres from a point to an area, which may be a kabupaten."""
        return float(shapely.distance(self._polygons[self._parts(code)], _points(point)).min()) * _STEP_M

    def knows(self, codes: frozenset[str]) -> bool:
        """Return whether all of these codes, of kecamatan or of what they are part of, are on the map."""
        return all(self._parts(code) for code in codes)

    def reach(self, points: Sequence[Point], metres: Sequence[float], codes: frozenset[str]) -> list[bool]:
        """Return for each point whether one of these areas is at most so far away, whole kabupaten too.

        A microsecond each once codes have been asked for, whatever the distance.
        """
        if not points:
            return []
        limits: Any = (np.asarray(metres) + _SLACK_M) / _STEP_M  # the stubs know one distance only
        return shapely.dwithin(self._of(codes), _points(points), limits).tolist()  # type: ignore[no-any-return]

    def _of(self, codes: frozenset[str]) -> BaseGeometry:
        if codes not in self._together:
            # Each once, though a kabupaten and a part of it are named: inside twice would be outside.
            parts = self._polygons[sorted({part for code in codes for part in self._parts(code)})]
            # As they stand beside each other, which the stubs do not know: a union might move a line.
            shape: Any = shapely.multipolygons(shapely.get_parts(parts))
            shapely.prepare(shape)
            self._together[codes] = shape
        return self._together[codes]

    def _parts(self, code: str) -> list[int]:
        """Return where the areas of a code are held, itself or its kecamatan; codes are in order."""
        first = bisect_left(self.codes, code)
        last = bisect_left(self.codes, f"{code}/")  # behind every ``code.``
        return [i for i in range(first, last) if self.codes[i] == code or self.codes[i][len(code)] == "."]

    def shares(
        self, circles: Sequence[tuple[Point, float, Mapping[str, frozenset[str]]]]
    ) -> list[dict[str, float]]:
        """Return for each point, radius in metres and areas by name: a name's part (0..1) of the circle."""
        if not circles:
            return []
        points, metres, named = zip(*circles, strict=True)
        shapes: Any = _points(points)
        radii: Any = np.asarray(metres) / _STEP_M  # the library's stubs know one distance only
        asked, areas = self._near(shapes, radii)
        cut = shapely.dwithin(self._lines[areas], shapes[asked], radii[asked])
        divided, which = np.unique(asked[cut], return_inverse=True)
        drawn = shapely.buffer(shapes[divided], radii[divided], quad_segs=_CIRCLE_SEGMENTS)
        whole = np.ones(len(circles))
        whole[divided] = shapely.area(drawn)
        inside = whole[asked]  # of an area whose line is farther away, which holds all of the circle
        inside[cut] = shapely.area(shapely.intersection(self._polygons[areas[cut]], drawn[which]))
        parts: list[list[tuple[str, float]]] = [[] for _ in circles]
        for circle, area, part in zip(asked.tolist(), areas.tolist(), inside.tolist(), strict=True):
            parts[circle].append((self.codes[area], part))
        return [
            {name: sum(part for code, part in held if code in codes) / total for name, codes in of.items()}
            for held, total, of in zip(parts, whole.tolist(), named, strict=True)
        ]

    def _near(self, points: NDArray[Any], limits: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # noqa: ANN401 - an array, which the stubs do not know as a distance
        """Return which of these points is at most so many steps from which area.

        Prepared areas answer from an index; the tree's own predicate reads every corner of theirs.
        """
        left, low, right, high = shapely.bounds(points).T
        around = shapely.box(left - limits, low - limits, right + limits, high + limits)
        asked, areas = self._tree.query(around)
        near = shapely.dwithin(self._polygons[areas], points[asked], limits[asked])
        return asked[near], areas[near]

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
