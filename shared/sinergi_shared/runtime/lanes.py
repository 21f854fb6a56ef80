"""Lanes: one owner, one transactional producer and one rebuilt state each (architecture, 2).

A transaction holds everything that a batch of one lane causes, and the offsets of all its inputs:
so nothing is lost and nothing is twice, under kills, freezes and rebalances. Traps and figures:
reliability, 1. Any error here ends the process before an offset is committed; the supervisor
starts it again, and the lane's state is rebuilt from its compacted topic.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.producer.sender import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    TxnOffsetCommitRequest,
)

from sinergi_shared.runtime import kafka
from sinergi_shared.runtime.health import Health

MAX_BATCH: Final = 500
POLL_MS: Final = 50

_OF_A_TRANSACTION: Final = (
    EndTxnRequest,
    AddPartitionsToTxnRequest,
    AddOffsetsToTxnRequest,
    TxnOffsetCommitRequest,
)


class Record(Protocol):
    """A consumed record, as aiokafka hands it out; ``timestamp`` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to publish in the lane's transaction; ``partition`` is explicit for lane topics."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Lane(Protocol):
    """What a service does in one lane; no await, no clock of its own but the one it was given."""

    def restore(self, record: Record) -> None:
        """Take one record of the lane's compacted topic, oldest first."""

    def work(self, records: Sequence[Record]) -> Iterable[Outgoing]:
        """Return all that these records cause, in the order in which it is to be published."""


