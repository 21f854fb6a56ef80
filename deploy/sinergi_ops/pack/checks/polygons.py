"""Every polygon is valid, and together they tile the land: no overlap, no gap, shared edges equal."""

from collections.abc import Iterator, Sequence

from shapely.geometry.base import BaseGeometry

from sinergi_ops.pack import coverage
from sinergi_ops.pack.files import Feature, PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.tables import GEOMETRY


def check(files: PackFiles) -> Iterator[Finding]:
    """Report broken polygons; where there are none, what keeps them from tiling the land."""
    features = files.features
    shapes = [feature.shape for feature in features]
    broken = coverage.invalid_areas(shapes)
    for index, reason in broken:
        yield _finding(
            Rule.POLYGON_INVALID,
            features[index],
            Words(
                f"Poligon {features[index].code} rusak: {reason}",
                f"Polygon {features[index].code} is broken: {reason}",
            ),
        )
    if not broken:
        yield from _tiling(features, shapes)


def _tiling(features: Sequence[Feature], shapes: list[BaseGeometry]) -> Iterator[Finding]:
    faults = [*_overlaps(features, shapes), *_gaps(features, shapes)]
    yield from faults or _edges(features, shapes)


def _overlaps(features: Sequence[Feature], shapes: list[BaseGeometry]) -> Iterator[Finding]:
    for fault in coverage.overlaps(shapes):
        first, second = features[fault.first].code, features[fault.second].code
        yield _finding(
            Rule.POLYGON_OVERLAP,
            features[fault.first],
            Words(
                f"Poligon {first} dan {second} tumpang tindih {fault.km2:.4f} km2",
                f"Polygons {first} and {second} overlap by {fault.km2:.4f} km2",
            ),
        )


def _gaps(features: Sequence[Feature], shapes: list[BaseGeometry]) -> Iterator[Finding]:
    for fault in coverage.gaps(shapes):
        around = ", ".join(features[index].code for index in fault.around)
        yield _finding(
            Rule.POLYGON_GAP,
            features[fault.around[0]],
            Words(
                f"Celah {fault.km2:.4f} km2 di antara poligon {around}",
                f"A gap of {fault.km2:.4f} km2 between the polygons {around}",
            ),
        )


def _edges(features: Sequence[Feature], shapes: list[BaseGeometry]) -> Iterator[Finding]:
    for index in coverage.uneven_edges(shapes):
        yield _finding(
            Rule.POLYGON_EDGE,
            features[index],
            Words(
                f"Batas poligon {features[index].code} tidak sama titik demi titik dengan tetangganya",
                f"The edge of polygon {features[index].code} is not its neighbour's point for point",
            ),
        )


def _finding(rule: Rule, feature: Feature, wrong: Words) -> Finding:
    return Finding(rule, GEOMETRY, feature.number, wrong)
