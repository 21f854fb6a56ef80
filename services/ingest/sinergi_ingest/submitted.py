"""The Kafka way in: ``sinergi.submitted.v1.<source>`` of every registered source, one group.

FastStream owns the subscriber's life; decoding, retries and commits are ours, because its own
would skip, loop on, or fail a whole batch for one bad record (reliability, 4). A batch's offsets
are committed once everything that it causes is stored, so a kill repeats and never loses.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from sinergi_ingest import binary
from sinergi_ingest.handlers import Intake
from sinergi_ingest.judges import is_cap
from sinergi_ingest.limits import Bucket, owe, owed_for
from sinergi_ingest.records import Origin
from sinergi_shared.contracts import topics
from sinergi_shared.directory import Source
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.lanes import Record

GROUP: Final = "sinergi-ingest"
PART: Final = "submitted"
MAX_BATCH: Final = 500
POLL_MS: Final = 50
GRACE_S: Final = 10.0
STUCK_AFTER_S: Final = 15.0
LONGEST_PAUSE_S: Final = 5.0


class Submitted:
    """Reads the submitted topics of these sources, and reports its progress."""

    def __init__(
        self,
        bootstrap: list[str],
        sources: Sequence[Source],
        intake: Intake,
        *,
        seconds: Callable[[], float],
        slowed: Callable[[], None],
        die: Callable[[str, BaseException], None],
    ) -> None:
        self._sources = {topics.submitted(source.name): source for source in sources}
        self._intake = intake
        self._whole = asyncio.Lock()  # a batch is not torn by a change of what is read
        self._buckets: dict[TopicPartition, Bucket] = {}
        self._seconds = seconds
        self._slowed = slowed
        self._die = die
        self._busy_since: float | None = None
        self._polled: dict[TopicPartition, int | None] = {}
        self._broker = KafkaBroker(
            bootstrap,
            consumer_only=True,
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
            graceful_timeout=GRACE_S,
            request_timeout_ms=kafka.REQUEST_TIMEOUT_MS,
        )
        self._subscriber = self._broker.subscriber(
            *self._sources,
            batch=True,
            max_records=MAX_BATCH,
            batch_timeout_ms=POLL_MS,
            group_id=GROUP,
            # No static membership: a member that is back with other sources in its directory would be
            # handed its old topics, and end (tried); here a clean stop hands them on at once.
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=kafka.SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=1_000,
            ack_policy=AckPolicy.MANUAL,
            parser=_whole_batch,
            decoder=_raw_records,
        )
        self._subscriber(self._on_records)

    async def start(self) -> None:
        """Join the group and begin to read.

        Raise aiokafka's ``KafkaError`` when that is left unanswered; then it may be called again.
        """
        try:
            await self._broker.start()
        except KafkaError:
            await kafka.leave(self._broker.stop)
            raise

    async def follow(self, sources: Sequence[Source]) -> None:
        """Read these sources too, and hold each to its rate of now; their topics are there.

        Who has left is read on: what it sends is refused, not left unread.
        """
        async with self._whole:
            known = self._sources.keys()
            self._sources = self._sources | {topics.submitted(source.name): source for source in sources}
            if self._sources.keys() != known and self._subscriber.consumer is not None:
                self._subscriber.consumer.subscribe([*self._sources])

    async def stop(self) -> None:
        """Finish the batch in hand, commit it, leave."""
        await self._broker.stop()

    def watch(self, health: Health) -> None:
        """Tell whether the reader is at work: its task, its assignment, its polls."""
        consumer = self._subscriber.consumer
        if consumer is None or not consumer.assignment():
            health.problem(PART, "no topic assigned yet")
            return
        health.problem(PART, None)
        if PART not in health.tasks:
            # From now on: one that never polls is as late as one that has stopped to.
            health.expect(PART, self._subscriber.tasks[0])
        stuck = self._busy_since is not None and self._seconds() - self._busy_since > STUCK_AFTER_S
        if self._has_polled(consumer) and not stuck:
            health.beat(PART)

    def _has_polled(self, consumer: AIOKafkaConsumer) -> bool:
        polled = {place: consumer.last_poll_timestamp(place) for place in consumer.assignment()}
        moved = any(
            moment is not None and moment != self._polled.get(place) for place, moment in polled.items()
        )
        self._polled = polled
        return moved

    async def _on_records(self, records: Any) -> None:  # noqa: ANN401 - FastStream would build a model
        self._busy_since = self._seconds()
        try:
            async with self._whole:
                origins = [self._origin(record) for record in records]
                await self._intake.take_submitted(origins, [event_bytes(record) for record in records])
                await self._commit(records)
                self._slow_down(records)
        except Exception as error:  # noqa: BLE001 - a bug: stop before the offset is committed
            self._die(PART, error)
        finally:
            self._busy_since = None

    async def _commit(self, records: Sequence[Record]) -> None:
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if self._subscriber.consumer is None:
            return
        try:
            await self._subscriber.consumer.commit(offsets)
        except KafkaError:
            # Away or rebalanced: the records come again, and their repeats are merged.
            logs.logger().warning("offsets not committed", topics=len(offsets))

    def _slow_down(self, records: Sequence[Record]) -> None:
        """Fetch no more for a while from a source that is over its rate; the others go on.

        Counted here alone: one process reads a source's topic, so no other needs to know.
        """
        now = self._seconds()
        counts = Counter(TopicPartition(record.topic, record.partition) for record in records)
        for place, count in counts.items():
            rate = self._sources[place.topic].rate
            self._buckets[place] = owe(self._buckets.get(place), rate, count, now)
            if wait := owed_for(self._buckets[place], rate):
                self._pause(place, min(wait, LONGEST_PAUSE_S))

    def _pause(self, place: TopicPartition, seconds: float) -> None:
        consumer = self._subscriber.consumer
        if consumer is not None and place in consumer.assignment():
            consumer.pause(place)
            self._slowed()
            asyncio.get_running_loop().call_later(seconds, self._resume, place)

    def _resume(self, place: TopicPartition) -> None:
        consumer = self._subscriber.consumer
        if consumer is not None and place in consumer.assignment():
            consumer.resume(place)

    def _origin(self, record: Record) -> Origin:
        return Origin(
            source=self._sources[record.topic],
            body=record.value or b"",
            received_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            headers=tuple(record.headers),
            key=record.key,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
        )


def event_bytes(record: Record) -> bytes | None:
    """Return the event in structured form, whichever mode its headers say; a CAP message as it is."""
    content_type = next((value for name, value in record.headers if name.lower() == "content-type"), b"")
    structured = (content_type or b"").lower().startswith(binary.STRUCTURED.encode())
    headers = [(name, value or b"") for name, value in record.headers]
    if record.value is None or structured or is_cap(headers):
        return record.value
    return binary.from_kafka(headers, record.value)


async def _whole_batch(records: tuple[Any, ...]) -> KafkaMessage:
    # Not FastStream's own parser: it fails on a header that is not UTF-8 (ecosystem, 1.1).
    return KafkaMessage(body=b"", raw_message=records, consumer=None)  # type: ignore[arg-type]


async def _raw_records(message: KafkaMessage) -> Any:  # noqa: ANN401 - FastStream's decoder type
    return message.raw_message
