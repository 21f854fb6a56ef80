"""aiokafka's consumer, producer and admin as far as the lanes use them, on the model of a broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.producer.sender import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
    TxnOffsetCommitRequest,
)
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import (
    HeartbeatRequest,
    JoinGroupRequest,
    LeaveGroupRequest,
    SyncGroupRequest,
)
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import OffsetAndMetadata

from tests.chaos.sim.network import REQUEST_TIMEOUT_S, Client, NetworkLostError, World, process
from tests.kit.group_answers import FencedError, MemberIdRequired

HEARTBEAT_S: Final = 1.0
PRODUCER_PAUSE_S: Final = 0.02
CONSUMER_PAUSE_S: Final = 0.1


class Batch:
    """aiokafka's batch builder; big enough for whatever a test writes."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []

    def append(self, *, key: bytes | None, value: bytes | None, **_more: Any) -> object:
        self.records.append((key, value))
        return self


@dataclass(frozen=True, slots=True)
class _Waiting:
    place: TopicPartition
    sequence: int
    batch: Batch
    delivered: asyncio.Future[None]


class Producer:
    """A transactional producer; like aiokafka it repeats a request until it is answered."""

    def __init__(self, world: World, name: str, timeout_ms: int) -> None:
        self._broker = world.broker
        self._world = world
        self._name = name
        self._timeout_s = timeout_ms / 1000
        self._epoch = -1
        self._sequence = count()
        self._added: set[TopicPartition] = set()
        self._waiting: list[_Waiting] = []
        self._delivering: asyncio.Task[None] | None = None
        self.client = Client(world)

    async def start(self) -> None:
        ask = partial(self._broker.init_producer, self._name, self._timeout_s)
        self._epoch = await self.client.repeated(InitProducerIdRequest, ask, PRODUCER_PAUSE_S)
        self._world.told(f"{process.get().name}: {self._name} has epoch {self._epoch}")

    async def stop(self) -> None:
        if self._delivering is not None:
            self._delivering.cancel()

    async def begin_transaction(self) -> None:
        self._added = set()

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        delivered = asyncio.get_running_loop().create_future()
        place = TopicPartition(topic, partition)
        self._waiting.append(_Waiting(place, next(self._sequence), batch, delivered))
        if self._delivering is None or self._delivering.done():
            self._delivering = asyncio.create_task(self._deliver())
        return delivered

    async def _deliver(self) -> None:
        """Send what waits, one request at a time."""
        while self._waiting:
            sending, self._waiting = self._waiting, []
            try:
                await self._add({one.place for one in sending} - self._added)
                await self.client.repeated(
                    ProduceRequest, partial(self._produce, self._epoch, sending), PRODUCER_PAUSE_S
                )
            except KafkaError as error:
                for one in sending:
                    one.delivered.set_exception(error)
                    one.delivered.exception()  # who has died awaits it no more
            else:
                for one in sending:
                    one.delivered.set_result(None)

    async def _add(self, places: set[TopicPartition]) -> None:
        if places:
            ask = partial(self._broker.add_partitions, self._name, self._epoch, places)
            await self.client.repeated(AddPartitionsToTxnRequest, ask, PRODUCER_PAUSE_S)
            self._added |= places

    def _produce(self, epoch: int, sending: Iterable[_Waiting]) -> None:
        for one in sending:
            self._broker.produce(self._name, epoch, one.sequence, one.place, one.batch.records)

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        broker, me = self._broker, (self._name, self._epoch, group)
        await self.client.repeated(AddOffsetsToTxnRequest, partial(broker.add_offsets, *me), PRODUCER_PAUSE_S)
        commit = partial(broker.commit_offsets, *me, dict(offsets))
        await self.client.repeated(TxnOffsetCommitRequest, commit, PRODUCER_PAUSE_S)

    async def commit_transaction(self) -> None:
        if self._delivering is not None:
            await self._delivering
        end = partial(self._broker.end_transaction, self._name, self._epoch, commit=True)
        await self.client.repeated(EndTxnRequest, end, PRODUCER_PAUSE_S)


