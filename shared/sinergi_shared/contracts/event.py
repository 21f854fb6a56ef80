"""``id.sinergi.movement.suspicious.v1``: what upstream systems tell us.

Field by field as in the contracts, section 2, where the disclosure level of each is set; the level
itself is pack data (``field_visibility.csv``), so a field that no pack lists stays with the router.
"""

import re
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, model_validator

from sinergi_shared.contracts.base import (
    AdminCode,
    Contract,
    Count,
    EventNumber,
    IndicatorCode,
    LanguageTag,
    Latitude,
    Longitude,
    Number,
    OpenWord,
    PlaceCode,
    RecipientCode,
    SafeInt,
    SchemaUri,
    Time,
    UpstreamSource,
    Uuid,
    UuidV7,
    token,
)
from sinergi_shared.contracts.codes import (
    Certainty,
    Direction,
    LocationKind,
    MsgType,
    Need,
    Pass,
    ReportChannel,
    Severity,
    Situation,
    Status,
    Suspicion,
    Urgency,
)
from sinergi_shared.contracts.parts import (
    AgeBands,
    DocumentRef,
    Evidence,
    Group,
    Handling,
    Note,
    RecruiterRef,
)

EVENT_TYPE: Final = "id.sinergi.movement.suspicious.v1"
KNOWN_MAJOR: Final = 1
KNOWN_MINOR: Final = 1

EXAMPLE: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": "019cd550-3750-7e84-a16f-91c183b034a5",
    "source": "urn:sinergi:sumber:imi-ent:tpi",
    "type": EVENT_TYPE,
    "subject": "PRS-20260310-0001",
    "time": "2026-03-10T08:12:30+07:00",
    "datacontenttype": "application/json",
    "dataschema": "https://schema.sinergi.example/movement/suspicious/1-0-0.json",
    "partitionkey": "PRS-20260310-0001",
    "data": {
        "eventNumber": "PRS-20260310-0001",
        "revision": 1,
        "msgType": "Alert",
        "status": "Actual",
        "situation": "TPPO_AT_POST",
        "suspicion": "TPPO",
        "severity": "tinggi",
        "urgency": "segera",
        "certainty": "kemungkinan_besar",
        "observedAt": "2026-03-10T08:12:30+07:00",
        "reportedAt": "2026-03-10T08:15:30+07:00",
        "reportChannel": "petugas_tpi",
        "location": {"kind": "post", "placeCode": "PLBN-ENT"},
        "people": {"count": 4, "minors": 0},
        "needs": ["pmi"],
        "indicators": [{"code": "COACHED_ANSWERS", "corroborated": True}],
    },
}

_VERSION: Final = re.compile(r"([0-9]{1,6})-([0-9]{1,6})-[0-9]{1,6}\.json$")


class Location(Contract):
    """Where it was seen; a point has both coordinates or neither."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": {"lat": ["lon"], "lon": ["lat"]}})

    kind: LocationKind
    lat: Latitude | None = None
    lon: Longitude | None = None
    accuracyM: Annotated[int, Field(strict=True, ge=0, le=20_000_000, description="metres, 95 %")] | None = (
        None
    )
    adminCode: AdminCode | None = None
    placeCode: PlaceCode | None = None
    handoverPlaceCode: PlaceCode | None = None
    recruitedAdminCode: AdminCode | None = None

    @model_validator(mode="after")
    def _whole_point(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon come together")
        return self

    @property
    def point(self) -> tuple[float, float] | None:
        """Longitude and latitude in degrees, or nothing."""
        return None if self.lat is None or self.lon is None else (self.lon, self.lat)


class Movement(Contract):
    """How the people move; heading in degrees from true north, speed in km/h."""

    direction: Direction | None = None
    mode: OpenWord | None = None
    headingDeg: Annotated[Number, Field(ge=0, le=359, description="true north, clockwise")] | None = None
    speedKmh: Annotated[Number, Field(ge=0)] | None = None


class People(Contract):
    """How many people, and how many of them under 18."""

    count: Annotated[int, Field(strict=True, ge=1, le=500)]
    countEstimated: Annotated[bool, Field(strict=True)] | None = None
    minors: Count
    ageBands: AgeBands | None = None

    @model_validator(mode="after")
    def _minors_are_people(self) -> Self:
        if self.minors > self.count:
            raise ValueError("more minors than people")
        return self


class Vehicle(Contract):
    """A vehicle by the source's token; no plate number."""

    ref: token("veh") | None = None  # type: ignore[valid-type]
    kind: OpenWord | None = None


class Indicator(Contract):
    """An indicator code; one that the pack does not know is kept and scored 0."""

    code: IndicatorCode
    corroborated: Annotated[bool, Field(strict=True)]


