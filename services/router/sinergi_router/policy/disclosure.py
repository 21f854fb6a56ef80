"""How much of an event a reader is told: allowed fields are copied, nothing is ever deleted.

Two steps: ``tellable`` makes of an event what could be told at all, once; ``Telling`` copies from it
what one view allows, and coarsens what its level sees coarsely (contracts, section 2).
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area
from sinergi_router.policy.severity import score
from sinergi_router.policy.views import MemberKey, View
from sinergi_shared.contracts.base import format_time
from sinergi_shared.contracts.codes import Level, Mode, Need, Precision, VehicleKind
from sinergi_shared.contracts.event import SuspiciousMovement

Json = dict[str, Any]

_MODES: Final = frozenset(Mode)
_NEEDS: Final = frozenset(Need)
_VEHICLES: Final = frozenset(VehicleKind)
_NEED_AT_L1: Final = {"IMI_RUDENIM": Need.FOREIGN_CUSTODY, "BKK": Need.MEDICAL}


_EMPTY: Final[tuple[object, ...]] = (None, [], {})


def tellable(data: SuspiciousMovement, area: Area, policy: Policy) -> Json:
    """Return the event's known fields with the settled area and weights, less what nobody is told.

    From the model, not from the document: a field of a newer minor is not in it, at any depth.
    Words that we do not know (needs, mode, kind of vehicle) and unscreened notes are left out.
    """
    whole: Json = data.model_dump(mode="json", by_alias=True, exclude_none=True)
    whole["location"] = _location(whole["location"], area, policy)
    whole["needs"] = [need for need in data.needs if need in _NEEDS]
    whole["indicators"] = [
        _weighted(one.code, policy, corroborated=one.corroborated) for one in data.indicators
    ]
    whole["vehicles"] = [_known_vehicle(vehicle) for vehicle in whole["vehicles"]]
    whole["score"] = score(data, policy)
    if data.movement is not None and data.movement.mode not in _MODES:
        whole["movement"].pop("mode", None)
    if data.note is not None and not data.note.screened:
        del whole["note"]
    del whole["observedAt"]  # told by level, never as it stands
    return whole


class Telling:
    """A tellable event on its way to its readers: what several views tell alike is made once."""

    def __init__(self, data: SuspiciousMovement, area: Area, policy: Policy) -> None:
        self._policy = policy
        self._whole = tellable(data, area, policy)
        self._made: dict[MemberKey, Any] = {}
        self._exact = _observed(data.observedAt, Level.L3)
        self._coarse = _observed(data.observedAt, Level.L1)
        self._category = policy.situation(data.situation).l1_category

    def told(self, view: View) -> Json:
        """Return what a view allows: an alert's ``data`` in its spelling, in a new object."""
        made, keys = self._made, view.members
        told: Json = {}
        for top in self._whole:
            key = keys.get(top)
            if key is not None:
                value = made[key] if key in made else self._make(key, view)
                if value is not None:
                    told[top] = value
        told["observedAt"], told["observedPrecision"] = (
            self._exact if view.level >= Level.L3 else self._coarse
        )
        if view.level < Level.L2:
            told["situation"] = self._category
        return told

    def _make(self, key: MemberKey, view: View) -> Any:  # noqa: ANN401 - any JSON value
        top = str(key[0])
        value = self._coarsened(top, _allowed(self._whole[top], view.allowed[top]), view)
        self._made[key] = value = None if value in _EMPTY else value
        return value

    def _coarsened(self, top: str, value: Any, view: View) -> Any:  # noqa: ANN401 - any JSON value
        if top == "location" and view.level < Level.L3:
            return _public_place(value, self._policy)
        if top == "needs" and view.level < Level.L2:
            return [need for need in value if need == _NEED_AT_L1.get(view.kind)]
        return value


def _allowed(value: Any, parts: frozenset[str] | None) -> Any:  # noqa: ANN401 - any JSON value
    if parts is None:
        return value
    if isinstance(value, list):
        items = ({part: item[part] for part in item if part in parts} for item in value)
        return [item for item in items if item]
    return {part: value[part] for part in value if part in parts}


def _location(location: Json, area: Area, policy: Policy) -> Json:
    known: Json = {key: location[key] for key in ("kind", "lat", "lon", "accuracyM") if key in location}
    if area.code is not None:
        known["adminCode"] = area.code
    for key in ("placeCode", "handoverPlaceCode"):
        if location.get(key) in policy.tables.places:
            known[key] = location[key]
    if policy.known_area(location.get("recruitedAdminCode")):
        known["recruitedAdminCode"] = location["recruitedAdminCode"]
    return known


def _public_place(location: Json, policy: Policy) -> Json:
    place = policy.tables.places.get(location.get("placeCode", ""))
    if place is None or place.official:
        return location
    return {key: value for key, value in location.items() if key != "placeCode"}


def _weighted(code: str, policy: Policy, *, corroborated: bool) -> Json:
    row = policy.indicator(code)
    return {"code": code, "weight": row.weight if row else 0, "corroborated": corroborated}


def _known_vehicle(vehicle: Json) -> Json:
    return {key: value for key, value in vehicle.items() if key != "kind" or value in _VEHICLES}


def _observed(when: datetime, level: Level) -> tuple[str, str]:
    if level >= Level.L3:
        return format_time(when.replace(microsecond=0)), Precision.SECOND
    past = timedelta(minutes=when.minute % 15, seconds=when.second, microseconds=when.microsecond)
    return format_time(when - past), Precision.QUARTER_HOUR