@dataclass(frozen=True, slots=True)
class _Coordinator:
    """What the lanes need of aiokafka's."""

    reset_generation: Callable[[], None]


class Consumer:
    """A consumer, in a group or on its own."""

    def __init__(self, world: World, **more: Any) -> None:
        self._world = world
        self._broker = world.broker
        self._client = Client(world)
        self._coordinator = _Coordinator(self._joins_anew)
        self._group_id: str | None = more.get("group_id")
        self._instance: str | None = more.get("group_instance_id")
        self._assignor = more.get("partition_assignment_strategy", (RangePartitionAssignor,))[0]
        self._topics: tuple[str, ...] = ()
        self._listener: Any = None
        self._member_id = ""
        self._generation = -1
        self._to_deal: dict[str, tuple[str, ...]] = {}  # the members' topics, when this one leads
        self._rejoin = asyncio.Event()
        self._places: list[TopicPartition] = []
        self._positions: dict[TopicPartition, int] = {}
        self._error: KafkaError | None = None
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self._topics, self._listener = tuple(topics), listener

    async def start(self) -> None:
        await self._client.asked(MetadataRequest, _nothing)
        if self._group_id is not None:
            self._task = asyncio.create_task(self._coordinate())

    async def stop(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        if self._instance is None:
            leave = partial(self._broker.group.leave, self._member_id)
            with suppress(KafkaError):
                await self._client.asked(LeaveGroupRequest, leave)

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._places = list(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    async def seek_to_beginning(self, *places: TopicPartition) -> None:
        self._positions.update(dict.fromkeys(places, 0))

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._offsets(lambda: dict.fromkeys(places, 0))

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """With read_committed the end is the last stable offset."""
        return await self._offsets(lambda: {place: self._broker.stable_end(place) for place in places})

    async def _offsets(self, ask: Callable[[], dict[TopicPartition, int]]) -> dict[TopicPartition, int]:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                found: dict[TopicPartition, int] = await self._client.repeated(
                    OffsetRequest, ask, CONSUMER_PAUSE_S
                )
                return found
        except TimeoutError:
            raise KafkaTimeoutError from None

    async def position(self, place: TopicPartition) -> int:
        if place not in self._positions:
            self._positions[place] = await self.committed(place) or 0
        return self._positions[place]

    async def committed(self, place: TopicPartition) -> int | None:
        ask = partial(self._broker.committed, self._group_id or "")
        found = (await self._client.repeated(OffsetFetchRequest, ask, CONSUMER_PAUSE_S)).get(place)
        return None if found is None else found.offset

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Any]]:
        if self._error is not None:
            raise self._error
        until = self._world.now + timeout_ms / 1000
        wanted = [place for place in places or self._places if place in self._places]
        asked = {place: await self.position(place) for place in wanted}
        fetched: dict[TopicPartition, tuple[list[Any], int]] = {}
        with suppress(NetworkLostError):
            fetched = await self._client.asked(FetchRequest, partial(self._read, asked, max_records or 500))
        found: dict[TopicPartition, list[Any]] = {}
        for place, (records, at) in fetched.items():
            if self._positions.get(place) == asked[place]:  # else it was dealt or sought anew meanwhile
                self._positions[place] = at
                found |= {place: records} if records else {}
        if not found:  # a fetch waits at the broker for what may come
            await asyncio.sleep(max(0.0, until - self._world.now))
        return found

    def _read(self, asked: Mapping[TopicPartition, int], most: int) -> dict[TopicPartition, Any]:
        found = {}
        for place, at in asked.items():  # the limit is one for all, as aiokafka's
            found[place] = self._broker.read(place, at, most)
            most -= len(found[place][0])
        return found

    async def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        assert self._group_id is not None
        told = {
            place: one if isinstance(one, OffsetAndMetadata) else OffsetAndMetadata(one, "")
            for place, one in offsets.items()
        }
        while True:
            commit = partial(self._broker.commit, self._group_id, self._member_id, self._generation, told)
            try:
                await self._client.asked(OffsetCommitRequest, commit)
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
                self._put_out(error)
                raise CommitFailedError(str(error)) from error
            except NetworkLostError:  # like aiokafka it repeats the request, in the name it has by then
                await asyncio.sleep(CONSUMER_PAUSE_S)
            else:
                return

    async def _coordinate(self) -> None:
        while True:
            try:
                self._places, self._positions = await self._dealt(), {}
            except FencedError as error:
                self._error = error
                return
            what = ", ".join(sorted(f"{place.topic}/{place.partition}" for place in self._places))
            self._world.told(f"{process.get().name}: generation {self._generation} gives {what or 'nothing'}")
            await self._listener.on_partitions_assigned(self._places)
            beating = asyncio.create_task(self._beat())  # also while lanes are let go
            await self._rejoin.wait()
            await self._listener.on_partitions_revoked(self._places)
            self._places = []
            beating.cancel()

    async def _dealt(self) -> list[TopicPartition]:
        """Join until the group has dealt; like aiokafka it begins anew whatever went wrong."""
        while True:
            try:
                await self._join()
                return await self._sync()
            except MemberIdRequired as told:
                self._member_id = told.member_id
                continue
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
                self._put_out(error)
            except NetworkLostError:
                pass
            await asyncio.sleep(CONSUMER_PAUSE_S)

    async def _join(self) -> None:
        join = partial(self._broker.group.join, self._member_id, self._instance, self._topics)
        joined = await self._client.asked(JoinGroupRequest, join)
        self._member_id, self._generation = joined.member_id, joined.generation
        self._to_deal = joined.members

    async def _sync(self) -> list[TopicPartition]:
        self._rejoin.clear()
        me = self._member_id, self._instance, self._generation
        sync = partial(self._broker.group.sync, *me, self._deal() if self._to_deal else {})
        return list(await self._client.asked(SyncGroupRequest, sync) or ())

    async def _beat(self) -> None:
        """Send heartbeats for as long as the group knows this member."""
        pause_s = HEARTBEAT_S
        while self._member_id:
            await asyncio.sleep(pause_s)
            beat = partial(self._broker.group.heartbeat, self._member_id, self._generation)
            try:
                await self._client.asked(HeartbeatRequest, beat)
            except NetworkLostError:
                pause_s = CONSUMER_PAUSE_S
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
                self._put_out(error)
            else:
                pause_s = HEARTBEAT_S

    def _put_out(self, error: KafkaError) -> None:
        """Join anew; under another id unless the group is only about to deal."""
        if isinstance(error, RebalanceInProgressError):
            self._rejoin.set()
        else:
            self._joins_anew()

    def _joins_anew(self) -> None:
        self._member_id, self._generation = "", -1
        self._rejoin.set()

    def _deal(self) -> dict[str, list[TopicPartition]]:
        told = {
            one: ConsumerProtocolMemberMetadata(0, list(names), b"") for one, names in self._to_deal.items()
        }
        dealt = self._assignor.assign(_Partitions(self._world.lanes), told)
        return {
            one: [TopicPartition(topic, number) for topic, numbers in found.assignment for number in numbers]
            for one, found in dealt.items()
        }


@dataclass(frozen=True, slots=True)
class _Partitions:
    """What an assignor asks of a cluster, where all topics that are dealt have the same number."""

    count: int

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(range(self.count))


class Admin:
    """The one question that lanes ask."""

    def __init__(self, world: World) -> None:
        self._broker = world.broker
        self._client = Client(world)

    async def list_consumer_group_offsets(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        found: dict[TopicPartition, OffsetAndMetadata] = await self._client.asked(
            OffsetFetchRequest, partial(self._broker.committed, group)
        )
        return found


@asynccontextmanager
async def administering(world: World) -> AsyncIterator[Admin]:
    """Connect."""
    yield Admin(world)


def _nothing() -> None:
    pass
