"""What is to be delivered, and what does an answer mean? Jobs, states and the time go in; pure.

A delivery goes ``queued`` - intent (``queued`` with an attempt) - outcome. An intent without an
outcome is a doubt: it is made again under the same id, marked as a possible repeat (law 11).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sinergi_notifier.channels.result import DeliveryResult
from sinergi_notifier.followup import FollowUps
from sinergi_notifier.retry import Schedule, next_try
from sinergi_shared.contracts.codes import Channel, DeliveryState, Status
from sinergi_shared.contracts.followup import FollowUp, JobPointer, Receipt
from sinergi_shared.contracts.ids import delivery_id
from sinergi_shared.contracts.job import Job, JobEntry
from sinergi_shared.directory import Contact

Contacts = Mapping[str, tuple[Contact, ...]]
_OWN_TOPIC = "topic"


def plan(
    job: Job, pointer: JobPointer, contacts: Contacts, known: FollowUps, now: datetime
) -> tuple[FollowUp, ...]:
    """Return the states that a job causes: what it ends first, then its own deliveries.

    Planning a job again gives nothing new. The agency's own topic was written by the router in the
    decision's transaction, so that delivery is ``sent`` from the start.
    """
    return tuple(
        record for entry in job.entries for record in _plan_entry(job, entry, pointer, contacts, known, now)
    )


def contacts_for(status: Status, contacts: Iterable[Contact]) -> tuple[Contact, ...]:
    """Return the contact points for an exercise or for the real thing; never both (law 8)."""
    return tuple(contact for contact in contacts if contact.drill is (status is Status.EXERCISE))


def intend(record: FollowUp, now: datetime) -> FollowUp:
    """Return the record to be written before an attempt is made."""
    # An intent that was restored, or an answer that never came, leaves a doubt.
    repeat = record.possibleRepeat or (
        record.receipt.state is DeliveryState.QUEUED and record.receipt.attempt > 0
    )
    told = _told(record, DeliveryState.QUEUED, now, attempt=record.receipt.attempt + 1)
    return told.model_copy(update={"possibleRepeat": repeat, "nextAt": None})


def settle(
    intent: FollowUp, result: DeliveryResult, ending: DeliveryState | None, now: datetime, schedule: Schedule
) -> FollowUp:
    """Return the outcome of an attempt; ``ending`` is how it ends if it failed and was overtaken."""
    told = _told(intent, result.state, now, http_status=result.http_status, error=result.trouble)
    if result.state is not DeliveryState.TEMPORARY:
        return told
    if ending is not None:
        return end(told, ending, now)
    again = next_try(
        delivery=intent.deliveryId,
        attempt=intent.receipt.attempt,
        asked=result.retry_after,
        ack_due=intent.ackDueAt,
        now=now,
        schedule=schedule,
    )
    if again is None:
        return end(told, DeliveryState.PERMANENT, now)
    return told.model_copy(
        update={"nextAt": again, "possibleRepeat": intent.possibleRepeat or result.in_doubt}
    )


def expired(record: FollowUp, now: datetime) -> bool:
    """Return whether a delivery is not worth making any more (B46)."""
    return record.expiresAt is not None and record.expiresAt <= now


def end(record: FollowUp, state: DeliveryState, now: datetime, trouble: str | None = None) -> FollowUp:
    """Return a delivery's last record, which keeps the trouble and the original end."""
    told = _told(
        record, state, now, http_status=record.receipt.httpStatus, error=trouble or record.receipt.errorCode
    )
    return told.model_copy(update={"nextAt": None})


def _plan_entry(
    job: Job, entry: JobEntry, pointer: JobPointer, contacts: Contacts, known: FollowUps, now: datetime
) -> Iterator[FollowUp]:
    fresh = [
        record
        for record in _deliveries(job, entry, pointer, contacts, now)
        if not known.knows(record.deliveryId)
    ]
    if not fresh:
        return
    newest = FollowUps()
    newest.remember(fresh[0])
    for waiting in known.waiting_of((job.threadId, entry.recipient)):
        ending = newest.overtaken(waiting)
        if ending is not None:
            yield end(waiting, ending, now)
    for record in fresh:
        state = _state_at_once(record, known, now)
        yield record if state is None else end(record, state, now)


def _state_at_once(record: FollowUp, known: FollowUps, now: datetime) -> DeliveryState | None:
    if record.receipt.channel is Channel.KAFKA:
        return None
    return DeliveryState.EXPIRED if expired(record, now) else known.overtaken(record)


def _deliveries(
    job: Job, entry: JobEntry, pointer: JobPointer, contacts: Contacts, now: datetime
) -> Iterator[FollowUp]:
    yield _delivery(job, entry, pointer, None, now)
    for contact in contacts_for(job.status, contacts.get(entry.recipient, ())):
        yield _delivery(job, entry, pointer, contact, now)


def _delivery(
    job: Job, entry: JobEntry, pointer: JobPointer, contact: Contact | None, now: datetime
) -> FollowUp:
    alert = entry.full.data
    channel = contact.channel if contact else Channel.KAFKA
    return FollowUp(
        threadId=job.threadId,
        deliveryId=delivery_id(alert.alertNumber, channel, contact.id if contact else _OWN_TOPIC),
        status=job.status,
        severity=job.severity,
        msgType=alert.msgType,
        alertRevision=alert.alertRevision,
        contact=contact.id if contact else None,
        job=pointer,
        ackDueAt=alert.ackDueAt,
        expiresAt=entry.full.expirytime,
        receipt=Receipt(
            alertNumber=alert.alertNumber,
            eventNumber=alert.eventNumber,
            recipient=entry.recipient,
            channel=channel,
            attempt=0 if contact else 1,
            state=DeliveryState.QUEUED if contact else DeliveryState.SENT,
            at=now,
        ),
    )


def _told(
    record: FollowUp,
    state: DeliveryState,
    now: datetime,
    *,
    attempt: int | None = None,
    http_status: int | None = None,
    error: str | None = None,
) -> FollowUp:
    receipt = record.receipt.model_copy(
        update={
            "state": state,
            "at": now,
            "attempt": record.receipt.attempt if attempt is None else attempt,
            "httpStatus": http_status,
            "errorCode": error,
        }
    )
    return record.model_copy(update={"receipt": receipt})
