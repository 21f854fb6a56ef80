"""The simulation's model of a consumer group answers as the real one does: the same calls, the same outcomes.

Courses of calls are drawn from seeds: starts, joins, syncs, heartbeats, commits and leaves, also by
processes whose place another has taken, and in the name of a generation that is over.
"""

import asyncio
import uuid
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.chaos.sim.broker import Broker
from tests.chaos.sim.group import REBALANCE_S, SESSION_S
from tests.kit.group_answers import Joined, MemberIdRequired
from tests.kit.kafka_group import RealGroup

SEEDS = 16
LENGTH = 200
STATIC, DYNAMIC = ("a", "b"), ("m", "n")
KINDS = {"start": 1, "join": 12, "sync": 12, "heartbeat": 4, "commit": 4, "leave": 1, "again": 2}
ENOUGH = 30  # calls of a course that were possible
NEVER_S = 60
BEAT_S = 0.25
SLACK_S = 3.0
LONGEST_S = 20.0
PLACE = TopicPartition("sim-group", 0)


def drawn(seed):
    """A course: what is called, by the last or last but one start of which member, in which generation."""
    draw = Random(seed)  # noqa: S311 - the same courses each time
    kinds = draw.choices(list(KINDS), list(KINDS.values()), k=LENGTH)
    course = [("start", name, 0, 0) for name in (*STATIC, *DYNAMIC)]
    for kind in kinds:
        name, start, stale = draw.choice((*STATIC, *DYNAMIC)), draw.random() < 0.1, draw.random() < 0.1
        course.append((kind, name, int(start), int(stale)))
    return course


class Model:
    """The simulation's group, called like the real one."""

    def __init__(self):
        self.now = 0.0
        self.elected = []
        self.broker = Broker(lambda: self.now)
        self.group = self.broker.group
        self.group._elect = self._elect

    def _elect(self, joined):
        self.elected = joined
        return joined[0]

    async def join(self, member_id, instance):
        return await self.group.join(member_id, instance, ("t",))

    async def sync(self, member_id, instance, generation, dealt):
        return await self.group.sync(member_id, instance, generation, dealt) or b""

    async def heartbeat(self, member_id, generation):
        self.group.heartbeat(member_id, generation)

    async def leave(self, member_id):
        self.group.leave(member_id)

    async def commit(self, member_id, generation, place, offset):
        self.broker.commit("g", member_id, generation, {place: offset})

    async def described(self):
        return self.group.phase.value, len(self.group.members)

    async def committed(self):
        return self.broker.committed("g")


@dataclass
class Start:
    """One start of a member: how a bus knows it, and in which generation it takes itself to be."""

    name: str
    number: int
    id: str = ""
    generation: int = -1
    leads: bool = False

    @property
    def instance(self):
        return self.name if self.name in STATIC else None

    def __str__(self):
        return f"{self.name}{self.number}"


@dataclass
class Side:
    """A bus, and who has called it."""

    bus: object
    starts: dict = field(default_factory=lambda: {name: [] for name in (*STATIC, *DYNAMIC)})

    def who(self, name, before=0):
        return self.starts[name][min(before, len(self.starts[name]) - 1)]

    def all(self):
        return [one for starts in self.starts.values() for one in starts]

    def named(self, id_):
        return next((str(one) for one in self.all() if one.id == id_), "?")

    async def beat(self, names):
        for me in map(self.who, names):
            with suppress(KafkaError):
                await self.bus.heartbeat(me.id, me.generation)

    async def called(self, kind, name, before, stale, number, members):
        """Carry out one call, and return what its caller learns."""
        if kind == "start":
            self.starts[name].insert(0, Start(name, len(self.starts[name])))
        me = self.who(name, before)
        generation = me.generation - stale
        match kind:
            case "start" | "join" | "again":
                return await self._join(me)
            case "sync":
                dealt = {one.id: f"{generation}{one}".encode() for one in self.all() if str(one) in members}
                dealt = dealt if me.leads else {}
                return await self.bus.sync(me.id, me.instance, generation, dealt)
            case "heartbeat":
                return await self.bus.heartbeat(me.id, generation)
            case "commit":
                return await self.bus.commit(me.id, generation, PLACE, number)
            case "leave":
                return await self.bus.leave(me.id)

    async def _join(self, me):
        try:
            joined = await self.bus.join(me.id, me.instance)
        except MemberIdRequired as required:
            me.id = required.member_id
            raise
        me.id, me.generation = joined.member_id, joined.generation
        me.leads = joined.leader_id == joined.member_id
        return joined