@dataclass(slots=True)
class _Owned:
    lane: Lane
    producer: AIOKafkaProducer
    next_offset: dict[TopicPartition, int]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Lanes(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Owns lanes as the consumer group assigns them, and runs each batch in its lane's transaction."""

    def __init__(
        self,
        *,
        name: str,
        bootstrap: list[str],
        inputs: tuple[str, ...],
        state_topic: str,
        make: Callable[[int], Lane],
        die: Callable[[str, BaseException], None],
    ) -> None:
        self._name = name
        self._bootstrap = bootstrap
        self._inputs = inputs
        self._state_topic = state_topic
        self._make = make
        self._die = die
        self._owned: dict[int, _Owned] = {}
        self._consumer: AIOKafkaConsumer

    @property
    def owned(self) -> frozenset[int]:
        """Lanes that are rebuilt and at work."""
        return frozenset(self._owned)

    async def run(self, instance: str, health: Health, stop: asyncio.Event) -> None:
        """Consume until ``stop``; beats on every round, ready once the group has assigned lanes."""
        health.problem("lanes", "waiting for lanes")
        self._consumer = kafka.reader(
            self._bootstrap,
            group_id=f"sinergi-{self._name}",
            group_instance_id=f"{self._name}-{instance}",
            session_timeout_ms=kafka.SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=1_000,
            # The default round robin splits lanes over members (tried; architecture, 2).
            partition_assignment_strategy=(RangePartitionAssignor,),
            fetch_max_wait_ms=POLL_MS,
        )
        self._consumer.subscribe(list(self._inputs), listener=self)
        await self._consumer.start()
        try:
            while not stop.is_set():
                batch = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_BATCH)
                await self._run_batch(batch)
                health.beat("lanes")
                health.problem("lanes", None if self._owned else "waiting for lanes")
        finally:
            await self._consumer.stop()
            await self._release()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go of every lane: the group is about to deal anew."""
        del revoked
        await self._release()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Fence, rebuild and seek each lane; aiokafka only logs an error here, so it ends the process."""
        try:
            lanes = whole_lanes(assigned, self._inputs)
            await asyncio.gather(*(self._take(lane) for lane in lanes))
        except Exception as error:  # noqa: BLE001 - whatever it is, going on would lose records
            self._die("assignment", error)

    async def publish(
        self, number: int, outgoing: Iterable[Outgoing], committed: Callable[[], None] = lambda: None
    ) -> bool:
        """Publish in a transaction of its own; ``False`` when the lane is not ours any more.

        ``committed`` is called before the lane's next transaction can begin, so that what a lane
        remembers is never older than what it has written.
        """
        owned = self._owned.get(number)
        if owned is None:
            return False
        async with owned.lock:
            if self._owned.get(number) is not owned:
                return False
            await self._transact(number, owned, list(outgoing), {})
            committed()
        return True

    async def _release(self) -> None:
        released = list(self._owned.values())
        self._owned.clear()
        for owned in released:
            async with owned.lock:  # the transaction in hand ends first
                await owned.producer.stop()

    async def _take(self, number: int) -> None:
        producer = await self._fence(number)
        lane = self._make(number)
        await self._rebuild(number, lane)
        next_offset = {}
        for topic in self._inputs:
            place = TopicPartition(topic, number)
            committed = await self._consumer.committed(place)
            if committed is None:
                committed = (await self._consumer.beginning_offsets([place]))[place]
            # Always: records reach us before this callback has ended (aiokafka #738).
            self._consumer.seek(place, committed)
            next_offset[place] = committed
        self._owned[number] = _Owned(lane, producer, next_offset)

    async def _fence(self, number: int) -> AIOKafkaProducer:
        producer = guarded(
            kafka.producer(
                self._bootstrap,
                transactional_id=f"{self._name}-{number}",
                transaction_timeout_ms=kafka.TRANSACTION_TIMEOUT_MS,
            )
        )
        await producer.start()
        return producer

    async def _rebuild(self, number: int, lane: Lane) -> None:
        place = TopicPartition(self._state_topic, number)
        reader = kafka.reader(self._bootstrap)
        await reader.start()
        try:
            reader.assign([place])
            await reader.seek_to_beginning(place)
            end = (await reader.end_offsets([place]))[place]
            while await reader.position(place) < end:
                for record in (await reader.getmany(place, timeout_ms=200)).get(place, []):
                    lane.restore(record)
        finally:
            await reader.stop()

    async def _run_batch(self, batch: dict[TopicPartition, list[Record]]) -> None:
        by_lane: dict[int, list[Record]] = {}
        for place, records in batch.items():
            by_lane.setdefault(place.partition, []).extend(records)
        await asyncio.gather(*(self._run_lane(lane, records) for lane, records in by_lane.items()))

    async def _run_lane(self, number: int, records: list[Record]) -> None:
        owned = self._owned.get(number)
        if owned is None:
            return
        async with owned.lock:
            fresh = [record for record in records if record.offset >= owned.next_offset[_place(record)]]
            if not fresh or self._owned.get(number) is not owned:
                return
            offsets = {_place(record): record.offset + 1 for record in fresh}
            await self._transact(number, owned, list(owned.lane.work(fresh)), offsets)
            owned.next_offset.update(offsets)

    async def _transact(
        self, number: int, owned: _Owned, outgoing: list[Outgoing], offsets: dict[TopicPartition, int]
    ) -> None:
        async with owned.producer.transaction():
            for out in outgoing:
                await owned.producer.send(
                    out.topic, out.value, key=out.key, partition=out.partition, headers=list(out.headers)
                )
            if offsets:
                await owned.producer.send_offsets_to_transaction(offsets, f"sinergi-{self._name}")
        if tainted(owned.producer):
            await owned.producer.stop()
            owned.producer = await self._fence(number)


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def whole_lanes(assigned: Iterable[TopicPartition], inputs: tuple[str, ...]) -> frozenset[int]:
    """Return the lanes in an assignment; raise ``ValueError`` when it splits one over members."""
    topics_of: dict[int, set[str]] = {}
    for place in assigned:
        topics_of.setdefault(place.partition, set()).add(place.topic)
    split = sorted(lane for lane, topics in topics_of.items() if topics != set(inputs))
    if split:
        raise ValueError(f"lanes {split} are split over members; every member needs the range assignor")
    return frozenset(topics_of)


def guarded(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    """Mark a producer when a transactional request's fate is unknown, so that it is replaced.

    A late request could otherwise commit or abort the next transaction (Jepsen on Bufstream, 2024);
    a new producer with the same id raises the epoch and fences it. Needs aiokafka 0.14's
    ``client.send``.
    """
    send = producer.client.send

    async def watched(node: Any, request: Any, **more: Any) -> Any:  # noqa: ANN401 - aiokafka's own types
        try:
            return await send(node, request, **more)
        except Exception:
            if isinstance(request, _OF_A_TRANSACTION):
                producer.client.sinergi_tainted = True
            raise

    producer.client.send = watched
    producer.client.sinergi_tainted = False
    return producer


def tainted(producer: AIOKafkaProducer) -> bool:
    """Return whether a transactional request of this producer may still be under way."""
    return bool(producer.client.sinergi_tainted)
