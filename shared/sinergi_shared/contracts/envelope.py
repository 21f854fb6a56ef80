"""The CloudEvents 1.0 envelope of our own messages, structured mode on Kafka."""

from typing import Annotated, Final, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, StringConstraints

from sinergi_shared.contracts.base import (
    AlertNumber,
    Contract,
    RecipientCode,
    ThreadId,
    Time,
    UuidV8,
)
from sinergi_shared.contracts.codes import Level

CONTENT_TYPE: Final = "application/cloudevents+json; charset=UTF-8"
SCHEMA_BASE: Final = "https://schema.sinergi.example"

Data = TypeVar("Data", bound=BaseModel)


class CloudEvent(Contract, Generic[Data]):
    """A message of ours: its id is derived, its correlation id is the threadId (architecture, 2)."""

    specversion: Literal["1.0"] = "1.0"
    id: UuidV8
    source: Annotated[
        str,
        StringConstraints(
            pattern=r"^urn:sinergi:(layanan:(ingest|router|notifier|ops)|instansi:[a-z0-9.-]{1,32})$"
        ),
    ]
    type: Annotated[str, StringConstraints(pattern=r"^id\.sinergi\.[a-z]+\.[a-z_]+\.v[0-9]+$")]
    subject: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    time: Time
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Annotated[str, StringConstraints(pattern=r"^https://\S+/[0-9]+-[0-9]+-[0-9]+\.json$")]
    partitionkey: Annotated[str, StringConstraints(min_length=1, max_length=128)]
    recordedtime: Time | None = None
    correlationid: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    causationid: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    traceparent: str | None = None
    data: Data


class AlertEnvelope(CloudEvent[Data], Generic[Data]):
    """The envelope of an alert: whom it is for, how much it tells, until when it is worth delivering.

    Alerts abroad carry a blind correlation id of their own, so that they cannot be joined to ours.
    """

    subject: AlertNumber
    partitionkey: ThreadId
    correlationid: ThreadId
    expirytime: Time | None = None
    dataclassification: Literal["restricted", "confidential"]
    recipientcode: RecipientCode
    disclosurelevel: Annotated[Level, Field(description="L1 to L3; L0 is only in digests")]


def schema_uri(noun: str) -> str:
    """Return the ``dataschema`` of a message of ours, such as ``…/alert/1-0-0.json``."""
    return f"{SCHEMA_BASE}/{noun}/1-0-0.json"
