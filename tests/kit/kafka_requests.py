"""The requests of a transaction sent one by one to a real Kafka, as aiokafka 0.14 words them.

Its producer would never send them in a wrong order, or for an owner that is gone: courses do.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
    TxnOffsetCommitRequest,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder

_AGAIN_S = 0.02
_AGAIN = (
    errors.ConcurrentTransactions,
    errors.CoordinatorLoadInProgressError,
    errors.CoordinatorNotAvailableError,
    errors.NotCoordinatorError,
    errors.NodeNotReadyError,
    errors.NotEnoughReplicasError,  # how a produce is told to wait for the last transaction's end,
    errors.NotLeaderForPartitionError,  # the topic is new
    errors.UnknownTopicOrPartitionError,
    errors.LeaderNotAvailableError,
)


class Requests:
    """One connection; producers are told apart by transactional id, number and epoch."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client = AIOKafkaClient(bootstrap_servers=bootstrap)
        self._coordinators: dict[tuple[int, str], int] = {}

    async def start(self, topics: Iterable[str]) -> None:
        """Connect, and learn who leads these topics."""
        await self._client.bootstrap()
        await self._client.set_topics(set(topics))

    async def stop(self) -> None:
        """Disconnect."""
        await self._client.close()

    async def init(self, name: str, timeout_s: float) -> tuple[int, int]:
        """Return the producer's number and epoch."""
        request = InitProducerIdRequest(name, int(timeout_s * 1000))
        answer = await self._until_ready(name, request, lambda answer: [answer.error_code])
        return answer.producer_id, answer.producer_epoch

    async def add_partitions(self, name: str, owner: tuple[int, int], place: TopicPartition) -> None:
        """Make a partition part of the transaction, which thereby begins."""
        request = AddPartitionsToTxnRequest(name, *owner, [(place.topic, [place.partition])])
        await self._until_ready(name, request, _of_places)

    async def produce(
        self, name: str, owner: tuple[int, int], sequence: int, place: TopicPartition, value: bytes
    ) -> None:
        """Publish one record; ``sequence`` counts the records of this owner and partition."""
        batch = DefaultRecordBatchBuilder(2, 0, 1, *owner, sequence, 65_536)
        batch.append(0, timestamp=0, key=b"k", value=value, headers=[])
        request = ProduceRequest(
            transactional_id=name,
            required_acks=-1,
            timeout=5_000,
            topics=[(place.topic, [(place.partition, batch.build())])],
        )

        async def ask() -> Any:
            leader = self._client.cluster.leader_for_partition(place)
            if leader in {None, -1}:  # the topic is so new that it has none yet
                await self._client.force_metadata_update()
            return await self._client.send(leader, request)

        await _again_until_ready(ask, _of_one_place)

    async def add_offsets(self, name: str, owner: tuple[int, int], group: str) -> None:
        """Make the group's offsets part of the transaction."""
        request = AddOffsetsToTxnRequest(name, *owner, group)
        await self._until_ready(name, request, lambda answer: [answer.error_code])

    async def commit_offsets(
        self, name: str, owner: tuple[int, int], group: str, offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Put offsets into the transaction."""
        by_topic = defaultdict(list)
        for place, offset in offsets.items():
            by_topic[place.topic].append((place.partition, offset, ""))
        request = TxnOffsetCommitRequest(name, group, *owner, list(by_topic.items()))
        await self._until_ready(group, request, _of_places, CoordinationType.GROUP)

    async def end(self, name: str, owner: tuple[int, int], *, commit: bool) -> None:
        """Commit or abort what is open."""
        request = EndTxnRequest(name, *owner, commit)
        await self._until_ready(name, request, lambda answer: [answer.error_code])

    async def read(self, place: TopicPartition) -> tuple[int, list[tuple[int, bytes]]]:
        """Return the last stable offset, and offset and value of each record that is visible before it."""
        reader = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, isolation_level="read_committed")
        await reader.start()
        try:
            reader.assign([place])
            reader.seek(place, 0)
            end = (await reader.end_offsets([place]))[place]
            found = []
            while await reader.position(place) < end:
                records = (await reader.getmany(place, timeout_ms=200)).get(place, [])
                found += [(record.offset, record.value) for record in records]
            return end, found
        finally:
            await reader.stop()

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """Return the group's offsets."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(group)
            return {place: one.offset for place, one in found.items()}
        finally:
            await admin.close()

    async def _until_ready(self, key, request, codes, kind=CoordinationType.TRANSACTION):
        async def ask():
            node = await self._coordinator(kind, key)
            return await self._client.send(node, request, group=ConnectionGroup.COORDINATION)

        return await _again_until_ready(ask, codes)

    async def _coordinator(self, kind: int, key: str) -> int:
        if (kind, key) not in self._coordinators:
            self._coordinators[kind, key] = await self._client.coordinator_lookup(kind, key)
        return self._coordinators[kind, key]


async def _again_until_ready(ask, codes):
    """Ask until the last transaction's end is written everywhere, as the client does."""
    while True:
        try:
            answer = await ask()
            _raise_any(codes(answer))
        except _AGAIN:
            await asyncio.sleep(_AGAIN_S)
        else:
            return answer


def _of_one_place(answer):
    [(_, [(_, code, *_)])] = answer.topics
    return [code]


def _of_places(answer):
    return [code for _, places in answer.errors for _, code in places]


def _raise_any(codes):
    for code in codes:
        error = errors.for_code(code)
        if error is errors.InvalidProducerEpoch:
            raise errors.ProducerFenced  # as aiokafka tells it
        if error is not errors.NoError:
            raise error
