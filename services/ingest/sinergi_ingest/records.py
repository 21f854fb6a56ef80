"""Verdicts to records: the admitted event, the kept refusal, what a Kafka sender learns of it."""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sinergi_ingest.admit import Admitted, Refused, stored_bytes
from sinergi_ingest.problem import advice
from sinergi_ingest.vigil import Change
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.alert import Action
from sinergi_shared.contracts.audit import ALARM_TYPE, Alarm, AlarmEvent, AlarmKind
from sinergi_shared.contracts.envelope import CONTENT_TYPE, schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.contracts.rejected import (
    MAX_KEPT_BYTES,
    REJECTED_TYPE,
    UNREAD,
    Rejected,
    RejectedEvent,
)
from sinergi_shared.contracts.status import STATUS_TYPE, EventStatus, StatusEvent
from sinergi_shared.directory import Source
from sinergi_shared.runtime.transactions import Outgoing

SOURCE: Final = "urn:sinergi:layanan:ingest"
NOTE_WITHHELD: Final = "notewithheld"
"""Header of an event whose note was left out, so that its status can tell the sender."""

_HEADERS: Final = (("content-type", CONTENT_TYPE.encode()),)
_WITHHELD: Final = (*_HEADERS, (NOTE_WITHHELD, b"true"))
_KNOWN_HEADER: Final = re.compile(
    r"content-type|traceparent|ce_(?:specversion|id|source|type|subject|time|dataschema|partitionkey"
    r"|recordedtime|correlationid|causationid|traceparent)"
)
_MAX_KEY: Final = 256


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message came from: its source by key or by topic, and its bytes as they came."""

    source: Source
    body: bytes
    received_at: datetime
    headers: tuple[tuple[str, bytes], ...] = ()
    key: bytes | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None

    @property
    def cause(self) -> tuple[str, ...]:
        """What the derived ids of a refusal depend on: a repeat gives the same."""
        if self.topic is not None:
            return (self.topic, str(self.partition), str(self.offset))
        return (self.source.urn, hashlib.sha256(self.body).hexdigest())


def event_record(admitted: Admitted, lanes: int) -> Outgoing:
    """Return the record for ``sinergi.events.v1``, in the lane of its thread."""
    return Outgoing(
        topic=topics.EVENTS,
        key=admitted.thread_id.encode(),
        value=stored_bytes(admitted),
        partition=topics.lane_of(admitted.thread_id, lanes),
        headers=_WITHHELD if admitted.note_withheld else _HEADERS,
    )


def rejected_record(refused: Refused, origin: Origin, now: datetime, lanes: int) -> Outgoing:
    """Return the record for ``sinergi.rejected.v1``; its id is the same when the refusal repeats."""
    told = refused.claim.id or UNREAD
    event = RejectedEvent(
        id=derived_uuid("rejected", *origin.cause),
        source=SOURCE,
        type=REJECTED_TYPE,
        subject=told,
        time=now,
        dataschema=schema_uri("rejected"),
        partitionkey=origin.source.urn,
        correlationid=refused.claim.thread_id or told,
        causationid=told,
        data=_rejected(refused, origin),
    )
    return Outgoing(
        topic=topics.REJECTED,
        key=origin.source.urn.encode(),
        value=event.model_dump_json(exclude_none=True).encode(),
        partition=topics.lane_of(origin.source.urn, lanes),
        headers=_HEADERS,
    )


def silence_record(change: Change, now: datetime, lanes: int) -> Outgoing:
    """Return the audit record of a source that fell silent or speaks again."""
    alarm = Alarm(kind=AlarmKind.SOURCE_SILENT, source=change.source, active=change.is_silent, at=now)
    return _alarm_record(alarm, change.source, lanes)


def topics_record(source: str, now: datetime, lanes: int, *, missing: bool) -> Outgoing:
    """Return the audit record of a source that cannot be read for want of its topics, or can again."""
    return _alarm_record(
        Alarm(kind=AlarmKind.TOPICS_MISSING, source=source, active=missing, at=now), source, lanes
    )


def files_record(kind: AlarmKind, now: datetime, lanes: int, *, wrong: bool) -> Outgoing:
    """Return the audit record of new files of ours that cannot be used, or of some that can again."""
    return _alarm_record(Alarm(kind=kind, active=wrong, at=now), SOURCE, lanes)


def _alarm_record(alarm: Alarm, about: str, lanes: int) -> Outgoing:
    event = AlarmEvent(
        id=derived_uuid("alarm", alarm.kind, about, str(alarm.active), alarm.at.isoformat()),
        source=SOURCE,
        type=ALARM_TYPE,
        subject=about,
        time=alarm.at,
        dataschema=schema_uri("alarm"),
        partitionkey=about,
        data=alarm,
    )
    value = event.model_dump_json(exclude_none=True).encode()
    return Outgoing(topics.AUDIT, None, value, topics.lane_of(about, lanes), _HEADERS)


def status_record(refused: Refused, origin: Origin, now: datetime) -> Outgoing:
    """Return the record that tells a Kafka sender of a refusal, on its own status topic."""
    claim = refused.claim
    event = StatusEvent(
        id=derived_uuid("status", *origin.cause),
        source=SOURCE,
        type=STATUS_TYPE,
        subject=claim.event_number or claim.id or f"{origin.partition}/{origin.offset}",
        time=now,
        dataschema=schema_uri("status"),
        partitionkey=origin.source.urn,
        correlationid=claim.thread_id,
        causationid=claim.id,
        data=EventStatus(
            eventId=claim.id,
            eventNumber=claim.event_number,
            revision=claim.revision,
            state=Outcome.REJECTED,
            reason=refused.reason,
            rule=refused.rule,
            fields=refused.fields,
            at=now,
        ),
    )
    return Outgoing(
        topic=topics.status(origin.source.name),
        key=_status_key(claim.event_number, origin),
        value=event.model_dump_json(exclude_none=True).encode(),
        headers=_HEADERS,
    )


def _status_key(event_number: str | None, origin: Origin) -> bytes:
    if event_number is not None:
        return event_number.encode()
    if origin.key and len(origin.key) <= _MAX_KEY:
        return origin.key
    return f"{origin.partition}/{origin.offset}".encode()


def _rejected(refused: Refused, origin: Origin) -> Rejected:
    kept = refused.payload_kept and len(origin.body) <= MAX_KEPT_BYTES
    do = advice(refused)
    return Rejected(
        rejectedId=refused.claim.id or UNREAD,
        rejectedSource=refused.claim.source or UNREAD,
        rejectedType=refused.claim.type or UNREAD,
        reason=refused.reason,
        stage=refused.stage,
        fields=refused.fields,
        rule=refused.rule,
        retryable=refused.retryable,
        payload=base64.b64encode(origin.body).decode() if kept else None,
        headers=_known(origin.headers) if kept else {},
        firstSeen=origin.received_at,
        payloadSha256=hashlib.sha256(origin.body).hexdigest(),
        payloadKept=kept,
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        action=Action(id=do.do, en=do.do_en),
    )


def _known(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    return {
        name: value.decode("utf-8", errors="replace")
        for name, value in headers
        if len(value) <= _MAX_KEY and _KNOWN_HEADER.fullmatch(name)
    }
