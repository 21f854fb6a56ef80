"""How much of an event a reader is told: allowed fields are copied, nothing is ever deleted.

Two steps: ``tellable`` makes of an event what could be told at all, once; ``Telling`` writes of it
what one view allows, and coarsens what its level sees coarsely (contracts, section 2).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Arrived
from sinergi_router.policy.severity import score
from sinergi_router.policy.views import Member, View
from sinergi_shared.contracts.base import format_time
from sinergi_shared.contracts.codes import Level, Mode, Need, Precision, VehicleKind
from sinergi_shared.contracts.event import KNOWN_MAJOR, KNOWN_MINOR, Location

Json = dict[str, Any]

_MODES: Final = frozenset(Mode)
_NEEDS: Final = frozenset(Need)
_VEHICLES: Final = frozenset(VehicleKind)
_NEED_AT_L1: Final = {"IMI_RUDENIM": Need.FOREIGN_CUSTODY, "BKK": Need.MEDICAL}
_EMPTY: Final[tuple[object, ...]] = (None, [], {})


def tellable(one: Arrived, area: Area, policy: Policy) -> Json:
    """Return the event's known fields with the settled area and weights, less what nobody is told.

    A field of a newer minor is not in it, at any depth. Words that we do not know (needs, mode, kind
    of vehicle) and unscreened notes are left out.
    """
    data, known = one.event.data, _known(one)
    whole = known | {
        "reportedAt": format_time(data.reportedAt),
        "location": _location(data.location, area, policy),
        "needs": [need for need in data.needs if need in _NEEDS],
        "indicators": [_weighted(one.code, policy, corroborated=one.corroborated) for one in data.indicators],
        "score": score(data, policy),
    }
    if data.vehicles:
        whole["vehicles"] = [_known_vehicle(vehicle) for vehicle in known["vehicles"]]
    if data.movement is not None and data.movement.mode not in _MODES:
        whole["movement"] = {part: value for part, value in known["movement"].items() if part != "mode"}
    if data.handling is not None:
        whole["handling"] = data.handling.model_dump(mode="json", exclude_none=True)  # with its default
    if data.note is not None and not data.note.screened:
        whole["note"] = None
    return whole


def _known(one: Arrived) -> Json:
    """Return ``data`` without fields that we do not know: as it came, where it cannot hold any."""
    if one.event.schema_version > (KNOWN_MAJOR, KNOWN_MINOR):
        return one.event.data.model_dump(mode="json", by_alias=True, exclude_none=True)
    return one.document["data"]  # type: ignore[no-any-return]


class Telling:
    """A tellable event on its way to its readers, as JSON text: what views tell alike is written once."""

    def __init__(self, one: Arrived, area: Area, policy: Policy) -> None:
        data, self._views = one.event.data, policy.views
        self._texts = _written(tellable(one, area, policy), policy)
        self._exact, self._coarse = _observed(data.observedAt, Level.L3), _observed(data.observedAt, Level.L1)
        self._named = f',"situation":"{data.situation}"'
        category = orjson.dumps(policy.situation(data.situation).l1_category).decode()
        self._category = f',"situation":{category}'

    def told(self, view: View) -> str:
        """Return what a view allows of an alert's ``data``: members of a JSON object, each behind a comma."""
        told = self._views.chosen(view, self._texts) + (
            self._exact if view.level >= Level.L3 else self._coarse
        )
        if view.level < Level.L2:
            return told + self._category
        return told + self._named if view.names_situation else told


def _written(whole: Json, policy: Policy) -> list[str]:
    """Return the text of each way in which a view may tell a field, at its place; empty: nothing to tell."""
    ways = policy.views.ways
    texts = [""] * policy.views.places
    for top, value in whole.items():
        for place, way in ways.get(top, ()):
            if value is not None:
                texts[place] = _member(top, _cut(value, way, policy))
    return texts


def _cut(value: Any, way: Member, policy: Policy) -> Any:  # noqa: ANN401 - any JSON value
    if way.parts is not None:
        value = _allowed(value, way.parts)
    if way.coarse:
        return _COARSE[way.top](value, way, policy)
    return value


def _member(top: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        value = [item for item in value if item not in _EMPTY]
    if value in _EMPTY:
        return ""
    text = orjson.dumps(value).decode()
    if "null" in text and (told := _without_nulls(value)) != value:  # absent, never null
        return _member(top, told)
    return f',"{top}":{text}'


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {part: _without_nulls(one) for part, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _allowed(value: Any, parts: frozenset[str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        return [{part: item[part] for part in item if part in parts} for item in value]
    return {part: value[part] for part in value if part in parts}


def _location(location: Location, area: Area, policy: Policy) -> Json:
    told: Json = {
        "kind": location.kind,
        "lat": location.lat,
        "lon": location.lon,
        "accuracyM": location.accuracyM,
        "adminCode": area.code,
    }
    for key in ("placeCode", "handoverPlaceCode"):
        if (code := getattr(location, key)) in policy.tables.places:
            told[key] = code
    if policy.known_area(location.recruitedAdminCode):
        told["recruitedAdminCode"] = location.recruitedAdminCode
    return {part: value for part, value in told.items() if value is not None}


def _public_place(location: Json, _way: Member, policy: Policy) -> Json:
    place = policy.tables.places.get(location.get("placeCode", ""))
    if place is None or place.official:
        return location
    return {key: value for key, value in location.items() if key != "placeCode"}


def _own_need(needs: list[str], way: Member, _policy: Policy) -> list[str]:
    return [need for need in needs if need == _NEED_AT_L1.get(way.kind)]


_COARSE: Final[dict[str, Callable[[Any, Member, Policy], Any]]] = {
    "location": _public_place,
    "needs": _own_need,
}


def _weighted(code: str, policy: Policy, *, corroborated: bool) -> Json:
    row = policy.indicator(code)
    return {"code": code, "weight": row.weight if row else 0, "corroborated": corroborated}


def _known_vehicle(vehicle: Json) -> Json:
    return {key: value for key, value in vehicle.items() if key != "kind" or value in _VEHICLES}


def _observed(when: datetime, level: Level) -> str:
    if level >= Level.L3:
        told, precision = format_time(when.replace(microsecond=0)), Precision.SECOND
    else:
        past = timedelta(minutes=when.minute % 15, seconds=when.second, microseconds=when.microsecond)
        told, precision = format_time(when - past), Precision.QUARTER_HOUR
    return f',"observedAt":"{told}","observedPrecision":"{precision}"'
