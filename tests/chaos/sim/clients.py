"""aiokafka's consumer, producer and admin as far as the lanes use them, on the model of a broker.

Every call of the broker is a point at which the seed may kill or freeze the caller, and at which a
transaction's request may be lost, answered too late or carried out too late.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    RequestTimedOutError,
    UnknownMemberIdError,
)
from aiokafka.producer.sender import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    TxnOffsetCommitRequest,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.structs import OffsetAndMetadata

from tests.chaos.sim.broker import Broker, FencedError, Member

REQUEST_TIMEOUT_S: Final = 5.0
HEARTBEAT_S: Final = 1.0

process: ContextVar["Process"] = ContextVar("process")


class NetworkLostError(RequestTimedOutError):  # type: ignore[misc] # aiokafka ships no types
    """No answer came: carried out or not, nobody knows."""


@dataclass(slots=True)
class Odds:
    """How likely each mischief is at a call, in a thousand; ``left`` mischiefs of a run at most."""

    kill: float = 3.0
    freeze: float = 1.0
    unanswered: float = 25.0  # of a request that commits: carried out, but the answer is lost
    late: float = 25.0  # of such a request: carried out when nobody waits for it any more
    left: int = 4


@dataclass(slots=True)
class World:
    """The broker, the seed and what has happened."""

    broker: Broker
    draw: Random
    odds: Odds
    trace: list[str] = field(default_factory=list)
    faults: int = 0
    under_way: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()

    def told(self, what: str) -> None:
        """Note something for whoever must understand a failing seed."""
        self.trace.append(f"{self.now:8.3f} {what}")

    def strikes(self, in_a_thousand: float) -> bool:
        """Return whether a mischief happens here."""
        if self.odds.left <= 0 or self.draw.uniform(0, 1000) >= in_a_thousand:
            return False
        self.odds.left -= 1
        self.faults += 1
        return True


class Process:
    """One process: dead for good, or frozen until a time; its calls then go nowhere, or wait."""

    def __init__(self, world: World, name: str, died: Callable[["Process"], None]) -> None:
        self.world = world
        self.name = name
        self.dead = False
        self._frozen_until = 0.0
        self._died = died

    def die(self, why: str) -> None:
        """End like kill -9: no goodbye, no ``finally``."""
        if not self.dead:
            self.dead = True
            self.world.told(f"{self.name} dies: {why}")
            self._died(self)

    async def point(self, what: str) -> None:
        """Stand before a call of the broker."""
        world = self.world
        await asyncio.sleep(world.draw.uniform(0.0005, 0.02))
        if not self.dead and world.strikes(world.odds.kill):
            self.die(f"killed before {what}")
        elif not self.dead and world.strikes(world.odds.freeze):
            self._frozen_until = world.now + world.draw.uniform(2, 14)
            world.told(f"{self.name} freezes before {what}, until {self._frozen_until:.3f}")
        while self._frozen_until > world.now and not self.dead:  # noqa: ASYNC110 - it is time that thaws
            await asyncio.sleep(self._frozen_until - world.now)
        if self.dead:
            await asyncio.get_running_loop().create_future()  # never again


class Client:
    """What the guards watch: what a producer sends, and a consumer commits, goes through ``send``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.cluster = ClusterMetadata()

    async def set_topics(self, _topics: Iterable[str]) -> None:
        """Nothing: the model knows all topics."""

    async def send(self, carried_out: Callable[[], None], request: Any) -> None:
        """Carry a request out; ``carried_out`` does it on the broker."""
        world, me = self._world, process.get()
        await me.point(type(request).__name__)
        if world.strikes(world.odds.unanswered):
            world.told(f"{me.name}: no answer to {type(request).__name__}")
            carried_out()
            await asyncio.sleep(REQUEST_TIMEOUT_S)
            raise NetworkLostError
        if world.strikes(world.odds.late):
            world.told(f"{me.name}: {type(request).__name__} is held up")
            late = asyncio.create_task(self._later(carried_out, type(request).__name__, me.name))
            world.under_way.add(late)
            await asyncio.sleep(REQUEST_TIMEOUT_S)
            raise NetworkLostError
        carried_out()
        await me.point(f"the answer to {type(request).__name__}")

    async def _later(self, carried_out: Callable[[], None], what: str, name: str) -> None:
        await asyncio.sleep(REQUEST_TIMEOUT_S + self._world.draw.uniform(0.01, 0.4))
        try:
            carried_out()
        except KafkaError as error:
            self._world.told(f"{name}: late {what} refused, {type(error).__name__}")
        else:
            self._world.told(f"{name}: late {what} carried out")


