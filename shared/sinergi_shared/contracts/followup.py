"""``sinergi.followup.v1``: where each delivery stands; the notifier's own memory, compacted."""

from typing import Annotated

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.base import (
    AlertNumber,
    Contract,
    DeliveryId,
    EventNumber,
    RecipientCode,
    ThreadId,
    Time,
)
from sinergi_shared.contracts.codes import Channel, DeliveryState, Severity, Status
from sinergi_shared.contracts.envelope import CloudEvent

ErrorCode = Annotated[str, StringConstraints(pattern="^[A-Z0-9_]{1,48}$")]


class Receipt(Contract):
    """What became of one attempt to deliver; no message text, no address (contracts, 4)."""

    alertNumber: AlertNumber
    eventNumber: EventNumber | None = None
    recipient: RecipientCode
    channel: Channel
    attempt: Annotated[int, Field(ge=0)]
    state: DeliveryState
    at: Time
    httpStatus: Annotated[int, Field(ge=100, le=599)] | None = None
    errorCode: ErrorCode | None = None


class FollowUp(Contract):
    """The state of one delivery: enough to go on after a restart, without the alert's contents."""

    threadId: ThreadId
    deliveryId: DeliveryId
    status: Status
    severity: Severity
    alertRevision: Annotated[int, Field(ge=1)]
    receipt: Receipt
    possibleRepeat: bool = False


ReceiptEvent = CloudEvent[Receipt]
FollowUpEvent = CloudEvent[FollowUp]
RECEIPT_TYPE = "id.sinergi.alert.delivered.v1"
