"""One schedule: two processes work on two lanes while the seed does its worst; then the verdict.

The lane under test copies each record to two topics, with the number of records before it: so a
record that is lost, doubled, out of order or worked on with a stale memory shows in what a
read_committed reader finds.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final
from unittest.mock import patch

from aiokafka import TopicPartition

from sinergi_shared.runtime import kafka, lanes, transactions
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.transactions import Outgoing
from tests.chaos.broken import OF_LANES, Ground
from tests.chaos.sim.broker import Broker, State
from tests.chaos.sim.clients import Consumer, Producer, administering
from tests.chaos.sim.clock import simulated
from tests.chaos.sim.network import Process, World, planned, process

LANES: Final = 3  # an even number would hide a wrong assignor from two members
EVENTS: Final = 8  # in each lane
MEMBERS: Final = 2
SENDS_FOR_S: Final = 8.0
GIVES_UP_S: Final = 150.0
LATE_ONES_S: Final = 6.0
EVENTS_TOPIC, REQUESTS, STATE, FIRST, SECOND = "events", "requests", "state", "first", "second"


@dataclass(slots=True)
class Verdict:
    """What became of one schedule."""

    seed: int
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0  # neither: out of order, or by a memory that was not the lane's
    faults: int = 0
    recovery_s: float = 0.0  # virtual, from the last event sent until all was there
    trace: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything was there once, in order."""
        return not (self.lost or self.duplicated or self.wrong)


