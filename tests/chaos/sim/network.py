"""Between the processes and the broker: the one way for every request, and what befalls some of them.

A request is carried out at once, or never, or when nobody waits for it any more: perhaps after its
sender's death, and after another's transaction. Its sender dies of it, is frozen, is asked to stop, or
waits for an answer in vain.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Any, Final

from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaError, RequestTimedOutError
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

from tests.chaos.sim.broker import Broker

REQUEST_TIMEOUT_S: Final = 5.0
BROKEN_S: Final = 0.02
"""So soon a client learns that its connection is broken; what was under way may arrive all the same."""
LONGEST_HOLD_UP_S: Final = 10.0
MOST_MISCHIEFS: Final = 4
"""A record on which five processes in a row have died is convicted, and rightly so."""

LATE_ONES: Final = 12
COMMITTING: Final = {
    OffsetCommitRequest: 1,
    AddPartitionsToTxnRequest: 1,
    AddOffsetsToTxnRequest: 1,
    TxnOffsetCommitRequest: 1,
    EndTxnRequest: 4,
}
"""What may still arrive when nobody waits for it, and how often it is drawn."""
KINDS: Final = (
    MetadataRequest,
    FetchRequest,
    OffsetRequest,
    ProduceRequest,
    JoinGroupRequest,
    SyncGroupRequest,
    HeartbeatRequest,
    LeaveGroupRequest,
    OffsetFetchRequest,
    InitProducerIdRequest,
    *COMMITTING,
)

process: ContextVar["Process"] = ContextVar("process")


class NetworkLostError(RequestTimedOutError):  # type: ignore[misc] # aiokafka ships no types
    """No answer came: carried out or not, nobody knows."""


class Sender(Enum):
    """What becomes of the sender of a request."""

    DIES = "dies"
    FREEZES = "freezes"
    STOPS = "is asked to stop"
    WAITS = "waits in vain"


@dataclass(frozen=True, slots=True)
class Mischief:
    """What befalls the first request of a kind after a moment."""

    from_s: float
    kind: type
    arrives_after_s: float | None  # None: it is lost
    sender: Sender
    for_s: float  # so long the sender is frozen, or waits


def planned(draw: Random, within_s: float) -> list[Mischief]:
    """Draw what befalls requests of one schedule."""
    return [_mischief(draw, within_s) for _ in range(draw.randint(1, MOST_MISCHIEFS))]


def late(draw: Random, within_s: float) -> list[Mischief]:
    """Draw which commits arrive once more, after their senders have repeated them."""
    kinds = draw.choices(list(COMMITTING), list(COMMITTING.values()), k=LATE_ONES)
    return [
        Mischief(draw.uniform(0, within_s), kind, _held_up_s(draw), Sender.WAITS, BROKEN_S) for kind in kinds
    ]


def _held_up_s(draw: Random) -> float:
    return float(BROKEN_S * (LONGEST_HOLD_UP_S / BROKEN_S) ** draw.random())


def _mischief(draw: Random, within_s: float) -> Mischief:
    [sender] = draw.choices(list(Sender), (3, 2, 1, 6))
    waits_s = draw.choice((BROKEN_S, REQUEST_TIMEOUT_S))
    return Mischief(
        draw.uniform(0, within_s),
        draw.choice(KINDS),
        draw.choice((None, 0.0, _held_up_s(draw))),
        sender,
        draw.uniform(2, 14) if sender is Sender.FREEZES else waits_s,
    )


@dataclass(slots=True)
class World:
    """The broker, the seed and what has happened."""

    broker: Broker
    draw: Random
    plan: list[Mischief]
    lanes: int
    trace: list[str] = field(default_factory=list)
    struck: int = 0
    under_way: set[asyncio.Future[Any]] = field(default_factory=set)

    @property
    def now(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()

    def told(self, what: str) -> None:
        """Note something for whoever must understand a failing seed."""
        self.trace.append(f"{self.now:8.3f} {what}")

    def mischief(self, kind: type) -> Mischief | None:
        """Return what befalls a request of this kind now, if anything; it strikes once."""
        found = next((one for one in self.plan if one.kind is kind and one.from_s <= self.now), None)
        if found is not None:
            self.plan.remove(found)
            self.struck += 1
        return found


class Process:
    """One process: dead for good, or frozen until a time; its calls then go nowhere, or wait."""

    def __init__(self, world: World, name: str, died: Callable[[], None]) -> None:
        self.world = world
        self.name = name
        self.stop = asyncio.Event()
        self._dead = False
        self._thaws_at = 0.0
        self._died = died

    def die(self, why: str) -> None:
        """End like kill -9: no goodbye, no ``finally``."""
        if not self._dead:
            self._dead = True
            self.world.told(f"{self.name} dies: {why}")
            self._died()

    def freeze(self, for_s: float) -> None:
        """Stop until then; what others send it waits."""
        self._thaws_at = self.world.now + for_s

    async def alive(self) -> None:
        """Return while the process runs: later when it is frozen, never when it is dead."""
        while self._thaws_at > self.world.now and not self._dead:  # noqa: ASYNC110 - it is time that thaws
            await asyncio.sleep(self._thaws_at - self.world.now)
        if self._dead:
            await asyncio.get_running_loop().create_future()


class Client:
    """What the guards watch: whatever a consumer or producer asks of the broker goes through ``send``."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.cluster = ClusterMetadata()

    async def set_topics(self, _topics: object) -> None:
        """Nothing: the model knows all topics."""

    async def repeated(self, kind: type, ask: Callable[[], Any], pause_s: float) -> Any:
        """Send a request until there is an answer, as aiokafka does."""
        while True:
            try:
                return await self.asked(kind, ask)
            except NetworkLostError:
                await asyncio.sleep(pause_s)

    async def asked(self, kind: type, ask: Callable[[], Any]) -> Any:
        """Send a request and return its answer; raise its refusal, or ``NetworkLostError``."""
        answer = await self.send(ask, object.__new__(kind))
        if isinstance(answer, KafkaError):
            raise answer
        return answer

    async def send(self, ask: Callable[[], Any], request: object) -> Any:
        """Have a request carried out, and return its answer or the refusal, as the real ``send`` does."""
        world, me, kind = self._world, process.get(), type(request)
        await asyncio.sleep(world.draw.uniform(0.0005, 0.02))
        await me.alive()
        mischief = world.mischief(kind)
        answer = _carried_out(ask) if mischief is None else await self._befallen(mischief, ask)
        if isinstance(answer, asyncio.Future):  # the broker answers when others have come
            await asyncio.wait({answer}, timeout=REQUEST_TIMEOUT_S)
            answer = _carried_out(answer.result) if answer.done() else NetworkLostError()
        await me.alive()
        if isinstance(answer, NetworkLostError):
            raise answer
        return answer

    async def _befallen(self, mischief: Mischief, ask: Callable[[], Any]) -> Any:
        world, me, what = self._world, process.get(), mischief.kind.__name__
        when = {None: "is lost", 0.0: "arrives"}.get(mischief.arrives_after_s, "is held up")
        world.told(f"{me.name}: {what} {when}, its sender {mischief.sender.value}")
        if mischief.sender is Sender.STOPS:
            me.stop.set()
            return _carried_out(ask)
        arriving = asyncio.ensure_future(self._arriving(mischief.arrives_after_s, ask, f"{me.name}: {what}"))
        world.under_way.add(arriving)
        if mischief.sender is Sender.WAITS:
            await asyncio.sleep(mischief.for_s)
            return NetworkLostError()
        if mischief.sender is Sender.DIES:
            me.die(f"killed at {what}")
        me.freeze(mischief.for_s)
        await me.alive()
        return arriving.result() if arriving.done() else NetworkLostError()

    async def _arriving(self, after_s: float | None, ask: Callable[[], Any], what: str) -> Any:
        if after_s is None:
            return NetworkLostError()
        if after_s:
            await asyncio.sleep(after_s)
        answer = _carried_out(ask)
        told = f"refused, {type(answer).__name__}" if isinstance(answer, KafkaError) else "carried out"
        self._world.told(f"{what} {told}")
        return answer


def _carried_out(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except KafkaError as refusal:
        return refusal
