"""Polygons and the table of kabupaten name the same land, as much of it as was recorded."""

import re
from collections.abc import Iterator
from typing import Final

from sinergi_ops.pack import coverage
from sinergi_ops.pack.files import Feature, PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.pack import MANIFEST
from sinergi_shared.region.tables import GEOMETRY

_CODE: Final = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}")
SUM_TOLERANCE: Final = 0.0001
"""Share of the recorded area by which the sum may differ (B38: 0.01 %)."""


def check(files: PackFiles) -> Iterator[Finding]:
    """Report polygons without a kabupaten, kabupaten without a polygon, and a wrong count or sum."""
    for feature in files.features:
        yield from _polygon(files, feature)
    yield from _empty_kabupaten(files)
    yield from _count(files)
    yield from _sum(files)


def _polygon(files: PackFiles, feature: Feature) -> Iterator[Finding]:
    known = _CODE.fullmatch(feature.code) and feature.code[:5] in files.kabupaten
    if not known or not feature.code.startswith(files.manifest.province.code) or not feature.name.strip():
        yield Finding(
            Rule.AREA_UNKNOWN,
            GEOMETRY,
            feature.number,
            Words(
                f"Poligon {feature.code or '-'} tidak punya kabupaten yang dikenal atau tidak bernama",
                f"Polygon {feature.code or '-'} has no known kabupaten or no name",
            ),
        )


def _empty_kabupaten(files: PackFiles) -> Iterator[Finding]:
    found = {code[:5] for code in files.kecamatan}
    for code, row in files.kabupaten.items():
        if code not in found:
            yield Finding(
                Rule.AREA_MISSING,
                row.file,
                row.number,
                Words(f"Kabupaten {code} tidak punya satu poligon pun", f"Kabupaten {code} has no polygon"),
            )


def _count(files: PackFiles) -> Iterator[Finding]:
    count, recorded = len(files.features), files.manifest.areas
    if count != recorded:
        yield Finding(
            Rule.AREA_COUNT,
            GEOMETRY,
            None,
            Words(
                f"{count} poligon, {recorded} tercatat di {MANIFEST}",
                f"{count} polygons, {recorded} recorded in {MANIFEST}",
            ),
        )


def _sum(files: PackFiles) -> Iterator[Finding]:
    found = coverage.square_km([feature.shape for feature in files.features])
    recorded = files.manifest.area_km2
    if abs(found - recorded) > recorded * SUM_TOLERANCE:
        yield Finding(
            Rule.AREA_SUM,
            GEOMETRY,
            None,
            Words(
                f"Jumlah luas {found:.1f} km2, {recorded:.1f} tercatat di {MANIFEST}",
                f"The areas add up to {found:.1f} km2, {recorded:.1f} recorded in {MANIFEST}",
            ),
        )
