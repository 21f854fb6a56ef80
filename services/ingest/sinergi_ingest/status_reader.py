"""Reads every source's status topic into ``Statuses``, and finds events that wait for the router."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from sinergi_ingest.answers import EventState
from sinergi_ingest.statuses import BehindError, Statuses, waiting_state
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.directory import Source
from sinergi_shared.runtime import kafka

ROUTER_GROUP: Final = "sinergi-router"
FIND_WITHIN_S: Final = 3.0
AGAIN_S: Final = 0.5
POLL_MS: Final = 200
MAX_BATCH: Final = 1_000


class StatusReader:
    """Keeps ``statuses`` at the end of the topics; ``find`` also asks what the router has not decided."""

    def __init__(
        self, bootstrap: list[str], sources: Sequence[Source], statuses: Statuses, *, lanes: int
    ) -> None:
        self._bootstrap = bootstrap
        self._names: dict[str, str] = {}
        self._next: dict[TopicPartition, int] = {}
        self._urns: dict[str, str] = {}
        self._add(sources)
        self._statuses = statuses
        self._lanes = lanes
        self._finding = asyncio.Lock()

    async def follow(self, sources: Sequence[Source]) -> None:
        """Read the topics of these sources too, from the next round on; they are there."""
        self._add(sources)

    def _add(self, sources: Sequence[Source]) -> None:
        for source in sources:
            topic = topics.status(source.name)
            self._names[topic] = source.name
            self._next.setdefault(TopicPartition(topic, 0), 0)
            self._urns[source.name] = source.urn

    async def run(self, beat: Callable[[], None]) -> None:
        """Read from the first record on, until cancelled; ``beat`` is called at each round.

        While Kafka is away it is tried again, from the record where the reading ended.
        """
        while True:
            beat()
            try:
                await self._read(beat)
            except KafkaError:
                pass
            except asyncio.CancelledError:
                if kafka.told_to_stop():
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _read(self, beat: Callable[[], None]) -> None:
        consumer = kafka.reader(self._bootstrap)
        try:
            await consumer.start()
            assigned: frozenset[TopicPartition] = frozenset()
            ends: dict[TopicPartition, int] = {}
            while True:
                beat()
                if new := self._next.keys() - assigned:
                    assigned = frozenset(self._next)
                    self._take_up(consumer)
                    ends |= await consumer.end_offsets(list(new))
                for place, records in (
                    await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_BATCH)
                ).items():
                    told = [(record.key, record.value) for record in records]
                    self._statuses.heard(self._names[place.topic], told)
                    self._next[place] = records[-1].offset + 1
                for place in await _reached(consumer, ends):
                    self._statuses.read_to_end(self._names[place.topic])
                    del ends[place]
        finally:
            await kafka.leave(consumer.stop)

    def _take_up(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign(list(self._next))
        for place, offset in self._next.items():
            consumer.seek(place, offset)

    async def find(self, source: str, number: str) -> EventState | None:
        """Return what became of the event of ``source`` (``<system>.<channel>``), ``None`` when unknown.

        Raise ``BehindError`` when that cannot be said yet, aiokafka's ``KafkaError`` when Kafka is away.
        """
        known = self._statuses.of(source, number)
        if known is not None:
            return known
        if source not in self._urns:
            raise BehindError  # came into the directory just now: its topics are not read yet
        try:
            # One at a time: who asks for many unknown numbers holds up only others who do.
            async with asyncio.timeout(FIND_WITHIN_S), self._finding:
                waiting = await self._find_waiting(thread_id(self._urns[source], number), number)
        except TimeoutError:
            raise BehindError from None
        except asyncio.CancelledError:
            if kafka.told_to_stop():
                raise
            raise BehindError from None
        # What was decided in between is not waiting any more.
        return self._statuses.of(source, number) or waiting

    async def _find_waiting(self, thread: str, number: str) -> EventState | None:
        place = TopicPartition(topics.EVENTS, topics.lane_of(thread, self._lanes))
        consumer = kafka.reader(self._bootstrap)
        found = None
        try:
            await consumer.start()
            consumer.assign([place])
            first = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, max(first, await self._decided_until(place)))
            while await consumer.position(place) < end:
                for record in (await consumer.getmany(place, timeout_ms=POLL_MS)).get(place, []):
                    if record.key == thread.encode():
                        found = waiting_state(number, record.value or b"", record.timestamp)
        finally:
            await kafka.leave(consumer.stop)
        return found

    async def _decided_until(self, place: TopicPartition) -> int:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self._bootstrap, request_timeout_ms=kafka.REQUEST_TIMEOUT_MS
        )
        await admin.start()
        try:
            committed = await admin.list_consumer_group_offsets(ROUTER_GROUP, partitions=[place])
        finally:
            await admin.close()
        return committed[place].offset if place in committed else -1


async def _reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> list[TopicPartition]:
    # By the reader's position: the last offset may be the mark of a transaction's end, and no record.
    return [place for place, end in ends.items() if await consumer.position(place) >= end]
