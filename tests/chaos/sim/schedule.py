"""One schedule: two processes work on three lanes while the seed does its worst; then the verdict."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Final
from unittest.mock import patch

from aiokafka import TopicPartition

from sinergi_router import handlers
from sinergi_shared.runtime import kafka, lanes, transactions
from sinergi_shared.runtime.health import Health
from tests.chaos.broken import OF_LANES, Ground
from tests.chaos.sim.broker import Broker, State
from tests.chaos.sim.clients import Consumer, Producer, administering
from tests.chaos.sim.clock import simulated
from tests.chaos.sim.network import Mischief, Process, Sender, World, late, planned, process
from tests.chaos.sim.routing import Routing
from tests.chaos.sim.works import LANES, Counting, Killing, Verdict, Work

MEMBERS: Final = 2
STATIC: Final = 0.7  # so many schedules are of members that keep their name
SENDS_FOR_S: Final = 6.0
HURRIES_S: Final = 1.5
MOST_FAILING: Final = 3
GIVES_UP_S: Final = 150.0
LATE_ONES_S: Final = 4.0


def run(seed: int, fault: str | None = None) -> Verdict:
    """Run one schedule; the same seed gives the same course of events."""
    draw = Random(seed)  # noqa: S311 - a printed seed repeats it all
    static, plan, sends_for_s = draw.random() < STATIC, planned(draw, SENDS_FOR_S), SENDS_FOR_S
    work: Work = Counting()
    match seed % 8:
        case 0 | 4:
            work = Routing(draw)
        case 1:
            work, plan = Killing(draw), list(_sparing(plan))
        case 5:  # transaction after transaction, so that what is late meets another
            plan, sends_for_s = late(draw, HURRIES_S), HURRIES_S
    return judged(Schedule(seed, draw, work, plan, static=static, sends_for_s=sends_for_s), fault)


def _sparing(plan: Iterable[Mischief]) -> Iterator[Mischief]:
    """Leave one that ends a process: what is in hand at three ends in a row would be convicted rightly."""
    ended = False
    for one in plan:
        ends = one.sender in {Sender.DIES, Sender.FREEZES}
        if not (ended and ends):
            yield one
        ended = ended or ends


def judged(schedule: "Schedule", fault: str | None = None) -> Verdict:
    """Run one schedule in virtual time."""
    verdict: Verdict = simulated(schedule.judged(fault))
    return verdict


def run_many(seeds: Iterable[int], fault: str | None = None) -> list[Verdict]:
    """Run some schedules until enough have failed; only what failed brings its trace along."""
    verdicts: list[Verdict] = []
    for seed in seeds:
        one = run(seed, fault)
        verdicts.append(replace(one, trace=[]) if one.ok else one)
        if sum(not verdict.ok for verdict in verdicts) >= MOST_FAILING:
            break
    return verdicts


class Schedule:
    """A work, and what befalls those who do it; ``static`` members keep their name when they start again."""

    def __init__(
        self,
        seed: int,
        draw: Random,
        work: Work,
        plan: list[Mischief],
        *,
        static: bool,
        sends_for_s: float = SENDS_FOR_S,
    ) -> None:
        self._seed = seed
        self._draw = draw
        self._work = work
        self._plan = plan
        self._static = static
        self._sends_for_s = sends_for_s
        self._starts = 0
        self._running: set[asyncio.Task[None]] = set()

    async def judged(self, fault: str | None) -> Verdict:
        """Let it happen, and say what came of it."""
        loop = asyncio.get_running_loop()
        broker = Broker(loop.time, self._work.begins_at.timestamp())
        self._world = World(broker, self._draw, self._plan, LANES)
        with on(self._world), planted(fault):
            ticking = asyncio.create_task(self._ticking())
            sending = asyncio.create_task(self._sending())
            for number in range(MEMBERS):
                self._start(str(number))
            await sending
            while self._left_over() and loop.time() < GIVES_UP_S:  # noqa: ASYNC110 - others make it true
                await asyncio.sleep(0.25)
            recovery_s = loop.time() - self._sends_for_s
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
        work = self._work
        inputs = work.events_topic, work.requests_topic
        settings = lanes.LaneSettings("router", ["one"], inputs, work.state_topic, 50, instance)
        mine = lanes.Lanes(
            settings,
            lambda lane: work.lane(lane, self._now),
            lambda where, error: me.die(f"{where}: {error!r}"),
        )
        try:
            await mine.run(Health(asyncio.get_running_loop().time), me.stop)
            me.die("as asked")
        except Exception as error:  # noqa: BLE001 - as app.py does
            me.die(repr(error))

    def _now(self) -> datetime:
        return self._work.begins_at + timedelta(seconds=self._world.now)

    def _again(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(self._draw.uniform(0.2, 1.5), self._start, name)

    async def _ticking(self) -> None:
        while True:
            self._world.broker.tick()
            await asyncio.sleep(0.25)

    async def _sending(self) -> None:
        moments = sorted(self._draw.uniform(0, self._sends_for_s) for _ in self._work.sent)
        for at, (topic, lane, key, value) in zip(moments, self._work.sent, strict=True):
            await asyncio.sleep(max(0.0, at - self._world.now))
            self._world.broker.append(TopicPartition(topic, lane), key, value, State.COMMITTED)

    def _left_over(self) -> dict[TopicPartition, int]:
        """Return the inputs whose next owner would begin before the end, and where."""
        broker = self._world.broker
        committed = broker.committed("sinergi-router")
        inputs = self._work.events_topic, self._work.requests_topic
        places = [TopicPartition(topic, lane) for topic in inputs for lane in range(LANES)]
        stands = {place: committed[place].offset if place in committed else 0 for place in places}
        return {place: at for place, at in stands.items() if at != len(broker.logs[place])}

    def _verdict(self, recovery_s: float) -> Verdict:
        verdict = Verdict(
            self._seed,
            events=len(self._work.sent),
            faults=self._world.struck,
            recovery_s=max(0.0, recovery_s),
            trace=self._world.trace,
        )
        self._work.judge(self._world.broker, verdict)
        for place, offset in self._left_over().items():
            verdict.wrong += 1
            verdict.trace.append(f"{place.topic}/{place.partition} would begin anew at {offset}")
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
    (handlers.RouterLane, "_on_request"),
    (handlers.RouterLane, "rebuilt"),
    (lanes.Lanes, "on_partitions_assigned"),
    (lanes, "RangePartitionAssignor"),
    (lanes, "committing_once"),
    (transactions, "guarded"),
    (transactions, "tainted"),
    (kafka, "TRANSACTION_TIMEOUT_MS"),
)
