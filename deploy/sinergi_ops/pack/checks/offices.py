"""Every kecamatan has exactly one office of each kind that mandates send to by territory."""

from collections.abc import Iterator
from typing import Final

from sinergi_ops.pack.checks.references import DEFAULT_OFFICES
from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words

_MUST_BE_SERVED: Final = frozenset({"territory", "post_or_territory"})
_BY_TERRITORY: Final = _MUST_BE_SERVED | {"territory_only"}
_NEED_DEFAULT: Final = _MUST_BE_SERVED | {"province"}


def check(files: PackFiles) -> Iterator[Finding]:
    """Report kecamatan without an office, areas with two, and kinds without a province default."""
    served, needed = kinds_of(files, _BY_TERRITORY), kinds_of(files, _MUST_BE_SERVED)
    for kind in sorted(served):
        yield from _twice(files, kind)
    for kind in sorted(needed):
        yield from _unserved(files, kind)
    for kind in sorted(kinds_of(files, _NEED_DEFAULT)):
        if ("UNMAPPED", kind) not in files.parameters:
            yield Finding(
                Rule.UNMAPPED_MISSING,
                "routing_rules.csv",
                None,
                Words(f"{kind}: tanpa bawaan provinsi", f"{kind}: no province default"),
            )


def kinds_of(files: PackFiles, scopes: frozenset[str]) -> frozenset[str]:
    """Return the kinds with recipients that mandates of these scopes send to."""
    wanted = {row["recipient_kind"] for row in files.tables["mandates"] if row["scope"] in scopes}
    return frozenset(wanted & files.column("recipients", "kind"))


def offices_at(files: PackFiles, kind: str, area: str) -> tuple[str, list[str]]:
    """Return the longest code that covers the area, and the active offices of the kind that have it."""
    held = files.offices.get(kind, {})
    for code in (area, area[:5], area[:2]):
        if code in held:
            return code, [row["code"] for row in held[code]]
    return "", []


def _twice(files: PackFiles, kind: str) -> Iterator[Finding]:
    for code, (first, *others) in files.offices.get(kind, {}).items():
        for row in others:
            yield Finding(
                Rule.OFFICE_AMBIGUOUS,
                row.file,
                row.number,
                Words(
                    f"Wilayah {code} juga milik {first['code']} ({kind})",
                    f"Area {code} is also {first['code']}'s ({kind})",
                ),
            )


def _unserved(files: PackFiles, kind: str) -> Iterator[Finding]:
    for kabupaten, row in files.kabupaten.items():
        own = sorted(code for code in files.kecamatan if code.startswith(f"{kabupaten}."))
        bare = [code for code in own if not _is_served(files, kind, code, row)]
        if bare:
            codes = ", ".join(bare)
            yield Finding(
                Rule.OFFICE_MISSING,
                row.file,
                row.number,
                Words(
                    f"Tanpa kantor {kind} di {len(bare)} kecamatan: {codes}",
                    f"No {kind} office in {len(bare)} kecamatan: {codes}",
                ),
            )


def _is_served(files: PackFiles, kind: str, area: str, kabupaten: Row) -> bool:
    """Whether an office near enough serves the area; the province's only where the table says so."""
    code, offices = offices_at(files, kind, area)
    if offices and code != files.manifest.province.code:
        return True
    column = DEFAULT_OFFICES.get(kind)
    return bool(offices) and (column is None or kabupaten[column] in offices)
