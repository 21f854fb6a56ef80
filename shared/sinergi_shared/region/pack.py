"""A region pack as a service loads it: named, versioned, sealed by a hash, tables read.

``pack.yaml`` says what the pack is; its hash covers every table and both geometry files. A pack
whose files differ from its hash is refused, so nobody routes by a change that no one has checked
(B38). Geometry is left to those who need it: this module reads no shapes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import yaml
from pydantic import Field, StringConstraints, ValidationError

from sinergi_shared.contracts.base import Contract, Sha256, pointers
from sinergi_shared.region.tables import PackError, Tables, pack_hash, read_tables

MANIFEST: Final = "pack.yaml"

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
_Version = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}\.(0[1-9]|1[0-2])(\.[1-9][0-9]{0,2})?$")]
_ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
_Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Province(Contract):
    """The province that a pack covers; its code settles no area by itself."""

    code: _ProvinceCode
    name: _Text


class Manifest(Contract):
    """``pack.yaml``. Version is the year and month of the data, with a number for a second in a month.

    ``areas`` and ``area_km2`` are what the geometry must count and add up to: square kilometres in
    the plane in which the pack measures, 1 degree = 111.195 km on both axes. ``hash`` is absent
    until the pack is sealed.
    """

    name: _Name
    version: _Version
    province: Province
    areas: Annotated[int, Field(ge=1)]
    area_km2: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    hash: Sha256 | None = None
    credit: _Text
    provenance: tuple[_Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Pack:
    """A sealed region pack; ``areas`` and ``area_km2`` as in the manifest."""

    directory: Path
    name: str
    version: str
    hash: str
    province_code: str
    province_name: str
    areas: int
    area_km2: float
    tables: Tables

    @property
    def policy_version(self) -> str:
        """``<name>-<version>-<first 8 of the hash>``, as every alert names it."""
        return f"{self.name}-{self.version}-{self.hash[:8]}"


def read_manifest(directory: Path) -> Manifest:
    """Return ``pack.yaml``; raise ``PackError`` with pointers when it is missing or does not fit."""
    try:
        return Manifest.model_validate(
            yaml.safe_load((directory / MANIFEST).read_text(encoding="utf-8")) or {}
        )
    except ValidationError as error:
        raise PackError(f"{MANIFEST}: wrong or missing at {', '.join(pointers(error))}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PackError(
            f"{MANIFEST}: {type(error).__name__}; a readable one is needed, `sinergi pack build` makes it"
        ) from None


def read_pack(directory: Path) -> Pack:
    """Return the sealed pack in this directory.

    Raise ``PackError`` when a file is missing, a row cannot be read, or the files differ from the
    recorded hash.
    """
    manifest = read_manifest(directory)
    return Pack(
        directory=directory,
        name=manifest.name,
        version=manifest.version,
        hash=_verified(directory, manifest),
        province_code=manifest.province.code,
        province_name=manifest.province.name,
        areas=manifest.areas,
        area_km2=manifest.area_km2,
        tables=read_tables(directory),
    )


def _verified(directory: Path, manifest: Manifest) -> str:
    try:
        found = pack_hash(directory)
    except OSError as error:
        raise PackError(f"{Path(str(error.filename)).name}: missing or unreadable; a pack needs it") from None
    if manifest.hash != found:
        raise PackError(
            f"{MANIFEST}: the recorded hash is not that of the files, so somebody changed the pack without "
            "a check; undo the change, or run `sinergi pack seal`, which checks and records it"
        )
    return found
