"""What a sender gets back, as JSON.

A refusal is a problem document (RFC 9457), Indonesian first, English beside.
"""
# ruff: noqa: N815 - a field has one spelling, the one on the wire

from typing import Annotated

from pydantic import Field

from sinergi_ingest.request_body import MAX_ITEMS
from sinergi_shared.contracts.base import Contract, EventNumber, JsonPointer, Time, UuidV7
from sinergi_shared.contracts.codes import Resolution
from sinergi_shared.contracts.envelope import SCHEMA_BASE
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule


class Problem(Contract):
    """Why a request or one of its items was not taken; pointers, never values."""

    type: Annotated[str, Field(examples=[f"{SCHEMA_BASE}/problem/PII_DETECTED"])]
    title: Annotated[str, Field(description="Indonesian")]
    titleEn: Annotated[str, Field(description="English")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="what to do, Indonesian")]
    detailEn: Annotated[str, Field(description="what to do, English")]
    reason: Annotated[
        str | None, Field(json_schema_extra={"enum": [*(str(one) for one in Reason), None]})
    ] = None
    rule: Annotated[str | None, Field(json_schema_extra={"enum": [*(str(one) for one in Rule), None]})] = None
    pointers: Annotated[tuple[JsonPointer, ...], Field(description="JSON pointers into the event")] = ()
    id: Annotated[str | None, Field(description="id of the event, when it could be read")] = None
    eventNumber: str | None = None
    retryable: Annotated[bool, Field(description="whether the same bytes may pass later")] = False
    retryAfterS: Annotated[int | None, Field(description="seconds, as in Retry-After")] = None


class Taken(Contract):
    """An event that is stored, or in a check one that would be."""

    id: UuidV7
    eventNumber: Annotated[EventNumber | None, Field(description="none for a heartbeat")] = None
    noteWithheld: Annotated[bool, Field(description="personal data stood in the note; it was left out")]
    receipt: Annotated[str | None, Field(description="signed by ingest; not in a check")] = None


class Item(Contract):
    """What became of one event of many."""

    index: Annotated[int, Field(ge=0, lt=MAX_ITEMS)]
    status: Annotated[int, Field(description="as if it had been sent alone", examples=[202, 422, 503])]
    id: UuidV7 | None = None
    eventNumber: EventNumber | None = None
    noteWithheld: bool | None = None
    receipt: str | None = None
    problem: Problem | None = None


class Items(Contract):
    """What became of each event of a batch or of JSON lines, in the order of the request."""

    items: tuple[Item, ...]


class EventState(Contract):
    """What became of the last message of one event; nothing of those who were told."""

    eventNumber: EventNumber
    state: Annotated[str, Field(json_schema_extra={"enum": ["accepted", *(str(one) for one in Outcome)]})]
    eventId: str | None = None
    revision: int | None = None
    reason: Reason | None = None
    rule: Rule | None = None
    pointers: Annotated[tuple[JsonPointer, ...], Field(description="JSON pointers into the event")] = ()
    noteWithheld: bool = False
    outcome: Annotated[Resolution | None, Field(description="how the event ended, once it has")] = None
    at: Annotated[Time, Field(description="when it was taken or decided")]