class CountingLane:
    """Copies records with their number in the lane; the number is the state."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._count = 0

    def restore(self, record: Any) -> None:
        self._count = int(record.value)

    async def rebuilt(self) -> None:
        """The count is all there is."""

    async def prepare(self, records: Any) -> None:
        """Nothing is looked up."""

    async def upkeep(self) -> tuple[()]:
        return ()

    def work(self, records: Any) -> list[Outgoing]:
        outgoing = []
        for record in records:
            self._count += 1
            value = record.value + b"#%d" % self._count
            outgoing += [Outgoing(topic, record.key, value, self._number) for topic in (FIRST, SECOND)]
        outgoing.append(Outgoing(STATE, b"count", b"%d" % self._count, self._number))
        return outgoing

    def convict(self, record: Any) -> list[Outgoing]:
        return [Outgoing(FIRST, record.key, b"convicted", self._number)]


def run(seed: int, fault: str | None = None) -> Verdict:
    """Run one schedule; the same seed gives the same course of events."""
    draw = Random(seed)  # noqa: S311 - a printed seed repeats it all
    return simulated(_Schedule(seed, draw).judged(fault))


def run_many(seeds: Iterable[int], fault: str | None = None) -> list[Verdict]:
    """Run some schedules; only what failed brings its trace along."""
    verdicts = [run(seed, fault) for seed in seeds]
    return [replace(one, trace=[]) if one.ok else one for one in verdicts]


class _Schedule:
    def __init__(self, seed: int, draw: Random) -> None:
        self._seed = seed
        self._draw = draw
        self._static = draw.random() < 0.7
        self._starts = 0
        self._running: set[asyncio.Task[None]] = set()

    async def judged(self, fault: str | None) -> Verdict:
        loop = asyncio.get_running_loop()
        self._world = World(Broker(loop.time), self._draw, planned(self._draw, SENDS_FOR_S), LANES)
        with on(self._world), planted(fault):
            ticking = asyncio.create_task(self._ticking())
            sending = asyncio.create_task(self._sending())
            for number in range(MEMBERS):
                self._start(str(number))
            await sending
            while not self._all_there() and loop.time() < GIVES_UP_S:  # noqa: ASYNC110 - others make it true
                await asyncio.sleep(0.25)
            recovery_s = loop.time() - SENDS_FOR_S
            await asyncio.sleep(LATE_ONES_S)  # what comes once more would come now
            ticking.cancel()
        return self._verdict(recovery_s)

    def _start(self, name: str) -> None:
        self._starts += 1
        me = Process(self._world, f"{name}.{self._starts}", lambda: self._again(name))
        process.set(me)
        task = asyncio.create_task(self._live(me, name if self._static else None))
        self._running.add(task)

    async def _live(self, me: Process, instance: str | None) -> None:
        settings = lanes.LaneSettings("router", ["one"], (EVENTS_TOPIC, REQUESTS), STATE, 50, instance)
        try:
            await lanes.Lanes(settings, CountingLane, lambda where, error: me.die(f"{where}: {error!r}")).run(
                Health(asyncio.get_running_loop().time), me.stop
            )
            me.die("as asked")
        except Exception as error:  # noqa: BLE001 - as app.py does
            me.die(repr(error))

    def _again(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._draw.uniform(0.2, 1.5), self._start, name)

    async def _ticking(self) -> None:
        while True:
            self._world.broker.tick()
            await asyncio.sleep(0.25)

    async def _sending(self) -> None:
        moments = sorted(self._draw.uniform(0, SENDS_FOR_S) for _ in range(EVENTS * LANES))
        for number, at in enumerate(moments):
            await asyncio.sleep(max(0.0, at - self._world.now))
            place = TopicPartition(EVENTS_TOPIC, number % LANES)
            self._world.broker.append(place, b"k", b"%d" % number, State.COMMITTED)

    def _all_there(self) -> bool:
        return all(
            len(self._seen(topic, lane)) >= EVENTS for topic in (FIRST, SECOND) for lane in range(LANES)
        )

    def _seen(self, topic: str, lane: int) -> list[bytes]:
        records, _ = self._world.broker.read(TopicPartition(topic, lane), 0, 10_000)
        return [record.value or b"" for record in records]

    def _verdict(self, recovery_s: float) -> Verdict:
        verdict = Verdict(
            self._seed,
            faults=self._world.struck,
            recovery_s=max(0.0, recovery_s),
            trace=self._world.trace,
        )
        for lane in range(LANES):
            numbers = range(lane, EVENTS * LANES, LANES)
            wanted = [b"%d#%d" % (number, place) for place, number in enumerate(numbers, 1)]
            for topic in (FIRST, SECOND):
                seen = self._seen(topic, lane)
                events = [value.partition(b"#")[0] for value in seen]
                verdict.lost += EVENTS - len(set(events) & {b"%d" % number for number in numbers})
                verdict.duplicated += len(events) - len(set(events))
                verdict.wrong += seen != wanted
                if seen != wanted:
                    verdict.trace.append(f"{topic}/{lane}: {b' '.join(seen).decode()}")
            stands = self._world.broker.committed("sinergi-router").get(TopicPartition(EVENTS_TOPIC, lane))
            if stands is None or stands.offset != EVENTS:
                verdict.wrong += 1
                verdict.trace.append(f"lane {lane} would begin anew at {stands}")
        return verdict


@contextmanager
def on(world: World) -> Iterator[None]:
    """Let the lanes use the model in place of Kafka."""
    with (
        patch.object(kafka, "reader", lambda _bootstrap, **more: Consumer(world, **more)),
        patch.object(
            kafka,
            "producer",
            lambda _bootstrap, *, transactional_id, transaction_timeout_ms, **_more: Producer(
                world, transactional_id, transaction_timeout_ms
            ),
        ),
        patch.object(kafka, "administering", lambda _bootstrap: administering(world)),
    ):
        yield


@contextmanager
def planted(fault: str | None) -> Iterator[None]:
    """Plant a fault of ``tests.chaos.broken``, and take it out again."""
    before = [(owner, name, getattr(owner, name)) for owner, name in _TOUCHED]
    try:
        if fault is not None:
            OF_LANES[fault](SIMULATED)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)


SIMULATED: Final = Ground(Consumer, lambda: process.get().name.partition(".")[0])
_TOUCHED: Final = (
    (Consumer, "getmany"),
    (Consumer, "seek"),
    (lanes.Lanes, "on_partitions_assigned"),
    (lanes, "RangePartitionAssignor"),
    (lanes, "committing_once"),
    (transactions, "guarded"),
    (transactions, "tainted"),
    (kafka, "TRANSACTION_TIMEOUT_MS"),
)
