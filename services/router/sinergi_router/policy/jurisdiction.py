"""Which area an event is settled in: post, handover, polygon, code, land, coast, province.

Source: ``GEO_ORDER``, ``POST_OVERRIDE``, ``ABROAD``, ``LAND_SNAP`` and ``SEA_SNAP`` of the pack. No
event is dropped for want of a place: the province's desks take what nothing else settles (law 4).
"""

from collections.abc import Sequence
from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Arrived
from sinergi_shared.contracts.codes import AreaSource, LocationKind
from sinergi_shared.contracts.event import Location
from sinergi_shared.region.tables import Place

CONFLICT_M: Final = 5_000.0


def settle(arrived: Sequence[Arrived], policy: Policy) -> list[Area]:
    """Return each event's area; the polygons are asked for the whole batch."""
    locations = [one.event.data.location for one in arrived]
    points = [location.point for location in locations]
    inside = iter(policy.geography.containing([point for point in points if point is not None]))
    polygons = [next(inside) if point is not None else None for point in points]
    told = [_told(where, polygon, policy) for where, polygon in zip(locations, polygons, strict=True)]
    snapped = iter(_snap([where for where, area in zip(locations, told, strict=True) if not area], policy))
    return [area or next(snapped) for area in told]


def _told(location: Location, polygon: str | None, policy: Policy) -> Area | None:
    """Return the area that the event names or lies in; nothing when it is to be looked for nearby."""
    if location.kind is LocationKind.ABROAD:
        return _handover(policy.tables.places.get(location.handoverPlaceCode or ""))
    place = policy.tables.places.get(location.placeCode or "")
    if location.kind is LocationKind.POST and place is not None and place.official:
        return Area(place.kecamatan, AreaSource.POST, place=place)
    told = policy.known_area(location.adminCode)
    if polygon is not None:
        return Area(polygon, AreaSource.POLYGON, conflict=_conflict(location, told, polygon, policy))
    if told is not None:
        return Area(told, AreaSource.ADMIN_CODE)
    return None


def _handover(place: Place | None) -> Area:
    if place is None:
        return Area(None, AreaSource.PROVINCE)
    return Area(place.kecamatan, AreaSource.HANDOVER)


def _snap(locations: Sequence[Location], policy: Policy) -> list[Area]:
    """Return what is nearest to each: land, for those at sea the coast, else the province."""
    areas = [Area(None, AreaSource.PROVINCE)] * len(locations)
    geography, limits = policy.geography, policy.limits
    asked = {i: point for i, where in enumerate(locations) if (point := where.point) is not None}
    for i, land in zip(asked, geography.nearest([*asked.values()], limits.land_snap_m), strict=True):
        if land is not None:
            areas[i] = Area(land, AreaSource.LAND_SNAP)
    at_sea = [i for i in asked if areas[i].code is None and locations[i].kind is LocationKind.SEA]
    points = [asked[i] for i in at_sea]
    coasts = geography.nearest(points, limits.sea_snap_m, policy.tables.coastal)
    for i, coast in zip(at_sea, coasts, strict=True):
        if coast is not None:
            areas[i] = Area(coast, AreaSource.SEA_SNAP)
    return areas


def _conflict(location: Location, told: str | None, polygon: str, policy: Policy) -> bool:
    if told is None or location.point is None or polygon == told or polygon.startswith(f"{told}."):
        return False
    return policy.geography.distance(location.point, told) > CONFLICT_M