class SuspiciousMovement(Contract):
    """The event's ``data``. Fields after ``references`` belong to minor 1-1-0."""

    eventNumber: EventNumber
    revision: SafeInt
    msgType: MsgType
    status: Status
    situation: Situation
    suspicion: Suspicion
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    observedAt: Time
    reportedAt: Time
    reportChannel: ReportChannel
    location: Location
    movement: Movement | None = None
    people: People
    needs: tuple[OpenWord, ...] = ()
    interpreterLanguage: LanguageTag | None = None
    vehicles: tuple[Vehicle, ...] = ()
    documentRefs: tuple[DocumentRef, ...] = ()
    recruiterRefs: tuple[RecruiterRef, ...] = ()
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1)]
    safeContactRef: token("saf") | None = None  # type: ignore[valid-type]
    caseRef: token("cas") | None = None  # type: ignore[valid-type]
    note: Note | None = None
    references: tuple[Uuid, ...] = ()
    danger: Annotated[bool, Field(strict=True)] | None = None
    implicatedUnits: Annotated[tuple[RecipientCode, ...], Field(max_length=5)] = ()
    handling: Handling | None = None
    reliability: (
        Annotated[
            str,
            StringConstraints(pattern="^[A-F]$", strict=True),
            Field(description="of the source; A is best"),
        ]
        | None
    ) = None
    accuracy: (
        Annotated[
            str,
            StringConstraints(pattern="^[1-6]$", strict=True),
            Field(description="of the information; 1 is best"),
        ]
        | None
    ) = None
    group: Group | None = None
    pass_: Annotated[Pass | None, Field(alias="pass")] = None
    evidence: tuple[Evidence, ...] = ()

    @model_validator(mode="after")
    def _group_fits(self) -> Self:
        if self.group is not None:
            homes = sum((self.group.homeProvinces or {}).values())
            most = max((self.group.needCounts or {"": 0}).values(), default=0)
            if max(homes, most) > self.people.count:
                raise ValueError("the group's counts exceed people.count")
        return self

    @property
    def person_at_risk(self) -> bool:
        """Whether somebody may come to harm: such an event is never held back (contracts, 2)."""
        return bool(
            self.danger
            or self.people.minors > 0
            or not {Need.PPA, Need.SHELTER, Need.MEDICAL}.isdisjoint(self.needs)
            or self.situation in {Situation.MINOR_AT_RISK, Situation.VICTIM_DISCLOSURE}
        )


class EventAttributes(Contract):
    """CloudEvents attributes of an upstream event but ``time``, which is judged with the data.

    Extension attributes that we do not know are opaque and passed on (contracts, 7).
    """

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    id: UuidV7
    source: UpstreamSource
    type: Annotated[str, StringConstraints(min_length=1, max_length=256, strict=True)]
    subject: EventNumber
    # Either case without an inline flag: the published pattern must be read by any regex engine.
    datacontenttype: Annotated[
        str,
        StringConstraints(
            pattern=r"^[Aa][Pp][Pp][Ll][Ii][Cc][Aa][Tt][Ii][Oo][Nn]/[Jj][Ss][Oo][Nn]\s*(;.*)?$", strict=True
        ),
    ]
    dataschema: SchemaUri
    partitionkey: Annotated[str, StringConstraints(min_length=1, max_length=64, strict=True)]
    recordedtime: Time | None = None
    correlationid: Annotated[str, StringConstraints(min_length=1, max_length=256, strict=True)] | None = None
    causationid: Annotated[str, StringConstraints(min_length=1, max_length=256, strict=True)] | None = None
    traceparent: Annotated[str, StringConstraints(max_length=256, strict=True)] | None = None
    tracestate: Annotated[str, StringConstraints(max_length=1024, strict=True)] | None = None

    @property
    def schema_version(self) -> tuple[int, int]:
        """Major and minor that ``dataschema`` names."""
        return schema_version(self.dataschema)


class SuspiciousMovementEvent(EventAttributes):
    """A whole event as it stands on ``sinergi.events.v1``."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    time: Time
    data: SuspiciousMovement


@lru_cache(maxsize=64)
def schema_version(dataschema: str) -> tuple[int, int]:
    """Return major and minor from a schema URI that ends in ``<major>-<minor>-<patch>.json``."""
    major, minor = _VERSION.findall(dataschema)[-1]
    return int(major), int(minor)


def read_event(document: dict[str, Any]) -> SuspiciousMovementEvent:
    """Return the event in a parsed document, or raise pydantic's ``ValidationError``.

    A field that we do not know is an error when ``dataschema`` names a minor that we know; under a
    newer minor it is passed over (the document itself keeps it). One reader for both edges, so
    ingest and router can never disagree on what an event is.
    """
    try:
        return SuspiciousMovementEvent.model_validate(document)
    except ValidationError as error:
        unknown = [detail["loc"] for detail in error.errors() if detail["type"] == "extra_forbidden"]
        if not unknown or not _newer_minor(document.get("dataschema")):
            raise
        return SuspiciousMovementEvent.model_validate(_without(document, unknown))


def _newer_minor(dataschema: object) -> bool:
    if not isinstance(dataschema, str) or not _VERSION.search(dataschema):
        return False  # malformed: an error of its own
    return schema_version(dataschema) > (KNOWN_MAJOR, KNOWN_MINOR)


def _without(document: Any, locations: list[tuple[int | str, ...]]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(document, dict):
        here = {loc[0] for loc in locations if len(loc) == 1}
        return {
            key: _without(value, [loc[1:] for loc in locations if loc[0] == key and len(loc) > 1])
            for key, value in document.items()
            if key not in here
        }
    if isinstance(document, list):
        return [
            _without(value, [loc[1:] for loc in locations if loc[0] == index and len(loc) > 1])
            for index, value in enumerate(document)
        ]
    return document
