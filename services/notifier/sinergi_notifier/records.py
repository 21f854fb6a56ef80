"""The notifier's messages as they stand on Kafka: jobs in, states and refusals out."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from sinergi_shared.contracts.alert import Action
from sinergi_shared.contracts.base import format_time, pointers
from sinergi_shared.contracts.envelope import CONTENT_TYPE, CloudEvent, schema_uri
from sinergi_shared.contracts.followup import RECEIPT_TYPE, FollowUp, FollowUpEvent
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.job import JOB_TYPE, JobEvent
from sinergi_shared.contracts.reasons import Reason, Stage
from sinergi_shared.contracts.rejected import REJECTED_TYPE, UNREAD, Rejected, RejectedEvent
from sinergi_shared.contracts.topics import FOLLOWUP, REJECTED
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing

SOURCE: Final = "urn:sinergi:layanan:notifier"
_ROUTER: Final = "urn:sinergi:layanan:router"
_HEADERS: Final = (("content-type", CONTENT_TYPE.encode()),)
_MEND: Final = Action(
    id="Periksa versi router dan notifier; pesanan ini tidak terbaca dan tidak terkirim",
    en="Check the versions of router and notifier; this job cannot be read and went out by no channel",
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes that are not a job: where they do not fit, as JSON pointers."""

    fields: tuple[str, ...]


def read_job(value: bytes | None) -> JobEvent | Unreadable:
    """Return the job in these bytes."""
    try:
        return JobEvent.model_validate_json(value or b"")
    except ValidationError as error:
        return Unreadable(pointers(error))


def read_follow_up(value: bytes) -> FollowUp:
    """Return a state of ours; one that does not fit is a bug and raises ``ValidationError``."""
    return FollowUpEvent.model_validate_json(value).data


def write_follow_up(record: FollowUp, lane: int) -> Outgoing:
    """Return the record for a state, in its lane's partition under its own key."""
    receipt = record.receipt
    event = FollowUpEvent(
        id=derived_uuid(
            "followup", record.deliveryId, str(receipt.attempt), receipt.state, format_time(receipt.at)
        ),
        source=SOURCE,
        type=RECEIPT_TYPE,
        subject=receipt.alertNumber,
        time=receipt.at,
        dataschema=schema_uri("followup"),
        partitionkey=record.threadId,
        correlationid=record.threadId,
        causationid=record.job.id,
        data=record,
    )
    return _outgoing(FOLLOWUP, f"{record.threadId}/{record.deliveryId}", event, lane)


def refuse_job(
    record: Record, fields: tuple[str, ...], now: datetime, reason: Reason = Reason.SCHEMA_INVALID
) -> Outgoing:
    """Return the refusal of a job that cannot be read: where it stands, nothing of what it says."""
    value = record.value or b""
    event_id = derived_uuid("rejected", record.topic, str(record.partition), str(record.offset))
    refused = Rejected(
        rejectedId=UNREAD,
        rejectedSource=_ROUTER,
        rejectedType=JOB_TYPE,
        reason=reason,
        stage=Stage.SCHEMA,
        fields=fields,
        retryable=reason.retryable,
        firstSeen=now,
        payloadSha256=hashlib.sha256(value).hexdigest(),
        payloadKept=False,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        action=_MEND,
    )
    event = RejectedEvent(
        id=event_id,
        source=SOURCE,
        type=REJECTED_TYPE,
        subject=UNREAD,
        time=now,
        dataschema=schema_uri("rejected"),
        partitionkey=_ROUTER,
        correlationid=UNREAD,
        causationid=UNREAD,
        data=refused,
    )
    return _outgoing(REJECTED, _ROUTER, event, record.partition)


def _outgoing(topic: str, key: str, event: CloudEvent, partition: int) -> Outgoing:  # type: ignore[type-arg]
    body = event.model_dump_json(by_alias=True, exclude_none=True)
    return Outgoing(topic, key.encode(), body.encode(), partition, _HEADERS)
