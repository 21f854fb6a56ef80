"""May this source say that? Its own name, and where it is limited its own areas, places, situations.

A message that names no area and no point passes, for no report is lost for want of a field; so does
one whose point the map cannot place for sure, because a report is worth more than a limit.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sinergi_ingest.admit import Admitted, Claim
from sinergi_shared.contracts.codes import Status
from sinergi_shared.contracts.event import Location
from sinergi_shared.directory import Source

if TYPE_CHECKING:  # the library behind it takes half a second, and few deployments limit a source
    from sinergi_shared.region.geography import Geography


def forbidden(verdict: Admitted, source: Source, *, only_tests: bool, is_outside: bool) -> tuple[str, ...]:
    """Return JSON pointers to what this source may not say, nothing when it may say all of it.

    ``is_outside`` is what ``outside`` says of the event's place.
    """
    if not (source.is_limited or only_tests):
        return () if verdict.event.source == source.urn else ("/source",)
    data = verdict.event.data
    found = {
        "/source": verdict.event.source != source.urn,
        "/data/status": only_tests and data.status is not Status.TEST,
        "/data/situation": bool(source.situations) and data.situation not in source.situations,
        "/data/location/adminCode": not _own_area(data.location.adminCode, source),
        "/data/location/placeCode": bool(source.places)
        and data.location.placeCode is not None
        and data.location.placeCode not in source.places,
        "/data/location/lat": is_outside,
        "/data/location/lon": is_outside,
    }
    return tuple(pointer for pointer, is_so in found.items() if is_so)


def outside(places: Sequence[Location], source: Source, land: "Geography | None") -> list[bool]:
    """Return for each place whether its point surely lies outside all areas of a limited source.

    Surely: within its accuracy there is none of the source's areas, and it lies in another one. Where
    the map has no area (abroad, at sea, beyond the province) nobody's is told, and the point passes;
    so does every point of a source with an area that the map does not have, or while there is no map.
    """
    found = [False] * len(places)
    if not source.areas or land is None or not land.knows(source.areas):
        return found
    points = {index: place.point for index, place in enumerate(places) if place.point is not None}
    metres = [places[index].accuracyM or 0 for index in points]
    near = land.reach([*points.values()], metres, source.areas)
    far = [index for index, is_near in zip(points, near, strict=True) if not is_near]
    areas = land.containing([points[index] for index in far])
    for index, area in zip(far, areas, strict=True):
        found[index] = area is not None
    return found


def of_another(claim: Claim, source: Source, registered: frozenset[str]) -> bool:
    """Return whether a message claims to come from another registered source."""
    return claim.source in registered and claim.source != source.urn


def _own_area(code: str | None, source: Source) -> bool:
    if code is None or not source.areas:
        return True
    return any(code == area or code.startswith(f"{area}.") for area in source.areas)
