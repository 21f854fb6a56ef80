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
    """Return each event's area; the polygons are asked once for the whole batch."""
    locations = [one.event.data.location for one in arrived]
    points = [location.point for location in locations]
    inside = iter(policy.geography.containing([point for point in points if point is not None]))
    polygons = [next(inside) if point is not None else None for point in points]
    return [_settle(where, polygon, policy) for where, polygon in zip(locations, polygons, strict=True)]


def _settle(location: Location, polygon: str | None, policy: Policy) -> Area:
    if location.kind is LocationKind.ABROAD:
        return _handover(policy.tables.places.get(location.handoverPlaceCode or ""))
    place = policy.tables.places.get(location.placeCode or "")
    if location.kind is LocationKind.POST and place is not None and place.official:
        return Area(place.kecamatan, AreaSource.POST, place=place)
    told = policy.known_area(location.adminCode)
    if polygon is not None:
        return Area(polygon, AreaSource.POLYGON, conflict=_conflict(location, told, policy))
    if told is not None:
        return Area(told, AreaSource.ADMIN_CODE)
    return _snap(location, policy)


def _handover(place: Place | None) -> Area:
    if place is None:
        return Area(None, AreaSource.PROVINCE)
    return Area(place.kecamatan, AreaSource.HANDOVER)


def _snap(location: Location, policy: Policy) -> Area:
    if location.point is not None:
        land = policy.geography.nearest(location.point, policy.limits.land_snap_m)
        if land is not None:
            return Area(land, AreaSource.LAND_SNAP)
        if location.kind is LocationKind.SEA:
            limit = policy.limits.sea_snap_m
            coast = policy.geography.nearest(location.point, limit, policy.tables.coastal)
            if coast is not None:
                return Area(coast, AreaSource.SEA_SNAP)
    return Area(None, AreaSource.PROVINCE)


def _conflict(location: Location, told: str | None, policy: Policy) -> bool:
    return (
        told is not None
        and location.point is not None
        and policy.geography.distance(location.point, told) > CONFLICT_M
    )
