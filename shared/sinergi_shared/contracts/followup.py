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
    UuidV8,
)
from sinergi_shared.contracts.codes import AlertMsgType, Channel, DeliveryState, Severity, Status
from sinergi_shared.contracts.envelope import CloudEvent

ErrorCode = Annotated[str, StringConstraints(pattern="^[A-Z0-9_]{1,48}$")]
ContactId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,48}$")]


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


class JobPointer(Contract):
    """Where the job stands on ``sinergi.jobs.v1``: what is to be said is read again from there."""

    id: UuidV8
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class FollowUp(Contract):
    """The state of one delivery: enough to go on after a restart, without the alert's contents.

    ``queued`` with an attempt above 0 is an intent: that attempt may or may not have happened.
    ``contact`` is the contact point's id, never its address; absent on the ``kafka`` channel.
    ``possibleRepeat`` says that an earlier attempt may have reached the agency.
    """

    threadId: ThreadId
    deliveryId: DeliveryId
    status: Status
    severity: Severity
    msgType: AlertMsgType
    alertRevision: Annotated[int, Field(ge=1)]
    receipt: Receipt
    possibleRepeat: bool = False
    contact: ContactId | None = None
    job: JobPointer
    ackDueAt: Time | None = None
    expiresAt: Time | None = None
    nextAt: Annotated[Time | None, Field(description="not before this is it tried again")] = None


ReceiptEvent = CloudEvent[Receipt]
FollowUpEvent = CloudEvent[FollowUp]
RECEIPT_TYPE = "id.sinergi.alert.delivered.v1"
