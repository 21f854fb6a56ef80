"""How much of an event a reader is told: allowed fields are copied, nothing is ever deleted.

Two steps: ``tellable`` makes of an event what could be told at all, once; ``Telling`` writes of it
what one view allows, and coarsens what its level sees coarsely (contracts, section 2).
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import orjson

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Arrived
from sinergi_router.policy.severity import score
from sinergi_router.policy.views import Cut, View
from sinergi_shared.contracts.base import quarter_hour
from sinergi_shared.contracts.codes import Level, Mode, Need, Precision, VehicleKind
from sinergi_shared.contracts.event import KNOWN_MAJOR, KNOWN_MINOR, Location

Json = dict[str, Any]

_MODES: Final = frozenset(Mode)
_NEEDS: Final = frozenset(Need)
_VEHICLES: Final = frozenset(VehicleKind)
_NEED_AT_L1: Final = {"IMI_RUDENIM": Need.FOREIGN_CUSTODY, "BKK": Need.MEDICAL}
_EMPTY: Final[tuple[object, ...]] = (None, [], {})
_TIMES: Final = orjson.OPT_UTC_Z  # the encoder then spells a time as ``format_time`` does


def tellable(one: Arrived, area: Area, policy: Policy) -> Json:
    """Return the event's known fields with the settled area and weights, less what nobody is told.

    A field of a newer minor is not in it, at any depth. Words that we do not know (needs, mode, kind
    of vehicle) and unscreened notes are left out.
    """
    data, known = one.event.data, _known(one)
    whole = known | {
        "reportedAt": data.reportedAt,
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
    """A tellable event on its way to its readers, as JSON text."""

    def __init__(self, one: Arrived, area: Area, policy: Policy) -> None:
        data, self._policy = one.event.data, policy
        whole = tellable(one, area, policy)
        self._whole = {top: value for top, value in whole.items() if value or value not in _EMPTY}
        self._observed_at = data.observedAt
        self._observed: dict[bool, bytes] = {}
        self._named = f',"situation":"{data.situation}"'.encode()
        self._category = b',"situation":' + orjson.dumps(policy.situation(data.situation).l1_category)

    def told(self, view: View) -> bytes:
        """Return what a view allows of an alert's ``data``: members of a JSON object, each behind a comma."""
        whole, policy = self._whole, self._policy
        told = _text(
            {
                top: whole[top] if cut is None else _cut(whole[top], cut, policy)
                for top, cut in view.fields
                if top in whole
            }
        )
        situation = b""
        if view.level < Level.L2:
            situation = self._category
        elif view.names_situation:
            situation = self._named
        return self._observed_by(view.level) + told + situation

    def _observed_by(self, level: Level) -> bytes:
        exact = level >= Level.L3
        if exact not in self._observed:
            self._observed[exact] = _observed(self._observed_at, exact=exact)
        return self._observed[exact]


def _cut(value: Any, cut: Cut, policy: Policy) -> Any:  # noqa: ANN401 - any JSON value
    if cut.parts is not None:
        value = _allowed(value, cut.parts)
    if cut.coarse:
        return _COARSE[cut.top](value, cut, policy)
    return value


def _text(told: Json) -> bytes:
    written = orjson.dumps(told, option=_TIMES)
    if b"null" in written or b"{}" in written or b"[]" in written:  # absent, never null or empty
        written = orjson.dumps(_filled(told), option=_TIMES)
    inside = written[1:-1]
    return b"," + inside if inside else b""


def _filled(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        filled = {part: _filled(one) for part, one in value.items()}
        return {part: one for part, one in filled.items() if one not in _EMPTY}
    if isinstance(value, list):
        return [one for one in map(_filled, value) if one not in _EMPTY]
    return value


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


def _public_place(location: Json, _cut: Cut, policy: Policy) -> Json:
    place = policy.tables.places.get(location.get("placeCode", ""))
    if place is None or place.official:
        return location
    return {key: value for key, value in location.items() if key != "placeCode"}


def _own_need(needs: list[str], cut: Cut, _policy: Policy) -> list[str]:
    return [need for need in needs if need == _NEED_AT_L1.get(cut.kind)]


_COARSE: Final[dict[str, Callable[[Any, Cut, Policy], Any]]] = {
    "location": _public_place,
    "needs": _own_need,
}


def _weighted(code: str, policy: Policy, *, corroborated: bool) -> Json:
    row = policy.indicator(code)
    return {"code": code, "weight": row.weight if row else 0, "corroborated": corroborated}


def _known_vehicle(vehicle: Json) -> Json:
    return {key: value for key, value in vehicle.items() if key != "kind" or value in _VEHICLES}


def _observed(when: datetime, *, exact: bool) -> bytes:
    if exact:
        told, precision = orjson.dumps(when, option=_TIMES | orjson.OPT_OMIT_MICROSECONDS), Precision.SECOND
    else:
        told, precision = orjson.dumps(quarter_hour(when)), Precision.QUARTER_HOUR
    return b',"observedAt":%b,"observedPrecision":"%b"' % (told, precision.encode())
