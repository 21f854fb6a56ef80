"""A region pack's tables as they stand in its CSV files: typed rows, no rule applied.

A pack is data, no code: another province is another pack. What the columns mean is told in the
pack's README; ``sinergi pack check`` finds what does not fit together.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from sinergi_shared.contracts.codes import Level, Severity

YES: Final = "ya"
TABLES: Final = (
    "admin_kabkota",
    "border_kecamatan",
    "conditions",
    "field_visibility",
    "imigrasi_upt",
    "indicators",
    "jurisdiction_overrides",
    "kppbc",
    "agencies",
    "mandates",
    "places",
    "recipients",
    "redaction",
    "routing_rules",
    "situations",
)
GEOMETRY: Final = "areas.geojson"
BORDER: Final = "border.geojson"

Row = TypeVar("Row")


class PackError(Exception):
    """The pack cannot be read: says file, row and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A post, port, airport, town, village or unofficial route area."""

    code: str
    name: str
    kecamatan: str
    official: bool  # only then does the post override the polygon
    offices: dict[str, str]  # recipient kind to recipient code, for the kinds that a post fixes


@dataclass(frozen=True, slots=True)
class Recipient:
    """An agency's office that can be told something."""

    code: str
    name: str
    name_en: str
    kind: str
    jurisdiction: tuple[str, ...]
    cap: Level
    escalates_to: str | None
    timezone: str
    active: bool


@dataclass(frozen=True, slots=True)
class Mandate:
    """One row of ``mandates.csv``: in this situation, this kind of agency is told so much."""

    rule: str
    situation: str
    kind: str
    scope: str
    conditions: tuple[str, ...]
    role: str
    level: str
    ack_minutes: dict[Severity, int]
    action_id: str
    action_en: str


@dataclass(frozen=True, slots=True)
class SituationRow:
    """Labels of a situation, whole and coarse."""

    code: str
    label_id: str
    label_en: str
    l1_category: str
    l1_label_id: str
    l1_label_en: str
    cap_category: str
    cap_response_type: str


@dataclass(frozen=True, slots=True)
class FieldRow:
    """The lowest level that may see a field, how it is cut, and kinds that see it at L1 all the same."""

    field: str
    level: Level
    transform: str
    extra_kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """An indicator's weight and how many others must stand beside it to count."""

    code: str
    label_id: str
    label_en: str
    weight: int
    min_corroboration: int
    scored: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of a pack."""

    places: dict[str, Place]
    recipients: dict[str, Recipient]
    mandates: tuple[Mandate, ...]
    situations: dict[str, SituationRow]
    fields: tuple[FieldRow, ...]
    indicators: dict[str, IndicatorRow]
    kabupaten: dict[str, str]  # code to name
    coastal: frozenset[str]  # kabupaten codes
    border: frozenset[str]  # kecamatan codes
    parameters: dict[tuple[str, str], str]  # (rule, parameter) to value


def read_rows(directory: Path, table: str) -> list[dict[str, str]]:
    """Return a table's rows as text; raise ``PackError`` when the file is missing or misshapen."""
    path = directory / f"{table}.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise PackError(f"{path.name}: missing; a pack needs this table") from None
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise PackError(f"{path.name}, row {number}: as many cells as the header has are needed")
    return rows


def read_tables(directory: Path) -> Tables:
    """Return a pack's tables; raise ``PackError`` naming file and row when a cell cannot be read."""
    return Tables(
        places=_by_code(_read(directory, "places", _place)),
        recipients=_by_code(_read(directory, "recipients", _recipient)),
        mandates=tuple(_read(directory, "mandates", _mandate)),
        situations=_by_code(_read(directory, "situations", _situation)),
        fields=tuple(_read(directory, "field_visibility", _field)),
        indicators=_by_code(_read(directory, "indicators", _indicator)),
        kabupaten={row["kode"]: row["nama"] for row in read_rows(directory, "admin_kabkota")},
        coastal=frozenset(
            row["kode"] for row in read_rows(directory, "admin_kabkota") if row["berpesisir"] == YES
        ),
        border=frozenset(row["kode_kec"] for row in read_rows(directory, "border_kecamatan")),
        parameters={
            (row["rule"], row["parameter"]): row["value"] for row in read_rows(directory, "routing_rules")
        },
    )


def pack_hash(directory: Path) -> str:
    """Return the SHA-256 (hex) over the pack's tables and geometry, whatever else lies beside them."""
    digest = hashlib.sha256()
    for name in (*(f"{table}.csv" for table in sorted(TABLES)), GEOMETRY, BORDER):
        digest.update(f"{name}\n".encode())
        digest.update((directory / name).read_bytes())
    return digest.hexdigest()


def _read(directory: Path, table: str, parse: Callable[[dict[str, str]], Row]) -> Iterable[Row]:
    for number, row in enumerate(read_rows(directory, table), start=2):
        try:
            yield parse(row)
        except (KeyError, ValueError) as error:
            raise PackError(f"{table}.csv, row {number}: cannot be read ({error})") from None


def _by_code(rows: Iterable[Row]) -> dict[str, Row]:
    return {row.code: row for row in rows}  # type: ignore[attr-defined]


def _list(cell: str, separator: str = ";") -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(separator) if part.strip())


def _place(row: dict[str, str]) -> Place:
    offices = {"IMI": row["kanim"], "BC": row["kppbc"], "BNPP": row["bnpp"], "BKK": row["bkk"]}
    return Place(
        code=row["place_code"],
        name=row["name"],
        kecamatan=row["kode_kec"],
        official=row["pos_resmi"] == YES,
        offices={kind: code for kind, code in offices.items() if code},
    )


def _recipient(row: dict[str, str]) -> Recipient:
    return Recipient(
        code=row["code"],
        name=row["nama"],
        name_en=row["name_en"],
        kind=row["kind"],
        jurisdiction=_list(row["jurisdiction"], ","),
        cap=Level(row["max_disclosure"]),
        escalates_to=row["escalates_to"] or None,
        timezone=row["timezone"],
        active=row["active"] == YES,
    )


def _mandate(row: dict[str, str]) -> Mandate:
    return Mandate(
        rule=row["rule_id"],
        situation=row["situation"],
        kind=row["recipient_kind"],
        scope=row["scope"],
        conditions=_list(row["condition"], "&"),
        role=row["role"],
        level=row["disclosure"],
        ack_minutes={
            severity: int(row[f"ack_{severity}_min"]) for severity in Severity if row[f"ack_{severity}_min"]
        },
        action_id=row["action_id"],
        action_en=row["action_en"],
    )


def _situation(row: dict[str, str]) -> SituationRow:
    return SituationRow(
        code=row["situation"],
        label_id=row["label_id"],
        label_en=row["label_en"],
        l1_category=row["l1_category"],
        l1_label_id=row["l1_label_id"],
        l1_label_en=row["l1_label_en"],
        cap_category=row["cap_category"],
        cap_response_type=row["cap_response_type"],
    )


def _field(row: dict[str, str]) -> FieldRow:
    return FieldRow(
        field=row["field"],
        level=Level(row["min_level"]),
        transform=row["transform"],
        extra_kinds=_list(row["extra_kinds"]),
    )


def _indicator(row: dict[str, str]) -> IndicatorRow:
    return IndicatorRow(
        code=row["code"],
        label_id=row["label_id"],
        label_en=row["label_en"],
        weight=int(row["base_weight"]),
        min_corroboration=int(row["min_corroboration"] or 0),
        scored=row["scored"] == YES,
    )
