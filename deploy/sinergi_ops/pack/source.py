"""Any boundary source: GeoJSON in WGS 84 whose areas are keyed by administrative code."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

_DISTRICT: Final = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}")
_AREA_TYPES: Final = ("Polygon", "MultiPolygon")
_LINE_TYPES: Final = ("LineString", "MultiLineString")


class SourceError(Exception):
    """The source cannot become a pack: says file, feature and what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Names of the properties that hold an area's code and name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Area:
    """A kecamatan's code, name and shape, as the source has them."""

    code: str
    name: str
    shape: BaseGeometry


@dataclass(slots=True)
class Boundaries:
    """What a source holds: kecamatan by code, border lines, credit, and how much was left aside."""

    areas: dict[str, Area] = field(default_factory=dict)
    lines: list[BaseGeometry] = field(default_factory=list)
    credits: list[str] = field(default_factory=list)
    left_aside: int = 0


@dataclass(frozen=True, slots=True)
class _Feature:
    where: str
    properties: dict[str, Any]
    shape: BaseGeometry


def read_boundaries(sources: Sequence[Path], keys: Keys) -> Boundaries:
    """Return all kecamatan and lines of these files or folders; raise ``SourceError``.

    Lines are the border. Areas of another level (kabupaten, desa) and points are left aside. The
    same kecamatan twice is taken once when the shapes are equal, and refused when they are not.
    """
    found = Boundaries()
    for path in _files(sources):
        document = _read(path)
        credit = document.get("attribution")
        if isinstance(credit, str) and credit not in found.credits:
            found.credits.append(credit)
        for feature in _features(path.name, document):
            _sort_in(found, feature, keys)
    if not found.areas:
        raise SourceError("no kecamatan in the source; codes like 61.03.21 are needed, see --code-property")
    return found


def _files(sources: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for source in sources:
        found += sorted(source.glob("*.geojson")) if source.is_dir() else [source]
    if not found:
        raise SourceError("no .geojson file in the source")
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path.name}: {type(error).__name__}; a GeoJSON file is needed") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise SourceError(f"{path.name}: a FeatureCollection is needed")
    return document


def _features(file: str, document: dict[str, Any]) -> Iterator[_Feature]:
    for number, feature in enumerate(document.get("features") or (), start=1):
        where = f"{file}, feature {number}"
        try:
            geometry = shapely.force_2d(shape(feature["geometry"]))
            properties = dict(feature["properties"] or {})
        except (KeyError, TypeError, ValueError, AttributeError, ShapelyError):
            raise SourceError(f"{where}: cannot be read; properties and a geometry are needed") from None
        _refuse_other_planes(where, geometry)
        yield _Feature(where, properties, geometry)


def _refuse_other_planes(where: str, geometry: BaseGeometry) -> None:
    west, south, east, north = geometry.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:  # noqa: PLR2004 - the whole earth in degrees
        raise SourceError(f"{where}: outside the earth; WGS 84 in degrees, longitude first, is needed")


def _sort_in(found: Boundaries, feature: _Feature, keys: Keys) -> None:
    if feature.shape.geom_type in _LINE_TYPES:
        found.lines.append(feature.shape)
        return
    if feature.shape.geom_type not in _AREA_TYPES:
        found.left_aside += 1
        return
    area = Area(_code(feature, keys), str(feature.properties.get(keys.name) or "").strip(), feature.shape)
    if not _DISTRICT.fullmatch(area.code):
        found.left_aside += 1
        return
    known = found.areas.setdefault(area.code, area)
    if known.shape != area.shape:
        raise SourceError(f"{feature.where}: {area.code} has another shape elsewhere; keep one")
    if not area.name:
        raise SourceError(f"{feature.where}: {area.code} has no name; see --name-property")
    if known is not area:
        found.left_aside += 1


def _code(feature: _Feature, keys: Keys) -> str:
    code = feature.properties.get(keys.code)
    if code is None:
        names = ", ".join(sorted(feature.properties)) or "-"
        raise SourceError(f"{feature.where}: no property {keys.code}; it has {names}; see --code-property")
    text = str(code).strip()
    return ".".join((text[:2], text[2:4], text[4:])) if re.fullmatch(r"[0-9]{6}", text) else text
