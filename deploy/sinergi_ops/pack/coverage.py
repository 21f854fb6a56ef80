"""Faults of a set of areas that must tile the land: each valid, no overlap, no gap, shared edges equal."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

KM_PER_DEGREE: Final = 111.195
"""The plane in which a pack measures: 1 degree is this on both axes (region README)."""

NARROW_GAP: Final = 0.00001
"""Degrees, about 1 m, the grain of five decimals: edges that run closer were meant to be one."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two areas, by position, that claim the same land."""

    first: int
    second: int
    km2: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Land inside the outline that no area claims, and the areas around it by position."""

    around: tuple[int, ...]
    km2: float


def square_km(areas: Sequence[BaseGeometry]) -> float:
    """Return the sum of the areas in square kilometres of the pack's plane."""
    return float(sum(area.area for area in areas)) * KM_PER_DEGREE**2


def invalid_areas(areas: Sequence[BaseGeometry]) -> list[tuple[int, str]]:
    """Return position and reason of each area that is empty, no polygon or not valid."""
    return [(index, reason) for index, area in enumerate(areas) if (reason := _fault(area))]


def overlaps(areas: Sequence[BaseGeometry]) -> list[Overlap]:
    """Return the pairs of valid areas whose insides meet."""
    pairs = shapely.STRtree(areas).query(areas, predicate="intersects").T.tolist()
    return [
        Overlap(first, second, square_km([areas[first].intersection(areas[second])]))
        for first, second in sorted(pairs)
        if first < second and areas[first].relate_pattern(areas[second], "T********")
    ]


def gaps(areas: Sequence[BaseGeometry]) -> list[Gap]:
    """Return the holes that valid areas leave between them; a hole is a gap whatever its size."""
    union = shapely.union_all(areas)
    rings = [ring for part in _polygons(union) for ring in part.interiors]
    tree = shapely.STRtree(areas)
    return [
        Gap(tuple(sorted(tree.query(ring, predicate="intersects").tolist())), square_km([Polygon(ring)]))
        for ring in rings
    ]


def uneven_edges(areas: Sequence[BaseGeometry]) -> list[int]:
    """Return the areas whose edge is not, point for point, the edge of their neighbour."""
    edges = shapely.coverage_invalid_edges(list(areas), gap_width=NARROW_GAP)
    return [index for index, edge in enumerate(edges) if not edge.is_empty]


def is_clean(areas: Sequence[BaseGeometry]) -> bool:
    """Whether no fault of this file is found."""
    return not (invalid_areas(areas) or uneven_edges(areas) or overlaps(areas) or gaps(areas))


def _fault(area: BaseGeometry) -> str | None:
    if area.is_empty or area.geom_type not in {"Polygon", "MultiPolygon"}:
        return f"empty or no polygon ({area.geom_type})"
    return None if area.is_valid else shapely.is_valid_reason(area)


def _polygons(union: BaseGeometry) -> list[Polygon]:
    return [part for part in shapely.get_parts(union).tolist() if isinstance(part, Polygon)]
