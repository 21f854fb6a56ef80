"""``sinergi pack``: make, check, seal and activate a region pack."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError

from sinergi_ops.pack.activate_command import activate_command
from sinergi_ops.pack.build import Geometry, build, write
from sinergi_ops.pack.check import check_pack
from sinergi_ops.pack.findings import Finding
from sinergi_ops.pack.manifest import seal, write_manifest
from sinergi_ops.pack.source import Boundaries, Keys, SourceError, read_boundaries
from sinergi_ops.pack.telling import document, refused, tell_findings
from sinergi_shared.contracts.base import pointers
from sinergi_shared.region.pack import MANIFEST, Manifest, read_manifest, read_pack
from sinergi_shared.region.tables import BORDER, GEOMETRY, PackError

app: Final = typer.Typer(
    help="Paket wilayah: bangun, periksa, segel, berlakukan. / Region packs: build, check, seal, activate.",
    no_args_is_help=True,
)
app.command("activate")(activate_command)

_Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Folder paket. / The pack's folder.")]
_Version = Annotated[
    str | None, typer.Option("--version", help="Versi baru, mis. 2026.11. / New version, such as 2026.11.")
]


@app.command("build")
def build_command(  # noqa: PLR0913 - one option a thing that a source may leave out
    source: Annotated[
        list[Path], typer.Argument(metavar="SOURCE...", help="Folder atau berkas GeoJSON, WGS 84.")
    ],
    directory: _Directory,
    *,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="METRES", help="Sederhanakan batas. / Simplify; unset keeps every point."
        ),
    ] = None,
    code_property: Annotated[
        str, typer.Option(help="Properti kode wilayah. / Area code.")
    ] = "kode_kemendagri",
    name_property: Annotated[str, typer.Option(help="Properti nama wilayah. / Area name.")] = "nama",
    name: Annotated[str | None, typer.Option(help="Nama paket baru. / A new pack's name.")] = None,
    province: Annotated[str | None, typer.Option(help="Nama provinsi. / Name of the province.")] = None,
    credit: Annotated[str | None, typer.Option(help="Kredit sumber. / Credit line of the source.")] = None,
    version: _Version = None,
) -> None:
    """Buat geometri paket dari sumber batas wilayah mana pun. / Make a pack's geometry from any source.

    Polygons keyed by kecamatan code become areas.geojson, lines become border.geojson, and pack.yaml
    records count, area and credit. Nothing is repaired: a source with an overlap or a gap is refused.
    The pack is sealed when its tables are there and `sinergi pack check` finds nothing.

    sinergi pack build ../boundaries deploy/regions/kalbar --tolerance 100
    """
    given = {"name": name, "province": province, "credit": credit, "version": version}
    try:
        boundaries = read_boundaries(source, Keys(code_property, name_property))
        geometry = build(boundaries, tolerance)
        manifest = _manifest(directory, boundaries, geometry, given)
        write(geometry, manifest.credit, directory)
        write_manifest(directory, manifest)
        findings = seal(directory)
    except (SourceError, PackError) as error:
        raise refused(str(error)) from None
    _tell_built(directory, geometry, boundaries.left_aside)
    _tell_seal(directory, findings)


@app.command("check")
def check_command(
    directory: _Directory,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Untuk mesin. / For machines.")] = False,
) -> None:
    """Cari yang tidak cocok dalam paket. / Find what does not fit together in a pack.

    Exit code 0 when there is nothing, 1 when there is. Each finding says file, row, what is wrong and
    what to do. The header of a table is row 1; for GeoJSON the row is the number of the feature.
    """
    findings = check_pack(directory)
    if as_json:
        typer.echo(
            json.dumps({"findings": [document(each) for each in findings]}, ensure_ascii=False, indent=2)
        )
    else:
        tell_findings(findings)
    raise typer.Exit(1 if findings else 0)


@app.command("seal")
def seal_command(directory: _Directory, *, version: _Version = None) -> None:
    """Periksa lalu catat hash paket. / Check the pack, then record its hash.

    To run after every change of a table: services refuse a pack whose files differ from its hash.
    Exit code 1, and nothing recorded, when the check finds something.
    """
    try:
        findings = seal(directory, version)
    except PackError as error:
        raise refused(str(error)) from None
    except ValidationError as error:
        raise refused(
            f"wrong at {', '.join(pointers(error))}; a version looks like 2026.11 or 2026.11.2"
        ) from None
    _tell_seal(directory, findings)
    raise typer.Exit(1 if findings else 0)


def _manifest(
    directory: Path, boundaries: Boundaries, geometry: Geometry, given: dict[str, str | None]
) -> Manifest:
    recorded = read_manifest(directory) if (directory / MANIFEST).exists() else None
    codes = {code[:2] for code in boundaries.areas}
    if len(codes) > 1:
        raise SourceError(f"provinces {', '.join(sorted(codes))}; a pack is one province, split the source")
    code = codes.pop()
    old: dict[str, Any] = recorded.model_dump(exclude={"hash"}) if recorded else {}
    new = {key: value for key, value in given.items() if value and key != "province"}
    province = given["province"] or (recorded.province.name if recorded else f"Provinsi {code}")
    document = {
        "name": directory.resolve().name,
        "version": datetime.now(UTC).strftime("%Y.%m"),
        "credit": " ".join(boundaries.credits),
        **old,
        **new,
        "province": {"code": code, "name": province},
        "areas": len(geometry.areas),
        "area_km2": geometry.area_km2,
    }
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise SourceError(
            f"{MANIFEST} would be wrong at {', '.join(pointers(error))}; give --name, --version or --credit"
        ) from None


def _tell_built(directory: Path, geometry: Geometry, left_aside: int) -> None:
    typer.echo(
        f"{directory / GEOMETRY}: {len(geometry.areas)} kecamatan, {geometry.area_km2:.1f} km2, "
        f"{geometry.decimals} desimal / decimals"
    )
    line = (
        "tanpa garis batas / no border line in the source"
        if geometry.border is None
        else "garis batas / line"
    )
    typer.echo(f"{directory / BORDER}: {line}")
    if left_aside:
        typer.echo(
            f"{left_aside} bentuk lain dilewati (tingkat lain, atau sudah ada). / "
            f"{left_aside} other shapes left aside (another level, or there already)."
        )


def _tell_seal(directory: Path, findings: tuple[Finding, ...]) -> None:
    if not findings:
        typer.echo(f"Disegel / Sealed: {read_pack(directory).policy_version}")
        return
    tell_findings(findings)
    typer.echo(
        "Belum disegel; perbaiki lalu jalankan `sinergi pack seal`. / "
        "Not sealed; repair, then run `sinergi pack seal`."
    )