class Course:
    """Carries a course out on the model and on the real Kafka, and compares whatever a caller can see."""

    def __init__(self, real):
        self.model, self.real = Side(Model()), Side(real)
        self.waiting = []  # what was called, and both its answers to come
        self.unread = []  # the same, when the caller has asked again
        self.outcomes = Counter()

    async def carried_out(self, course):
        for number, call in enumerate(course):
            if self.is_possible(*call):
                await self.step((number, *call))
        assert await self.real.bus.committed() == await self.model.bus.committed()

    def is_possible(self, kind, name, before, _stale):
        if kind == "start":
            return True
        me = self.model.who(name, before)
        waits = any(call[2] == name for call, *_ in self.waiting)
        if kind == "again":
            return waits and bool(me.id)
        if kind == "leave" and name in STATIC:
            return False  # a static member says no goodbye
        return bool(me.id) and (not waits or kind in {"heartbeat", "commit"})

    async def step(self, call):
        number, kind, name, *_ = call
        if kind == "again":  # the first request waits on, and nobody reads its answer
            self.unread += [one for one in self.waiting if one[0][2] == name and one[0][1] != "sync"]
            self.waiting = [one for one in self.waiting if one not in self.unread]
        members = [self.model.named(id_) for id_ in self.model.bus.group.members]
        self.model.bus.elected = []
        answers = [
            asyncio.create_task(side.called(*call[1:], number, members)) for side in (self.model, self.real)
        ]
        self.waiting.append((call, *answers))
        await settled()
        await self.compare()
        await self.same_description(call)

    async def compare(self):
        answered = [one for one in self.waiting if one[1].done()]
        self.waiting = [one for one in self.waiting if not one[1].done()]
        if answered:
            await asyncio.wait({real for *_, real in answered}, timeout=10)
        for call, model, real in answered:
            assert real.done(), f"{call} waits"
            assert told(real, self.real) == told(model, self.model), call
            self.outcomes[call[1], str(told(real, self.real)) if real.exception() else "done"] += 1
            if not real.exception() and isinstance(real.result(), Joined):
                self.same_leader(model.result(), real.result())

    def same_leader(self, model, real):
        leader, group = self.real.named(real.leader_id), self.model.bus.group
        elected = [one for one in self.model.bus.elected if self.model.named(one) == leader]
        if elected:  # whom Kafka makes leader when the last one is gone, it alone knows
            [group._leader] = elected
            for start in self.model.all():
                start.leads = start.id == group._leader
        else:
            assert leader == self.model.named(model.leader_id)

    async def passes(self, beating):
        """Let time pass, in which only these send heartbeats, until the group is about something else."""
        before, since = await self.model.bus.described(), monotonic()
        while await self.model.bus.described() == before:
            assert self.model.bus.now < LONGEST_S, "nothing comes"
            self.model.bus.now += BEAT_S
            await self.model.beat(beating)
            self.model.bus.broker.tick()
        async with asyncio.timeout(LONGEST_S):
            while await self.real.bus.described() == before:
                await self.real.beat(beating)
                await asyncio.sleep(BEAT_S)
        await self.compare()
        await self.same_description("time")
        assert abs(monotonic() - since - self.model.bus.now) < SLACK_S

    async def same_description(self, call):
        wanted = await self.model.bus.described()
        async with asyncio.timeout(10):
            while (found := await self.real.bus.described()) != wanted:
                pass
        assert found == wanted, call


def told(answer, side):
    """Return what a caller is told, in names that both buses share."""
    if isinstance(answer.exception(), KafkaError):
        return type(answer.exception()).__name__
    found = answer.result()
    return (found.generation, side.named(found.member_id)) if isinstance(found, Joined) else found


async def settled():
    """Let whatever can go on in this process go on."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture(autouse=True, scope="module")
async def topic(kafka):
    """Offsets are committed for topics that exist."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(PLACE.topic, 1, 1)])
    await admin.close()


@asynccontextmanager
async def both(kafka, session_s, rebalance_s):
    """Yield a new group of the model and of the real Kafka."""
    real = RealGroup(kafka, f"sim-{uuid.uuid4().hex[:8]}", session_s, rebalance_s)
    await real.start()
    course = Course(real)
    try:
        yield course
    finally:
        await real.stop()
        ended = [answer for _, _, answer in (*course.waiting, *course.unread)]
        await asyncio.gather(*ended, return_exceptions=True)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_course_of_a_group_comes_out_as_on_the_real_kafka(kafka, seed):
    async with both(kafka, NEVER_S, NEVER_S) as group:
        await group.carried_out(drawn(seed))
    assert sum(group.outcomes.values()) > ENOUGH


TIMED = {
    "a member that falls silent is given up after its session": (
        "start m, join m, start n, join n, join m, sync m, sync n",
        "m",
        "heartbeat n, join m, sync m",
    ),
    "a rebalance ends without the late, unless they are static": (
        "start a, start b, join a, start n, join n, join a, join b, sync a, sync b, sync n, start m, join m",
        "a b n",
        "heartbeat n, heartbeat a, sync a, sync m",
    ),
    "who does not fetch its share is given up": (
        "start m, join m, start n, join n, join m, sync m",
        "m n",
        "heartbeat n, join m, sync m",
    ),
    "an id under which nobody joins holds up nobody for long": (
        "start m, join m, sync m, start n, join m",
        "m",
        "join n, sync m",
    ),
}


async def test_what_only_time_brings_comes_as_on_the_real_kafka(kafka):
    async with asyncio.TaskGroup() as tasks:
        for before, beating, after in TIMED.values():
            tasks.create_task(timed(kafka, before, beating.split(), after))


async def timed(kafka, before, beating, after):
    async with both(kafka, SESSION_S, REBALANCE_S) as group:
        await group.carried_out(worded(before))
        await group.passes(beating)
        await group.carried_out(worded(after))
    assert sum(group.outcomes.values()) == len([*worded(before), *worded(after)])


def worded(course):
    return [(*call.split(), 0, 0) for call in course.split(", ")]
