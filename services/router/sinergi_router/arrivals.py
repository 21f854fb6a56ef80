"""Records of ``sinergi.events.v1`` to events; what cannot be read is a value with a reason.

Ingest has admitted them, so a record that fails here is damaged, forged or newer than we are. It
must stop nobody else (B11, B13, B80).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from sinergi_router.policy.facts import Arrived, Thread
from sinergi_shared.contracts.base import pointers
from sinergi_shared.contracts.event import EVENT_TYPE, KNOWN_MAJOR, read_event, schema_version
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.reasons import Reason, Rule, Stage
from sinergi_shared.contracts.request import Request, RequestEvent
from sinergi_shared.contracts.strict_json import (
    MAX_STORED_BYTES,
    UnreadableError,
    body_digest,
    parse_object,
)
from sinergi_shared.contracts.thread import EventPointer
from sinergi_shared.runtime.lanes import Record

NOTE_WITHHELD: Final = "notewithheld"
"""Header that ingest sets on an event whose note it has left out."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that is not an event of ours, and why."""

    record: Record
    reason: Reason
    stage: Stage
    rule: Rule | None = None
    fields: tuple[str, ...] = ()
    document: dict[str, Any] | None = None
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to decide again about a thread."""

    request: Request
    request_id: str


def read_request(record: Record) -> Asked | Unread:
    """Return the request in one record, or why there is none."""
    try:
        event = RequestEvent.model_validate_json(record.value or b"")
    except ValidationError as error:
        return Unread(record, Reason.SCHEMA_INVALID, Stage.SCHEMA, Rule.FIELD, pointers(error))
    return Asked(event.data, event.id)


def read_records(records: Sequence[Record]) -> tuple[list[Arrived], list[Unread]]:
    """Return the events in these records, in order, and the records that hold none."""
    arrived: list[Arrived] = []
    unread: list[Unread] = []
    for record in records:
        match read_record(record):
            case Arrived() as one:
                arrived.append(one)
            case Unread() as other:
                unread.append(other)
    return arrived, unread


def read_record(record: Record) -> Arrived | Unread:
    """Return the event in one record, or why there is none."""
    if record.value is not None and len(record.value) > MAX_STORED_BYTES:
        return Unread(record, Reason.TOO_LARGE, Stage.ENVELOPE, Rule.SIZE)
    try:
        document = parse_object(record.value)
    except UnreadableError as error:
        return Unread(record, Reason.SCHEMA_INVALID, Stage.SCHEMA, error.rule)
    newer = _newer(document)
    if newer is not None:
        return Unread(record, newer, Stage.ENVELOPE, Rule.MAJOR, document=document)
    try:
        event = read_event(document)
    except ValidationError as error:
        return Unread(record, Reason.SCHEMA_INVALID, Stage.SCHEMA, Rule.FIELD, pointers(error), document)
    return Arrived(
        thread_id=thread_id(event.source, event.data.eventNumber),
        event=event,
        document=document,
        digest=body_digest(document),
        received_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        pointer=EventPointer(partition=record.partition, offset=record.offset),
        note_withheld=NOTE_WITHHELD in dict(record.headers),
    )


def read_carried(thread: Thread) -> Arrived | None:
    """Return the accepted event that a thread carries, once its topic may have dropped it."""
    if thread.carried is None:
        return None
    return Arrived(
        thread_id=thread.thread_id,
        event=read_event(thread.carried),
        document=thread.carried,
        digest=body_digest(thread.carried),
        pointer=thread.pointer,
    )


def _newer(document: dict[str, Any]) -> Reason | None:
    if document.get("type") != EVENT_TYPE:
        return Reason.TYPE_UNSUPPORTED
    try:
        known = schema_version(str(document.get("dataschema")))[0] == KNOWN_MAJOR
    except IndexError:
        return None  # malformed: the reader says where
    return None if known else Reason.VERSION_UNKNOWN
