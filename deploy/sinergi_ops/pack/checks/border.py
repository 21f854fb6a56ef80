"""The kecamatan listed as border ones touch the border line, and no others do."""

from collections.abc import Iterator
from typing import Final

import shapely

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.tables import BORDER, GEOMETRY

_TOUCHING: Final = 0.0001
"""Degrees, about 11 m: outline and line may come from different drawings of one border."""


def check(files: PackFiles) -> Iterator[Finding]:
    """Report a line that is none, listed kecamatan away from it, and unlisted ones on it."""
    lines = [line for line in files.border if line.geom_type in {"LineString", "MultiLineString"}]
    if len(lines) != len(files.border) or any(line.is_empty or not line.is_valid for line in lines):
        yield Finding(
            Rule.BORDER,
            BORDER,
            None,
            Words("Ada yang bukan garis batas yang utuh", "Something here is not a whole border line"),
        )
        return
    yield from _districts(files, shapely.union_all(lines))


def _districts(files: PackFiles, line: shapely.Geometry) -> Iterator[Finding]:
    listed = {row["kode_kec"]: row for row in files.tables["border_kecamatan"]}
    near = {code for code, feature in files.kecamatan.items() if feature.shape.dwithin(line, _TOUCHING)}
    for code in sorted((listed.keys() & files.kecamatan.keys()) - near):
        yield Finding(
            Rule.BORDER,
            listed[code].file,
            listed[code].number,
            Words(
                f"Kecamatan {code} tidak menyentuh garis batas",
                f"Kecamatan {code} does not touch the border line",
            ),
        )
    for code in sorted(near - listed.keys()):
        yield Finding(
            Rule.BORDER,
            GEOMETRY,
            files.kecamatan[code].number,
            Words(
                f"Kecamatan {code} menyentuh garis batas tetapi tidak ada di border_kecamatan.csv",
                f"Kecamatan {code} touches the border line but is not in border_kecamatan.csv",
            ),
        )
