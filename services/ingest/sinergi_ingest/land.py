"""The land that limited sources are held to: areas on a map, and in which of them each named place lies."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinergi_shared.region.pack import Pack

if TYPE_CHECKING:  # see ``read_land``
    from sinergi_shared.region.geography import Geography


@dataclass(frozen=True, slots=True)
class Land:
    """A region pack's map, and the kecamatan of each place by its code; places off the map are left out."""

    geography: "Geography"
    area_of: Mapping[str, str]


def read_land(pack: Pack) -> Land:
    """Return a pack's land; raise ``PackError`` when its geometry cannot be read."""
    # Half a second of import, which a start after a crash is spared where nobody is limited.
    from sinergi_shared.region.geography import read_geography  # noqa: PLC0415

    geography = read_geography(pack.directory)
    on_map = frozenset(geography.codes)
    places = pack.tables.places.values()
    return Land(geography, {place.code: place.kecamatan for place in places if place.kecamatan in on_map})
