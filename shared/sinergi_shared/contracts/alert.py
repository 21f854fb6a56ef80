"""``id.sinergi.alert.*.v1``: an event as one agency may know it (contracts, section 3).

Every field that comes from the event is optional here: absent when its level does not allow it,
never null and never masked. The router builds alerts by copying allowed fields into a new object.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.base import (
    AdminCode,
    AlertNumber,
    Contract,
    Count,
    EventNumber,
    IndicatorCode,
    KindCode,
    Latitude,
    Longitude,
    Number,
    OpenWord,
    PlaceCode,
    RecipientCode,
    SafeInt,
    Time,
    Uuid,
    token,
)
from sinergi_shared.contracts.codes import (
    AlertMsgType,
    AreaSource,
    Certainty,
    Level,
    LocationKind,
    Pass,
    Precision,
    ReportChannel,
    Role,
    Severity,
    Status,
    Suspicion,
    Urgency,
    WithheldGroup,
)
from sinergi_shared.contracts.envelope import AlertEnvelope
from sinergi_shared.contracts.parts import (
    AgeBands,
    DocumentRef,
    Evidence,
    Group,
    Handling,
    Note,
    RecruiterRef,
)

ALERT_TYPES: Final = {
    AlertMsgType.ALERT: "id.sinergi.alert.issued.v1",
    AlertMsgType.UPDATE: "id.sinergi.alert.updated.v1",
    AlertMsgType.CANCEL: "id.sinergi.alert.cancelled.v1",
    AlertMsgType.FALSE_POSITIVE: "id.sinergi.alert.cancelled.v1",
    AlertMsgType.ESCALATION: "id.sinergi.alert.escalated.v1",
    AlertMsgType.RECALL: "id.sinergi.alert.recalled.v1",
}

RoutingRule = Annotated[
    str,
    StringConstraints(
        pattern="^(M[0-9]{3,5}|NEIGHBOUR|NEXT_JURISDICTION|BORDER_EXIT|PREVIOUS|CANCEL|FALSE_POSITIVE"
        "|ESCALATE|REFER|RECALL)$"
    ),
]


class Addressee(Contract):
    """Whom this alert is for, and what it asks of them."""

    code: RecipientCode
    kind: KindCode
    role: Role


class Routing(Contract):
    """Why it was sent: the rule, and what settled the area."""

    rule: RoutingRule
    areaSource: AreaSource
    adminCode: AdminCode | None = None


class Action(Contract):
    """What to do, in both languages; from the mandate."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=280)]
    en: Annotated[str, StringConstraints(min_length=1, max_length=280)]


class Withheld(Contract):
    """A kind of detail that this level does not carry, and the desk to ask."""

    group: WithheldGroup
    askDesk: RecipientCode


class AlertLocation(Contract):
    """As in the event, cut to the level; ``adminCode`` is the settled area."""

    kind: LocationKind | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    accuracyM: Annotated[int, Field(ge=0)] | None = None
    adminCode: AdminCode | None = None
    placeCode: PlaceCode | None = None
    handoverPlaceCode: PlaceCode | None = None
    recruitedAdminCode: AdminCode | None = None


class AlertMovement(Contract):
    """As in the event, cut to the level."""

    direction: str | None = None
    mode: OpenWord | None = None
    headingDeg: Annotated[Number, Field(ge=0, le=359)] | None = None
    speedKmh: Number | None = None


class AlertPeople(Contract):
    """As in the event, cut to the level."""

    count: Annotated[int, Field(ge=1, le=500)] | None = None
    countEstimated: bool | None = None
    minors: Count | None = None
    ageBands: AgeBands | None = None


class AlertVehicle(Contract):
    """As in the event, cut to the level."""

    ref: token("veh") | None = None  # type: ignore[valid-type]
    kind: OpenWord | None = None


class WeightedIndicator(Contract):
    """An indicator with the pack's weight; 0 for one that the pack does not know."""

    code: IndicatorCode
    weight: Annotated[int, Field(ge=0)] = 0
    corroborated: bool | None = None


class Alert(Contract):
    """The alert's ``data``."""

    alertNumber: AlertNumber
    alertRevision: Annotated[SafeInt, Field(description="per thread and recipient; ignore an older one")]
    eventNumber: EventNumber | None = None
    eventRevision: SafeInt
    msgType: AlertMsgType
    status: Status
    recipient: Addressee
    lead: bool
    disclosureLevel: Literal[Level.L1, Level.L2, Level.L3]
    policyVersion: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    routing: Routing
    situation: Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_]{1,47}$")]
    suspicion: Suspicion | None = None
    severity: Severity
    urgency: Urgency
    certainty: Certainty | None = None
    headline: Annotated[str, StringConstraints(min_length=1, max_length=160)]
    observedAt: Time
    observedPrecision: Precision
    reportedAt: Time | None = None
    reportChannel: ReportChannel | None = None
    location: AlertLocation | None = None
    movement: AlertMovement | None = None
    people: AlertPeople | None = None
    needs: tuple[OpenWord, ...] | None = None
    interpreterLanguage: str | None = None
    vehicles: tuple[AlertVehicle, ...] | None = None
    documentRefs: tuple[DocumentRef, ...] | None = None
    recruiterRefs: tuple[RecruiterRef, ...] | None = None
    indicators: tuple[WeightedIndicator, ...] | None = None
    score: Annotated[int, Field(ge=0)] | None = None
    safeContactRef: str | None = None
    caseRef: str | None = None
    note: Note | None = None
    references: tuple[Uuid, ...] | None = None
    danger: bool | None = None
    handling: Handling | None = None
    reliability: str | None = None
    accuracy: str | None = None
    group: Group | None = None
    pass_: Annotated[Pass | None, Field(alias="pass")] = None
    evidence: tuple[Evidence, ...] | None = None
    action: Action
    ackDueAt: Time | None = None
    late: bool | None = None
    escalatesTo: RecipientCode | None = None
    otherRecipients: tuple[RecipientCode, ...] | None = None
    withheld: tuple[Withheld, ...]
    redacted: Annotated[
        tuple[str, ...], Field(description="the fixed list of the level, whatever the event had")
    ]
    latencyMs: Annotated[int, Field(ge=0, description="receipt to issue, milliseconds")] | None = None


AlertEvent = AlertEnvelope[Alert]
