"""``id.sinergi.alert.responded.v1``: an agency's answer (contracts, section 4)."""

from typing import Annotated

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.base import (
    AlertNumber,
    Contract,
    Count,
    EventNumber,
    IndicatorCode,
    PlaceCode,
    RecipientCode,
    Time,
)
from sinergi_shared.contracts.codes import Answer, Resolution
from sinergi_shared.contracts.envelope import CloudEvent


class Response(Contract):
    """One answer to one alert; the same action by the same recipient again changes nothing."""

    alertNumber: AlertNumber
    eventNumber: EventNumber | None = None
    responder: RecipientCode
    action: Answer
    at: Time
    onTime: bool | None = None
    etaMinutes: Annotated[int, Field(ge=0, le=10_080)] | None = None
    referTo: RecipientCode | None = None
    reasonCode: Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_]{1,47}$")] | None = None
    outcome: Resolution | None = None
    handoverPlaceCode: PlaceCode | None = None
    peopleHandedOver: Count | None = None
    indicatorsNotConfirmed: tuple[IndicatorCode, ...] | None = None
    unitRef: Annotated[str, StringConstraints(min_length=1, max_length=32)] | None = None


ResponseEvent = CloudEvent[Response]
RESPONSE_TYPE = "id.sinergi.alert.responded.v1"
