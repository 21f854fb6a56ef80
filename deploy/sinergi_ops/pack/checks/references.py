"""A code that names another row: that row exists, and is of the right kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words

DEFAULT_OFFICES: Final = {
    "IMI": "kanim",
    "POL": "polres",
    "PPA": "uptd_ppa",
    "SOS": "dinsos",
    "NAKER": "disnaker",
    "KEJ": "kejari",
    "GT": "gugus_tugas",
    "PEMDA": "pemda",
    "BC": "kppbc",
}
"""Recipient kind to the column of ``admin_kabkota.csv`` that holds a kabupaten's usual office."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column whose cells name rows elsewhere: ``to`` is a group of codes or a recipient kind."""

    table: str
    column: str
    to: str
    separator: str = ";"
    required: bool = False


_REFERENCES: Final = (
    *(Reference("admin_kabkota", column, kind) for kind, column in DEFAULT_OFFICES.items()),
    Reference("border_kecamatan", "kode_kec", "kecamatan", required=True),
    Reference("border_kecamatan", "kode_kab", "kabupaten", required=True),
    Reference("field_visibility", "extra_kinds", "kind"),
    Reference("imigrasi_upt", "code", "recipient", required=True),
    Reference("imigrasi_upt", "wilayah_kode", "area", ",", required=True),
    Reference("imigrasi_upt", "tpi_place_code", "place"),
    Reference("jurisdiction_overrides", "kind", "kind", required=True),
    Reference("jurisdiction_overrides", "admin_code", "area", required=True),
    Reference("jurisdiction_overrides", "default_code", "recipient", required=True),
    Reference("jurisdiction_overrides", "override_code", "recipient", required=True),
    Reference("kppbc", "code", "BC", required=True),
    Reference("kppbc", "wilayah_kode", "area", ",", required=True),
    Reference("kppbc", "place_code", "place"),
    Reference("places", "kode_kec", "kecamatan", required=True),
    Reference("places", "kode_kab", "kabupaten", required=True),
    Reference("places", "kanim", "IMI"),
    Reference("places", "kppbc", "BC"),
    Reference("places", "bnpp", "BNPP"),
    Reference("places", "bkk", "BKK"),
    Reference("recipients", "kind", "kind", required=True),
    Reference("recipients", "escalates_to", "recipient"),
    Reference("recipients", "jurisdiction", "area or abroad", ",", required=True),
    Reference("redaction", "audience_kinds", "kind"),
)


def check(files: PackFiles) -> Iterator[Finding]:
    """Report codes that name nothing, and kecamatan put under another's kabupaten."""
    for reference in _REFERENCES:
        known = _known(files, reference.to)
        for row in files.tables[reference.table]:
            yield from _row(row, reference, known)
    for table in ("border_kecamatan", "places"):
        for row in files.tables[table]:
            yield from _wrong_kabupaten(files, row)


def is_abroad(code: str) -> bool:
    """Whether this is an area of another country, as ISO 3166-2 writes it (``MY-13`` is Sarawak)."""
    country, _, area = code.partition("-")
    return len(country) == 2 and country.isalpha() and country != "ID" and area.isalnum()  # noqa: PLR2004 - ISO


def _row(row: Row, reference: Reference, known: frozenset[str]) -> Iterator[Finding]:
    codes = row.parts(reference.column, reference.separator)
    if not codes and reference.required:
        codes = ("-",)
    for code in codes:
        if code not in known and not (reference.to == "area or abroad" and is_abroad(code)):
            yield Finding(
                Rule.UNKNOWN_KIND if reference.to == "kind" else Rule.UNKNOWN_CODE,
                row.file,
                row.number,
                Words(
                    f"{reference.column}: {code} tidak dikenal ({_label(reference.to)})",
                    f"{reference.column}: {code} is unknown ({_label(reference.to)})",
                ),
            )


def _label(to: str) -> str:
    return f"recipients.csv, {to}" if to.isupper() else to


def _known(files: PackFiles, to: str) -> frozenset[str]:
    areas = {*files.kecamatan, *files.kabupaten, files.manifest.province.code}
    groups = {
        "kecamatan": frozenset(files.kecamatan),
        "kabupaten": frozenset(files.kabupaten),
        "area": frozenset(areas),
        "area or abroad": frozenset(areas),
        "place": files.column("places", "place_code"),
        "kind": files.column("agencies", "kind"),
        "recipient": frozenset(files.recipients),
    }
    of_kind = frozenset(code for code, row in files.recipients.items() if row["kind"] == to)
    return groups.get(to, of_kind)


def _wrong_kabupaten(files: PackFiles, row: Row) -> Iterator[Finding]:
    kecamatan, kabupaten = row["kode_kec"], row["kode_kab"]
    known = kecamatan in files.kecamatan and kabupaten in files.kabupaten
    if known and not kecamatan.startswith(f"{kabupaten}."):
        yield Finding(
            Rule.UNKNOWN_CODE,
            row.file,
            row.number,
            Words(
                f"kode_kab: kecamatan {kecamatan} bukan bagian dari {kabupaten}",
                f"kode_kab: kecamatan {kecamatan} is not in {kabupaten}",
            ),
        )
