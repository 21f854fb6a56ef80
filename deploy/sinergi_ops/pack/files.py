"""A pack's files as its checks read them: text cells with their row, shapes with their feature."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sinergi_shared.region.pack import Manifest, read_manifest
from sinergi_shared.region.tables import BORDER, GEOMETRY, TABLES, YES, PackError, read_rows

COLUMNS: Final = {
    "admin_kabkota": "kode nama berbatasan_sarawak berpesisir kanim kanim_terbagi polres uptd_ppa dinsos "
    "disnaker kejari gugus_tugas pemda kppbc",
    "agencies": "kind code_pattern role max_disclosure extra_fields",
    "border_kecamatan": "kode_kec kode_kab panjang_batas_km",
    "conditions": "condition",
    "field_visibility": "field min_level transform extra_kinds",
    "imigrasi_upt": "code wilayah_kode tpi_place_code",
    "indicators": "code label_id label_en suspicion base_weight min_corroboration scored",
    "jurisdiction_overrides": "kind admin_code default_code override_code",
    "kppbc": "code wilayah_kode place_code",
    "mandates": "rule_id situation suspicion recipient_kind scope condition role disclosure extra_fields "
    "ack_kritis_min ack_tinggi_min ack_sedang_min ack_rendah_min action_id action_en",
    "places": "place_code name kode_kab kode_kec lat lon accuracy_m pos_resmi kanim kppbc bnpp bkk",
    "recipients": "code nama name_en kind jurisdiction max_disclosure role escalates_to extra_fields "
    "timezone active",
    "redaction": "level audience_kinds",
    "routing_rules": "rule parameter value",
    "situations": "situation label_id label_en suspicion location_kinds cap_category cap_response_type "
    "l1_category l1_label_id l1_label_en",
}
"""Columns that routing or a check reads; a table may hold more."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table; the header is row 1."""

    table: str
    number: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column].strip()

    @property
    def file(self) -> str:
        """Name of the row's file."""
        return f"{self.table}.csv"

    def parts(self, column: str, separator: str = ";") -> tuple[str, ...]:
        """Return the parts of a cell that holds a list."""
        return tuple(part.strip() for part in self.cells[column].split(separator) if part.strip())


@dataclass(frozen=True, slots=True)
class Feature:
    """A polygon of ``areas.geojson``; the first feature is number 1."""

    number: int
    code: str
    name: str
    shape: BaseGeometry


@dataclass(frozen=True)
class PackFiles:
    """Everything that a check may look at."""

    directory: Path
    manifest: Manifest
    tables: dict[str, tuple[Row, ...]]
    features: tuple[Feature, ...]
    border: tuple[BaseGeometry, ...]

    @cached_property
    def kecamatan(self) -> dict[str, Feature]:
        """Polygons by code."""
        return {feature.code: feature for feature in self.features}

    @cached_property
    def kabupaten(self) -> dict[str, Row]:
        """Rows of ``admin_kabkota.csv`` by code."""
        return {row["kode"]: row for row in self.tables["admin_kabkota"]}

    @cached_property
    def recipients(self) -> dict[str, Row]:
        """Rows of ``recipients.csv`` by code."""
        return {row["code"]: row for row in self.tables["recipients"]}

    @cached_property
    def active(self) -> tuple[Row, ...]:
        """Recipients that can be told something."""
        return tuple(row for row in self.tables["recipients"] if row["active"] == YES)

    @cached_property
    def offices(self) -> dict[str, dict[str, list[Row]]]:
        """Active recipients by kind and by the area codes of their jurisdiction."""
        found: dict[str, dict[str, list[Row]]] = {}
        for row in self.active:
            for code in row.parts("jurisdiction", ","):
                found.setdefault(row["kind"], {}).setdefault(code, []).append(row)
        return found

    @cached_property
    def parameters(self) -> dict[tuple[str, str], Row]:
        """Rows of ``routing_rules.csv`` by rule and parameter."""
        return {(row["rule"], row["parameter"]): row for row in self.tables["routing_rules"]}

    def column(self, table: str, column: str) -> frozenset[str]:
        """Return the values that stand in a column."""
        return frozenset(row[column] for row in self.tables[table])


def read_files(directory: Path) -> PackFiles:
    """Return the pack's files; raise ``PackError`` that names the file when one cannot be read."""
    return PackFiles(
        directory=directory,
        manifest=read_manifest(directory),
        tables={table: _table(directory, table) for table in TABLES},
        features=tuple(_areas(directory)),
        border=tuple(geometry for _, _, geometry in _geojson(directory / BORDER)),
    )


def _table(directory: Path, table: str) -> tuple[Row, ...]:
    try:
        rows = read_rows(directory, table)
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{table}.csv: {type(error).__name__}; UTF-8 text is needed") from None
    missing = sorted(set(COLUMNS[table].split()) - set(rows[0] if rows else ()))
    if missing:
        raise PackError(f"{table}.csv: no rows, or no column {', '.join(missing)}")
    return tuple(Row(table, number, cells) for number, cells in enumerate(rows, start=2))


def _areas(directory: Path) -> Iterator[Feature]:
    for number, properties, geometry in _geojson(directory / GEOMETRY):
        yield Feature(number, str(properties.get("code", "")), str(properties.get("name", "")), geometry)


def _geojson(path: Path) -> Iterator[tuple[int, dict[str, Any], BaseGeometry]]:
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        for number, feature in enumerate(features, start=1):
            yield number, feature["properties"], shape(feature["geometry"])
    except (OSError, LookupError, TypeError, ValueError, AttributeError, ShapelyError) as error:
        raise PackError(
            f"{path.name}: {type(error).__name__}; a FeatureCollection from `sinergi pack build` is needed"
        ) from None
