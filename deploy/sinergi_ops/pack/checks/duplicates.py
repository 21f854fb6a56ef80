"""A code stands in one row only."""

from collections.abc import Iterator
from typing import Final

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.tables import GEOMETRY

_KEYS: Final = (
    ("admin_kabkota", ("kode",)),
    ("agencies", ("kind",)),
    ("border_kecamatan", ("kode_kec",)),
    ("conditions", ("condition",)),
    ("field_visibility", ("field",)),
    ("imigrasi_upt", ("code",)),
    ("indicators", ("code",)),
    ("jurisdiction_overrides", ("kind", "admin_code")),
    ("kppbc", ("code",)),
    ("mandates", ("rule_id",)),
    ("mandates", ("situation", "recipient_kind", "scope", "condition")),
    ("places", ("place_code",)),
    ("recipients", ("code",)),
    ("redaction", ("level",)),
    ("routing_rules", ("rule", "parameter")),
    ("situations", ("situation",)),
)


def check(files: PackFiles) -> Iterator[Finding]:
    """Report every row or polygon whose key an earlier one has."""
    for table, columns in _KEYS:
        keys = ((row.number, " ".join(row[column] for column in columns)) for row in files.tables[table])
        yield from _repeats(f"{table}.csv", keys)
    yield from _repeats(GEOMETRY, ((feature.number, feature.code) for feature in files.features))


def _repeats(file: str, keys: Iterator[tuple[int, str]]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for number, key in keys:
        if first.setdefault(key, number) != number:
            yield Finding(
                Rule.DUPLICATE,
                file,
                number,
                Words(f"{key} sudah ada di baris {first[key]}", f"{key} is already in row {first[key]}"),
            )