class Batch:
    """aiokafka's batch builder; big enough for whatever a test writes."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes | None]] = []

    def append(self, *, key: bytes | None, value: bytes | None, **_more: Any) -> object:
        self.records.append((key, value))
        return self


class Producer:
    """A transactional producer; like aiokafka it repeats a request until it is answered."""

    def __init__(self, world: World, name: str, timeout_ms: int) -> None:
        self._world = world
        self._name = name
        self._timeout_s = timeout_ms / 1000
        self._epoch = -1
        self._sequence = count()
        self._added: set[TopicPartition] = set()
        self._sending: list[asyncio.Task[None]] = []
        self._turn = asyncio.Lock()
        self._in_order: defaultdict[TopicPartition, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.client = Client(world)

    async def start(self) -> None:
        await process.get().point("InitProducerId")
        self._epoch = self._world.broker.init_producer(self._name, self._timeout_s)
        self._world.told(f"{process.get().name}: {self._name} has epoch {self._epoch}")

    async def stop(self) -> None:
        for task in self._sending:
            task.cancel()

    async def begin_transaction(self) -> None:
        self._added = set()

    def create_batch(self) -> Batch:
        return Batch()

    async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> asyncio.Task[None]:
        task = asyncio.create_task(self._deliver(batch, TopicPartition(topic, partition)))
        self._sending.append(task)
        return task

    async def _deliver(self, batch: Batch, place: TopicPartition) -> None:
        async with self._in_order[place]:
            await self._produce(batch, place)

    async def _produce(self, batch: Batch, place: TopicPartition) -> None:
        broker, name, epoch, sequence = self._world.broker, self._name, self._epoch, next(self._sequence)
        async with self._turn:
            if place not in self._added:
                await self._answered(
                    lambda: broker.add_partitions(name, epoch, [place]), AddPartitionsToTxnRequest
                )
                self._added.add(place)
        await process.get().point("Produce")
        broker.produce(name, epoch, sequence, place, batch.records)

    async def send_offsets_to_transaction(self, offsets: Mapping[TopicPartition, int], group: str) -> None:
        broker, name, epoch, told = self._world.broker, self._name, self._epoch, dict(offsets)
        await self._answered(lambda: broker.add_offsets(name, epoch, group), AddOffsetsToTxnRequest)
        await self._answered(lambda: broker.commit_offsets(name, epoch, group, told), TxnOffsetCommitRequest)

    async def commit_transaction(self) -> None:
        await asyncio.gather(*self._sending)
        self._sending = []
        broker, name, epoch = self._world.broker, self._name, self._epoch
        await self._answered(lambda: broker.end_transaction(name, epoch, commit=True), EndTxnRequest)

    async def _answered(self, carried_out: Callable[[], None], request: type) -> None:
        while True:
            try:
                await self.client.send(carried_out, object.__new__(request))
            except NetworkLostError:
                await asyncio.sleep(0.02)
            else:
                return


class Consumer:
    """A consumer, in a group or on its own."""

    def __init__(self, world: World, **more: Any) -> None:
        self._world = world
        self._client = Client(world)
        self._group_id: str | None = more.get("group_id")
        self._instance: str | None = more.get("group_instance_id")
        self._assignor = more.get("partition_assignment_strategy", (RangePartitionAssignor,))[0]
        self._topics: list[str] = []
        self._listener: Any = None
        self._member: Member | None = None
        self._generation = -1
        self._places: list[TopicPartition] = []
        self._positions: dict[TopicPartition, int] = {}
        self._error: KafkaError | None = None
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, topics: list[str], listener: Any) -> None:
        self._topics, self._listener = topics, listener

    async def start(self) -> None:
        await process.get().point("Metadata")
        if self._group_id is not None:
            self._task = asyncio.create_task(self._coordinate())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._member is not None:
            await process.get().point("LeaveGroup")
            self._world.broker.leave(self._member)

    def assign(self, places: Iterable[TopicPartition]) -> None:
        self._places = list(places)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    async def seek_to_beginning(self, *places: TopicPartition) -> None:
        self._positions.update(dict.fromkeys(places, 0))

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        await process.get().point("ListOffsets")
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """With read_committed the end is the last stable offset."""
        await process.get().point("ListOffsets")
        return {place: self._world.broker.stable_end(place) for place in places}

    async def position(self, place: TopicPartition) -> int:
        if place not in self._positions:
            self._positions[place] = await self.committed(place) or 0
        return self._positions[place]

    async def committed(self, place: TopicPartition) -> int | None:
        await process.get().point("OffsetFetch")
        found = self._world.broker.committed(self._group_id or "").get(place)
        return None if found is None else found.offset

    async def getmany(
        self, *places: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Any]]:
        world, until = self._world, self._world.now + timeout_ms / 1000
        while True:
            await process.get().point("Fetch")
            if self._error is not None:
                raise self._error
            found = {}
            for place in places or tuple(self._places):
                if place in self._places:
                    records, at = world.broker.read(place, await self.position(place), max_records or 500)
                    self._positions[place] = at
                    if records:
                        found[place] = records
            if found or world.now >= until:
                return found
            await asyncio.sleep(max(0.0, min(0.05, until - world.now)))

    async def commit(self, offsets: Mapping[TopicPartition, Any]) -> None:
        told = {
            place: one if isinstance(one, OffsetAndMetadata) else OffsetAndMetadata(one, "")
            for place, one in offsets.items()
        }
        assert self._group_id is not None
        assert self._member is not None
        while True:
            carry_out = partial(
                self._world.broker.commit, self._group_id, self._member, self._generation, told
            )
            try:
                await self._client.send(carry_out, object.__new__(OffsetCommitRequest))
            except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError) as error:
                raise CommitFailedError(str(error)) from error
            except NetworkLostError:  # like aiokafka it repeats the request
                await asyncio.sleep(0.1)
            else:
                return

    async def _coordinate(self) -> None:
        me, broker = process.get(), self._world.broker
        while True:
            await me.point("JoinGroup")
            await self._join()
            while broker.rebalancing_since is not None or self._gone():
                await asyncio.sleep(0.05)
                await me.point("SyncGroup")
                if self._gone():
                    await self._join()
            assert self._member is not None
            self._member.heard_at = self._world.now
            self._generation, self._places = broker.generation, list(self._member.places)
            self._positions = {}
            self._world.told(f"{me.name}: generation {self._generation} gives {_short(self._places)}")
            await self._listener.on_partitions_assigned(self._places)
            if not await self._stays():
                return
            await self._listener.on_partitions_revoked(self._places)
            self._places = []

    async def _join(self) -> None:
        if self._member is None or self._gone():
            self._member = Member("", self._instance, tuple(self._topics), self._deal, self._world.now)
            self._world.broker.join(self._member)
        else:
            self._world.broker.rejoin(self._member)

    def _gone(self) -> bool:
        return self._member is None or self._member.id not in self._world.broker.members

    async def _stays(self) -> bool:
        """Send heartbeats until the group deals anew; ``False`` when another took this member's place."""
        me = process.get()
        assert self._member is not None
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await me.point("Heartbeat")
            try:
                self._world.broker.heartbeat(self._member, self._generation)
            except FencedError as error:
                self._error = error
                return False
            except (RebalanceInProgressError, UnknownMemberIdError, IllegalGenerationError):
                return True

    def _deal(
        self, topics: Mapping[str, tuple[str, ...]], partitions: Mapping[str, int]
    ) -> dict[str, list[TopicPartition]]:
        cluster = _Partitions(partitions)
        told = {one: ConsumerProtocolMemberMetadata(0, list(names), b"") for one, names in topics.items()}
        dealt = self._assignor.assign(cluster, told)
        return {
            one: [TopicPartition(topic, number) for topic, numbers in found.assignment for number in numbers]
            for one, found in dealt.items()
        }


@dataclass(frozen=True, slots=True)
class _Partitions:
    counts: Mapping[str, int]

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(self.counts[topic]))


class Admin:
    """The one question that lanes ask."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def list_consumer_group_offsets(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        await process.get().point("OffsetFetch")
        return self._world.broker.committed(group)


@asynccontextmanager
async def administering(world: World) -> AsyncIterator[Admin]:
    """Connect."""
    yield Admin(world)


def _short(places: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted(f"{place.topic}/{place.partition}" for place in places)) or "nothing"
