"""The tables of offices agree with the jurisdictions by which alerts are routed."""

from collections.abc import Iterator

from sinergi_ops.pack.checks.offices import offices_at
from sinergi_ops.pack.checks.references import DEFAULT_OFFICES
from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words


def check(files: PackFiles) -> Iterator[Finding]:
    """Report offices of ``imigrasi_upt``, ``kppbc``, ``admin_kabkota`` and overrides that route elsewhere."""
    for table in ("imigrasi_upt", "kppbc"):
        for row in files.tables[table]:
            yield from _same_area(files, row)
    for row in files.tables["admin_kabkota"]:
        yield from _same_default(files, row)
    for row in files.tables["jurisdiction_overrides"]:
        yield from _same_override(files, row)


def _same_area(files: PackFiles, row: Row) -> Iterator[Finding]:
    recipient = files.recipients.get(row["code"])
    if recipient and set(row.parts("wilayah_kode", ",")) != set(recipient.parts("jurisdiction", ",")):
        yield _differs(row, f"{row['code']} wilayah_kode")


def _same_default(files: PackFiles, row: Row) -> Iterator[Finding]:
    for kind, column in DEFAULT_OFFICES.items():
        _, offices = offices_at(files, kind, row["kode"])
        if row[column] in files.recipients and offices and row[column] not in offices:
            yield _differs(row, f"{column} {row[column]}")


def _same_override(files: PackFiles, row: Row) -> Iterator[Finding]:
    default = files.kabupaten.get(row["admin_code"][:5])
    column = DEFAULT_OFFICES.get(row["kind"])
    _, offices = offices_at(files, row["kind"], row["admin_code"])
    if offices and row["override_code"] in files.recipients and row["override_code"] not in offices:
        yield _differs(row, f"override_code {row['override_code']}")
    named = row["default_code"] in files.recipients
    if default and column and named and default[column] != row["default_code"]:
        yield _differs(row, f"default_code {row['default_code']}")


def _differs(row: Row, what: str) -> Finding:
    return Finding(
        Rule.OFFICE_DIFFERS,
        row.file,
        row.number,
        Words(
            f"{what} berbeda dari yurisdiksi di recipients.csv",
            f"{what} differs from the jurisdiction in recipients.csv",
        ),
    )
