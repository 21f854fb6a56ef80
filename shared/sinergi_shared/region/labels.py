"""Words of a region pack that people read: offices, categories, areas and posts by their names.

Reads no shapes: of the geometry file only each area's ``code`` and ``name``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sinergi_shared.region.tables import GEOMETRY, PackError, Tables

_CITY: Final = "Kota "
_REGENCY: Final = "Kabupaten "
_KECAMATAN_DIGITS: Final = 8  # 61.03.21


@dataclass(frozen=True, slots=True)
class Wording:
    """One thing said in Indonesian and in English."""

    id: str
    en: str

    def said(self, language: str) -> str:
        """Return the English text for ``en``, the Indonesian one otherwise."""
        return self.en if language == "en" else self.id


@dataclass(frozen=True, slots=True)
class Office:
    """A recipient as people call it, and the time zone of its clock (IANA name)."""

    name: Wording
    timezone: str


@dataclass(frozen=True, slots=True)
class Labels:
    """All names and labels of a pack, by code."""

    offices: dict[str, Office]
    situations: dict[str, Wording]
    categories: dict[str, Wording]  # coarse, as told at L1
    kecamatan: dict[str, str]
    kabupaten: dict[str, str]
    posts: dict[str, str]  # official posts only: other places are not for L1

    def area(self, code: str | None) -> Wording | None:
        """Return how people call an area, from the smallest part on; ``None`` when it is not known."""
        kabupaten = self.kabupaten.get((code or "")[:5])
        kecamatan = self.kecamatan.get(code or "") if len(code or "") == _KECAMATAN_DIGITS else None
        if kabupaten is None:
            return None
        if kecamatan is None:
            return Wording(kabupaten, _english(kabupaten))
        return Wording(f"Kecamatan {kecamatan}, {kabupaten}", f"{kecamatan} district, {_english(kabupaten)}")


def read_labels(directory: Path, tables: Tables) -> Labels:
    """Return a pack's labels; raise ``PackError`` when its areas cannot be read."""
    return Labels(
        offices={
            code: Office(Wording(row.name, row.name_en or row.name), row.timezone)
            for code, row in tables.recipients.items()
        },
        situations={code: Wording(row.label_id, row.label_en) for code, row in tables.situations.items()},
        categories={
            row.l1_category: Wording(row.l1_label_id, row.l1_label_en) for row in tables.situations.values()
        },
        kecamatan=_area_names(directory / GEOMETRY),
        kabupaten=tables.kabupaten,
        posts={code: place.name for code, place in tables.places.items() if place.official},
    )


def _area_names(path: Path) -> dict[str, str]:
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return {feature["properties"]["code"]: feature["properties"]["name"] for feature in features}
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise PackError(
            f"{path.name}: {type(error).__name__}; a FeatureCollection whose features have the properties "
            "code and name is needed, `sinergi pack build` makes it"
        ) from None


def _english(kabupaten: str) -> str:
    if kabupaten.startswith(_CITY):
        return f"{kabupaten.removeprefix(_CITY)} city"
    if kabupaten.startswith(_REGENCY):
        return f"{kabupaten.removeprefix(_REGENCY)} regency"
    return kabupaten
