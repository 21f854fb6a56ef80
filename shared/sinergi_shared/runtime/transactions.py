"""One lane's transactions: what is gathered, and the guard against a commit that comes too late.

aiokafka 0.14 passes no member or generation with the offsets, so a zombie is fenced by its
transactional id alone: one stable id a lane, never one a process (reliability, 1.1).
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.producer.sender import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    TxnOffsetCommitRequest,
)

from sinergi_shared.runtime import kafka

MAX_BATCH_BYTES: Final = 1_000_000
"""Nearly what a topic takes: a partition's batches go one by one, and a lane's jobs are megabytes."""
LONGEST_S: Final = kafka.TRANSACTION_TIMEOUT_MS / 1000 + 1
"""By then Kafka has aborted the transaction: waiting on for a broker that does not answer is in vain."""


_OF_A_TRANSACTION: Final = (
    EndTxnRequest,
    AddPartitionsToTxnRequest,
    AddOffsetsToTxnRequest,
    TxnOffsetCommitRequest,
)


class Outgoing(NamedTuple):
    """A record to publish in the lane's transaction; ``partition`` is explicit for lane topics."""

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


class Transactions:
    """A producer with a stable id; records and offsets are added, then committed together."""

    def __init__(self, bootstrap: list[str], transactional_id: str, group: str) -> None:
        self._bootstrap = bootstrap
        self._id = transactional_id
        self._group = group
        self._opened_at: float | None = None
        self._offsets: dict[TopicPartition, int] = {}
        self._sent: list[asyncio.Future[Any]] = []  # what is under way, and may still fail
        self._known: set[str] = set()  # topics that the client asks for
        self._producer: AIOKafkaProducer

    async def start(self) -> None:
        """Fence every earlier owner of the id; what it had left open is aborted."""
        self._producer = guarded(
            kafka.producer(
                await kafka.answering(self._bootstrap),
                transactional_id=self._id,
                transaction_timeout_ms=kafka.TRANSACTION_TIMEOUT_MS,
                max_batch_size=MAX_BATCH_BYTES,
            )
        )
        try:
            await self._producer.start()
        except BaseException:  # also when the lane is let go before Kafka answers
            await self._producer.stop()
            raise
        self._known = set()

    async def stop(self) -> None:
        """Leave; an open transaction is aborted."""
        await self._producer.stop()

    def open_for(self) -> float | None:
        """Return for how many seconds the transaction has been gathering; nothing when none is open."""
        if self._opened_at is None:
            return None
        return asyncio.get_running_loop().time() - self._opened_at

    async def add(self, outgoing: Iterable[Outgoing], offsets: Mapping[TopicPartition, int]) -> None:
        """Add records, and the offsets up to which they are the outcome of their input.

        Raise ``TimeoutError``, as ``commit`` does, when the transaction is older than ``LONGEST_S``.
        """
        if self._opened_at is None:
            await self._producer.begin_transaction()
            self._opened_at = asyncio.get_running_loop().time()
        async with asyncio.timeout_at(self._opened_at + LONGEST_S):
            await self._send_all(outgoing)
        self._offsets.update(offsets)

    async def _send_all(self, outgoing: Iterable[Outgoing]) -> None:
        by_place: dict[tuple[str, int], list[Outgoing]] = {}
        for out in outgoing:
            by_place.setdefault((out.topic, out.partition), []).append(out)
        await self._know({topic for topic, _ in by_place})
        for (topic, partition), records in by_place.items():
            await self._send(topic, partition, records)

    async def commit(self) -> None:
        """Commit what has been added since the last commit, if anything."""
        if self._opened_at is None:
            return
        async with asyncio.timeout_at(self._opened_at + LONGEST_S):
            for delivered in self._sent:
                await delivered  # the client would commit without what Kafka has refused
            # Only now: records that arrive while Kafka takes the offsets in hand are refused for a moment
            # (NOT_ENOUGH_REPLICAS), and all of them were sent again in every fifth transaction.
            if self._offsets:
                await self._producer.send_offsets_to_transaction(self._offsets, self._group)
            await self._producer.commit_transaction()
        self._opened_at, self._offsets, self._sent = None, {}, []
        if tainted(self._producer):
            await self._producer.stop()
            await self.start()

    async def _send(self, topic: str, partition: int, records: list[Outgoing]) -> None:
        # One batch a partition: a record at a time costs four times the processor (performance, 1).
        batch = self._producer.create_batch()
        for out in records:
            if _appended(batch, out) is None:
                self._sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                if _appended(batch, out) is None:
                    raise ValueError(f"a record for {topic} is larger than a batch may be")
        self._sent.append(await self._producer.send_batch(batch, topic, partition=partition))

    async def _know(self, topics: set[str]) -> None:
        """Make the client ask for these topics and all before: asked for a new one alone, it forgets others.

        What is then waiting for a forgotten topic's leader is dropped after 5 s, and whatever follows
        it to that topic is refused (aiokafka 0.14; seen when a topic is made while a lane is at work).
        """
        if not topics <= self._known:
            client = self._producer.client
            self._known = {*client.cluster.topics(), *self._known, *topics}
            await client.set_topics(self._known)


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


def _appended(batch: Any, out: Outgoing) -> Any:  # noqa: ANN401 - aiokafka's own types
    return batch.append(key=out.key, value=out.value, timestamp=None, headers=list(out.headers))
