"""May this source say that? Its own name, and where it is limited its own areas, places, situations.

A message that names no area, no place and no point passes, for no report is lost for want of a
field; so does one whose place or point the map cannot put for sure, because a report is worth more
than a limit.
"""

from collections.abc import Sequence
from typing import Final

from sinergi_ingest.admit import Admitted, Claim
from sinergi_ingest.land import Land
from sinergi_shared.contracts.codes import Status
from sinergi_shared.contracts.event import Location
from sinergi_shared.directory import Source

PLACE: Final = "/data/location/placeCode"
HANDOVER: Final = "/data/location/handoverPlaceCode"
POINT: Final = ("/data/location/lat", "/data/location/lon")


def forbidden(
    verdict: Admitted, source: Source, *, only_tests: bool, of_others: tuple[str, ...]
) -> tuple[str, ...]:
    """Return JSON pointers to what this source may not say, nothing when it may say all of it.

    ``of_others`` is what ``outside`` says of the event's location.
    """
    if not (source.is_limited or only_tests):
        return () if verdict.event.source == source.urn else ("/source",)
    data = verdict.event.data
    found = {
        "/source": verdict.event.source != source.urn,
        "/data/status": only_tests and data.status is not Status.TEST,
        "/data/situation": bool(source.situations) and data.situation not in source.situations,
        "/data/location/adminCode": not _own_area(data.location.adminCode, source),
        PLACE: not _listed(data.location.placeCode, source),
        HANDOVER: not _listed(data.location.handoverPlaceCode, source),
    }
    return (*(pointer for pointer, is_so in found.items() if is_so), *of_others)


def outside(locations: Sequence[Location], source: Source, land: Land | None) -> list[tuple[str, ...]]:
    """Return for each location pointers to what in it surely lies outside all areas of a limited source.

    A point: within its accuracy there is none of the source's areas, and it lies in another one. Where
    the map has no area (abroad, at sea, beyond the province) nobody's is told, and the point passes.

    A place, the post of the event or that of a handover: its kecamatan in the region pack is none of
    the source's. In whatever kind of location it is named, though only some let it settle whose the
    event is: recipients read it and act on it all the same, and a limit that followed the rules of
    routing would have to change with them. A place that the pack does not know or cannot put on its map
    passes. A source that is limited to places may name those, wherever they lie, so none is looked at.

    Nothing is outside for a source with an area that the map does not have, or while there is no map.
    """
    if not source.areas or land is None or not land.geography.knows(source.areas):
        return [()] * len(locations)
    far = _far_points(locations, source, land)
    return [
        (*_far_places(location, source, land), *(POINT if index in far else ()))
        for index, location in enumerate(locations)
    ]


def of_another(claim: Claim, source: Source, registered: frozenset[str]) -> bool:
    """Return whether a message claims to come from another registered source."""
    return claim.source in registered and claim.source != source.urn


def _own_area(code: str | None, source: Source) -> bool:
    if code is None or not source.areas:
        return True
    return any(code == area or code.startswith(f"{area}.") for area in source.areas)


def _listed(place: str | None, source: Source) -> bool:
    return place is None or not source.places or place in source.places


def _far_places(location: Location, source: Source, land: Land) -> list[str]:
    if source.places:
        return []
    named = {PLACE: location.placeCode, HANDOVER: location.handoverPlaceCode}
    return [pointer for pointer, code in named.items() if not _own_area(land.area_of.get(code or ""), source)]


def _far_points(locations: Sequence[Location], source: Source, land: Land) -> set[int]:
    points = {index: place.point for index, place in enumerate(locations) if place.point is not None}
    metres = [locations[index].accuracyM or 0 for index in points]
    near = land.geography.reach([*points.values()], metres, source.areas)
    far = [index for index, is_near in zip(points, near, strict=True) if not is_near]
    areas = land.geography.containing([points[index] for index in far])
    return {index for index, area in zip(far, areas, strict=True) if area is not None}
