"""A cell that holds a word of a closed list or a number: it is one."""

from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo

from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.contracts.codes import Level, LocationKind, Need, Role, Suspicion

_YES_NO: Final = frozenset({"ya", "tidak"})
_YES_NO_YET: Final = frozenset({"ya", "tidak", "belum"})
_ROLES: Final = frozenset({*Role, "digest"})
_EXTRA: Final = frozenset({"vehicleRefs", "exactPoint", "movement", *(f"needs:{need}" for need in Need)})
_CAP_CATEGORIES: Final = frozenset(
    {
        "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra",
        "CBRNE", "Other",
    }
)  # fmt: skip
_CAP_RESPONSES: Final = frozenset(
    {"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"}
)

_WORDS: Final = (
    ("admin_kabkota", "berbatasan_sarawak", _YES_NO),
    ("admin_kabkota", "berpesisir", _YES_NO),
    ("admin_kabkota", "kanim_terbagi", _YES_NO),
    ("agencies", "role", _ROLES),
    ("agencies", "max_disclosure", frozenset(Level)),
    ("field_visibility", "min_level", frozenset(Level)),
    ("indicators", "scored", _YES_NO),
    ("places", "pos_resmi", _YES_NO_YET),
    ("recipients", "active", _YES_NO_YET),
    ("recipients", "role", _ROLES),
    ("recipients", "max_disclosure", frozenset(Level)),
    ("redaction", "level", frozenset(Level)),
    ("situations", "suspicion", frozenset(Suspicion)),
    ("situations", "cap_category", _CAP_CATEGORIES),
    ("situations", "cap_response_type", _CAP_RESPONSES),
)
_LISTS: Final = (
    ("agencies", "extra_fields", _EXTRA),
    ("indicators", "suspicion", frozenset(Suspicion)),
    ("mandates", "extra_fields", _EXTRA),
    ("recipients", "extra_fields", _EXTRA),
    ("situations", "location_kinds", frozenset({*LocationKind, "any"})),
)
_NUMBERS: Final = (
    ("border_kecamatan", "panjang_batas_km"),
    ("places", "lat"),
    ("places", "lon"),
    ("places", "accuracy_m"),
)
_COUNTS: Final = (("indicators", "base_weight"), ("indicators", "min_corroboration"))
_MAY_BE_EMPTY: Final = frozenset({"min_corroboration"})


def check(files: PackFiles) -> Iterator[Finding]:
    """Report words that nobody would understand and cells that are no number."""
    for table, column, allowed in _WORDS:
        for row in files.tables[table]:
            if row[column] not in allowed:
                yield unknown(row, column, row[column])
    for table, column, allowed in _LISTS:
        for row in files.tables[table]:
            yield from (unknown(row, column, word) for word in row.parts(column) if word not in allowed)
    yield from _no_numbers(files)
    yield from (
        unknown(row, "timezone", row["timezone"])
        for row in files.tables["recipients"]
        if not _is_zone(row["timezone"])
    )


def unknown(row: Row, column: str, value: str) -> Finding:
    """Return the finding for a value that its column does not know."""
    return Finding(
        Rule.UNKNOWN_VALUE,
        row.file,
        row.number,
        Words(
            f"{column}: nilai {value or '-'} tidak dikenal", f"{column}: value {value or '-'} is not known"
        ),
    )


def is_number(text: str) -> bool:
    """Whether this is a finite decimal number."""
    return text.removeprefix("-").replace(".", "", 1).isdecimal()


def _no_numbers(files: PackFiles) -> Iterator[Finding]:
    for table, column in _NUMBERS:
        for row in files.tables[table]:
            if not is_number(row[column]):
                yield unknown(row, column, row[column])
    for table, column in _COUNTS:
        for row in files.tables[table]:
            if not row[column].isdecimal() and (row[column] or column not in _MAY_BE_EMPTY):
                yield unknown(row, column, row[column])


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown, a folder of zones, a path
        return False
    return True
