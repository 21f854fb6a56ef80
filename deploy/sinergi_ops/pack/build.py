"""A pack's geometry from boundaries: topology kept, simplified only when asked, compact."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from sinergi_ops.pack import coverage
from sinergi_ops.pack.source import Area, Boundaries, SourceError
from sinergi_shared.region.tables import BORDER, GEOMETRY

DECIMALS: Final = (5, 6, 7)
"""Five decimals are about one metre. More are kept only where five would break a shared edge."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """What ``areas.geojson`` and ``border.geojson`` are to hold; areas by rising code."""

    areas: tuple[Area, ...]
    border: BaseGeometry | None
    decimals: int

    @property
    def area_km2(self) -> float:
        """Sum of the areas in the pack's plane, to a tenth of a square kilometre."""
        return round(coverage.square_km([area.shape for area in self.areas]), 1)


def build(boundaries: Boundaries, tolerance_m: float | None) -> Geometry:
    """Return geometry whose areas tile the land; raise ``SourceError`` when the source's do not.

    Nothing is repaired: a repair may take land from an area without a word (B38). With a tolerance
    (metres, Visvalingam's: the root of the smallest triangle that is kept) neighbours are
    simplified along one shared edge. The border line keeps every point.
    """
    areas = [boundaries.areas[code] for code in sorted(boundaries.areas)]
    _refuse_faults(areas)
    shapes = [area.shape for area in areas]
    if tolerance_m:
        degrees = tolerance_m / (coverage.KM_PER_DEGREE * 1000)
        shapes = shapely.coverage_simplify(shapes, degrees).tolist()
    decimals, shapes = _rounded_whole(shapes)
    return Geometry(
        areas=tuple(Area(area.code, area.name, new) for area, new in zip(areas, shapes, strict=True)),
        border=_rounded(_joined(boundaries.lines), decimals) if boundaries.lines else None,
        decimals=decimals,
    )


def write(geometry: Geometry, credit: str, directory: Path) -> None:
    """Write both GeoJSON files (WGS 84, longitude first), one feature a line, with the credit line."""
    features = [
        _feature({"code": area.code, "name": area.name}, area.shape, geometry.decimals)
        for area in geometry.areas
    ]
    line = [] if geometry.border is None else [_feature({}, geometry.border, geometry.decimals)]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / GEOMETRY).write_text(_collection(credit, features), encoding="utf-8")
    (directory / BORDER).write_text(_collection(credit, line), encoding="utf-8")


def _refuse_faults(areas: list[Area]) -> None:
    shapes = [area.shape for area in areas]
    broken = [f"{areas[index].code} ({reason})" for index, reason in coverage.invalid_areas(shapes)]
    if broken:
        raise SourceError(f"invalid polygons: {'; '.join(broken)}; repair the source and look at the result")
    faults = [
        f"{areas[fault.first].code} and {areas[fault.second].code} overlap ({fault.km2:.6f} km2)"
        for fault in coverage.overlaps(shapes)
    ]
    faults += [
        f"a gap of {fault.km2:.6f} km2 between {', '.join(areas[index].code for index in fault.around)}"
        for fault in coverage.gaps(shapes)
    ]
    faults = faults or [
        f"{areas[index].code}: edge unlike its neighbour's" for index in coverage.uneven_edges(shapes)
    ]
    if faults:
        raise SourceError(f"the areas do not tile the land: {'; '.join(faults)}; repair the source")


def _rounded_whole(shapes: list[BaseGeometry]) -> tuple[int, list[BaseGeometry]]:
    for decimals in DECIMALS:
        rounded = [_rounded(each, decimals) for each in shapes]
        if coverage.is_clean(rounded):
            return decimals, rounded
    raise SourceError(
        f"the areas no longer tile the land at {DECIMALS[-1]} decimals; give another --tolerance"
    )


def _joined(lines: list[BaseGeometry]) -> BaseGeometry:
    return lines[0] if len(lines) == 1 else shapely.union_all(lines)


def _rounded(geometry: BaseGeometry, decimals: int) -> BaseGeometry:
    document = mapping(geometry)
    return shape({**document, "coordinates": _round(document["coordinates"], decimals)})


def _round(coordinates: Any, decimals: int) -> Any:  # noqa: ANN401 - nested lists of any depth, as GeoJSON has
    if isinstance(coordinates, float | int):
        return round(float(coordinates), decimals)
    return [_round(part, decimals) for part in coordinates]


def _feature(properties: dict[str, str], geometry: BaseGeometry, decimals: int) -> dict[str, Any]:
    document = mapping(geometry)
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {
            "type": document["type"],
            "coordinates": _round(document["coordinates"], decimals),
        },
    }


def _collection(credit: str, features: list[dict[str, Any]]) -> str:
    head = json.dumps({"type": "FeatureCollection", "attribution": credit}, ensure_ascii=False)[:-1]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False, separators=(",", ":")) for feature in features)
    return f'{head}, "features": [\n{lines}\n]}}\n'
