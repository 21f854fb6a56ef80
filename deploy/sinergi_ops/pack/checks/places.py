"""Every place lies in the kecamatan that its row names."""

from collections.abc import Iterator

from shapely import Point

from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words


def check(files: PackFiles) -> Iterator[Finding]:
    """Report places outside their polygon; a point on its edge is inside."""
    for row in files.tables["places"]:
        area = files.kecamatan.get(row["kode_kec"])
        point = _point(row)
        if area and point and area.shape.is_valid and not area.shape.covers(point):
            yield Finding(
                Rule.PLACE_OUTSIDE,
                row.file,
                row.number,
                Words(
                    f"Titik {row['place_code']} terletak di luar kecamatan {row['kode_kec']}",
                    f"The point of {row['place_code']} lies outside kecamatan {row['kode_kec']}",
                ),
            )


def _point(row: Row) -> Point | None:
    try:
        return Point(float(row["lon"]), float(row["lat"]))
    except ValueError:
        return None  # told by the check of values
