"""``sinergi.status.v1.<source>``: what a source learns of its event, and nothing of the recipients."""

from typing import Annotated

from pydantic import Field

from sinergi_shared.contracts.base import Contract, EventNumber, JsonPointer, SafeInt, Time
from sinergi_shared.contracts.codes import Resolution
from sinergi_shared.contracts.envelope import CloudEvent
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule


class EventStatus(Contract):
    """State of one message of one event, at the reporter's level."""

    eventId: str | None = None
    eventNumber: EventNumber | None = None
    revision: SafeInt | None = None
    state: Outcome
    reason: Reason | None = None
    rule: Rule | None = None
    fields: tuple[JsonPointer, ...] = ()
    noteWithheld: bool = False
    outcome: Annotated[Resolution | None, Field(description="how the event ended, once it has")] = None
    at: Time


StatusEvent = CloudEvent[EventStatus]
STATUS_TYPE = "id.sinergi.movement.status.v1"
