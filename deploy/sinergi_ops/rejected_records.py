"""Refused messages as they stand on ``sinergi.rejected.v1``: read, chosen, put back where they came from."""

import asyncio
import base64
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import ValidationError

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.envelope import CONTENT_TYPE
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.contracts.rejected import Rejected, RejectedEvent
from sinergi_shared.contracts.strict_json import UnreadableError, parse_object
from sinergi_shared.directory import source_name
from sinergi_shared.runtime import kafka
from sinergi_shared.runtime.transactions import Outgoing

LEAVE_WITHIN_S: Final = 5.0
_UPSTREAM: Final = "urn:sinergi:sumber:"
_SUBMITTED: Final = topics.submitted("")
_OF_A_LANE: Final = frozenset({topics.EVENTS, topics.REQUESTS})

Heard = Callable[[int], None]
"""Hears how many are done so far."""


class NoTopicError(Exception):
    """There is no rejected topic yet."""


class Hindrance(StrEnum):
    """Why a refused message cannot be put back."""

    PAYLOAD_NOT_KEPT = "payload_not_kept"
    NOT_RETRYABLE = "not_retryable"
    NO_WAY_BACK = "no_way_back"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which refused messages are meant; what is empty chooses all. ``ids`` may be beginnings of ids."""

    reasons: frozenset[Reason] = frozenset()
    sources: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[str, ...] = ()

    def holds(self, event: RejectedEvent) -> bool:
        """Return whether a refused message is meant; ``until`` itself is not."""
        return (
            (not self.reasons or event.data.reason in self.reasons)
            and (not self.sources or not self.sources.isdisjoint(_names(event)))
            and (self.since is None or event.time >= self.since)
            and (self.until is None or event.time < self.until)
            and (not self.ids or event.id.startswith(self.ids))
        )


@dataclass(slots=True)
class Found:
    """What the topic holds, oldest first; ``unread`` counts records that are none of ours."""

    events: list[RejectedEvent] = field(default_factory=list)
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Return:
    """What is to happen to one refused message: the record to publish, or why there is none."""

    event: RejectedEvent
    record: Outgoing | None = None
    hindrance: Hindrance | None = None


async def read(servers: list[str], heard: Heard) -> Found:
    """Return every committed record of every partition; raise ``NoTopicError`` when there is no topic."""
    places, consumer = await _places(servers), kafka.reader(servers)
    try:
        await consumer.start()
        return await _read_to_the_end(consumer, places, heard)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await consumer.stop()


async def _places(servers: list[str]) -> list[TopicPartition]:
    # From the brokers: a consumer knows the partitions of a topic only some time after it is assigned.
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=kafka.REQUEST_TIMEOUT_MS)
    await admin.start()
    try:
        [told] = await admin.describe_topics([topics.REJECTED])
    finally:
        await admin.close()
    if not told["partitions"]:
        raise NoTopicError
    return [TopicPartition(topics.REJECTED, part["partition"]) for part in told["partitions"]]


async def _read_to_the_end(consumer: AIOKafkaConsumer, places: list[TopicPartition], heard: Heard) -> Found:
    consumer.assign(places)
    await consumer.seek_to_beginning(*places)
    ends, found = await consumer.end_offsets(places), Found()
    while any([await consumer.position(place) < ends[place] for place in places]):
        for records in (await consumer.getmany(timeout_ms=100)).values():
            _take((record.value for record in records), found)
        heard(len(found.events))
    found.events.sort(key=lambda event: event.time)
    return found


def _take(values: Iterable[bytes | None], found: Found) -> None:
    for value in values:
        try:
            found.events.append(RejectedEvent.model_validate_json(value or b""))
        except ValidationError:
            found.unread += 1


def chosen(events: Iterable[RejectedEvent], wanted: Wanted) -> list[RejectedEvent]:
    """Return the refused messages that are meant, in their order."""
    return [event for event in events if wanted.holds(event)]


def returns(events: Iterable[RejectedEvent], *, force: bool) -> list[Return]:
    """Return what is to happen to each; the same bytes for the same place only once, the last time.

    ``force`` puts back also what cannot pass as it is, for one who has mended what refused it.
    """
    newest: dict[tuple[str | None, str], Return] = {}
    for event in events:
        key = (event.data.topic, event.data.payloadSha256)
        newest.pop(key, None)
        newest[key] = _return(event, force=force)
    return list(newest.values())


async def put_back(servers: list[str], records: Sequence[Outgoing], heard: Heard) -> None:
    """Publish the records in order, each known to be stored before the next one is sent.

    Raise the client's error for the first that is not; what was told to ``heard`` is stored.
    """
    producer = kafka.producer(servers)
    try:
        await producer.start()
        for number, record in enumerate(records, start=1):
            await producer.send_and_wait(
                record.topic,
                record.value,
                key=record.key,
                partition=record.partition,
                headers=list(record.headers),
            )
            heard(number)
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await producer.stop()


def place(data: Rejected) -> str:
    """Return where the message stood, as ``topic/partition/offset``; ``http`` for one that was posted."""
    return "http" if data.topic is None else f"{data.topic}/{data.partition}/{data.offset}"


def payload(data: Rejected) -> bytes | None:
    """Return the original bytes, when they were kept."""
    return None if data.payload is None else base64.b64decode(data.payload)


def _return(event: RejectedEvent, *, force: bool) -> Return:
    body = payload(event.data)
    if body is None:
        return Return(event, hindrance=Hindrance.PAYLOAD_NOT_KEPT)
    if not (event.data.retryable or force):
        return Return(event, hindrance=Hindrance.NOT_RETRYABLE)
    record = _record(event, body)
    return Return(event, record, None if record else Hindrance.NO_WAY_BACK)


def _record(event: RejectedEvent, body: bytes) -> Outgoing | None:
    data, document = event.data, _document(body)
    if data.topic in _OF_A_LANE:
        # Its own partition, that is its lane: the key is for compaction and for people.
        return Outgoing(data.topic, _thread(document), body, data.partition or 0, _headers(data))
    topic = data.topic
    if topic is None and event.partitionkey.startswith(_UPSTREAM):
        topic = topics.submitted(source_name(event.partitionkey))
    if topic is None or not topic.startswith(_SUBMITTED):
        return None
    number = _part(document.get("data"), "eventNumber")
    return Outgoing(topic, number.encode() if number else None, body, data.partition or 0, _headers(data))


def _headers(data: Rejected) -> tuple[tuple[str, bytes], ...]:
    kept = {"content-type": CONTENT_TYPE, **data.headers} if "ce_id" not in data.headers else data.headers
    return tuple((name, value.encode()) for name, value in kept.items())


def _thread(document: dict[str, Any]) -> bytes | None:
    data = document.get("data")
    asked, number, source = _part(data, "threadId"), _part(data, "eventNumber"), _part(document, "source")
    thread = asked or (thread_id(source, number) if source and number else None)
    return thread.encode() if thread else None


def _document(body: bytes) -> dict[str, Any]:
    try:
        return parse_object(body)
    except UnreadableError:
        return {}


def _part(value: object, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _names(event: RejectedEvent) -> set[str]:
    # The source that was proved at the door, and the one that the message claims.
    urns = {event.partitionkey, event.data.rejectedSource}
    return urns | {source_name(urn) for urn in urns}
