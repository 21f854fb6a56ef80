"""The simulation's model of Kafka answers as the real one does: the same calls, the same outcomes.

Courses of requests are drawn from seeds, and owners that are gone, repeats and ends that come too late
are among them; whatever a caller can see is compared.
"""

import asyncio
import uuid
from dataclasses import dataclass, field
from random import Random

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from tests.chaos.sim.broker import Broker
from tests.kit.kafka_requests import Requests

PLACES = 2
LENGTH = 40
KINDS = {"init": 1, "add": 6, "produce": 10, "again": 2, "group": 4, "offsets": 4, "end": 3}


def drawn(seed):
    """A course: what is called, by which of two owners' last, or last but one, start, and with what."""
    draw = Random(seed)  # noqa: S311 - the same courses each time
    course = [("init", 0, 0, 0, True), ("init", 1, 0, 0, True)]
    for kind in draw.choices(list(KINDS), list(KINDS.values()), k=LENGTH):
        name, place = draw.randrange(2), draw.randrange(PLACES)
        start = draw.choices((0, 1), (9, 1))[0]
        course.append((kind, name, start, place, draw.random() < 0.7))
    return course


@dataclass
class Owner:
    """One start of a producer."""

    name: str
    id: object  # what the bus knows it by
    sent: dict = field(default_factory=dict)  # records by place
    last: tuple = ()


class Model:
    """The simulation's broker, called like the real one."""

    def __init__(self):
        self.broker = Broker(lambda: 0.0)

    async def init(self, name, timeout_s):
        return self.broker.init_producer(name, timeout_s)

    async def add_partitions(self, name, owner, place):
        self.broker.add_partitions(name, owner, [place])

    async def produce(self, name, owner, sequence, place, value):
        self.broker.produce(name, owner, (place, sequence), place, [(b"k", value)])

    async def add_offsets(self, name, owner, group):
        self.broker.add_offsets(name, owner, group)

    async def commit_offsets(self, name, owner, group, offsets):
        self.broker.commit_offsets(name, owner, group, offsets)

    async def end(self, name, owner, *, commit):
        self.broker.end_transaction(name, owner, commit=commit)

    async def read(self, place):
        found, _ = self.broker.read(place, 0, 1_000)
        return self.broker.stable_end(place), [(one.offset, one.value) for one in found]

    async def committed(self, group):
        return {place: one.offset for place, one in self.broker.committed(group).items()}


class Course:
    """Carries a course out on a bus and notes whatever it answers."""

    def __init__(self, bus, topic):
        self.bus, self.topic = bus, topic
        self.owners = {0: [], 1: []}
        self.seen = []

    async def carried_out(self, course):
        for number, (kind, name, start, partition, flag) in enumerate(course):
            try:
                await self.step(kind, name, start, TopicPartition(self.topic, partition), flag, number)
            except KafkaError as error:
                self.seen.append((number, kind, _told(kind, type(error).__name__)))
            else:
                self.seen.append((number, kind, _told(kind, "done")))
        for partition in range(PLACES):
            self.seen.append(await self.bus.read(TopicPartition(self.topic, partition)))
        self.seen.append(await self.bus.committed(self.topic))
        return self.seen

    async def step(self, kind, name, start, place, flag, number):
        id_ = f"{self.topic}-{name}"
        if kind == "init":
            self.owners[name].insert(0, Owner(id_, await self.bus.init(id_, 60)))
            return
        owner = self.owners[name][min(start, len(self.owners[name]) - 1)]
        match kind:
            case "add":
                await self.bus.add_partitions(id_, owner.id, place)
            case "produce":
                sequence = owner.sent.get(place, 0)
                owner.last = (sequence, place, b"%d" % number)
                await self.bus.produce(id_, owner.id, *owner.last)
                owner.sent[place] = sequence + 1
            case "again" if owner.last and owner.sent.get(owner.last[1], 0) == owner.last[0] + 1:
                await self.bus.produce(id_, owner.id, *owner.last)
            case "group":
                await self.bus.add_offsets(id_, owner.id, self.topic)
            case "offsets":
                await self.bus.commit_offsets(id_, owner.id, self.topic, {place: number})
            case "end":
                await self.bus.end(id_, owner.id, commit=flag)


def _told(kind, outcome):
    # Once its transaction has ended, Kafka answers a repeat either way, as it happens (seen in both
    # forms for one course). What counts is compared at the end: nothing is written twice.
    return "nothing new" if kind == "again" and outcome in {"done", "InvalidTxnState"} else outcome


async def made_topic(kafka, partitions):
    name = f"sim-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    await admin.close()
    return name


@pytest.mark.parametrize("seed", range(12))
async def test_a_course_of_transactions_comes_out_as_on_the_real_kafka(kafka, seed):
    topic = await made_topic(kafka, PLACES)
    real = Requests(kafka)
    await real.start([topic])
    try:
        wanted = await asyncio.wait_for(Course(real, topic).carried_out(drawn(seed)), 60)
    finally:
        await real.stop()
    assert await Course(Model(), topic).carried_out(drawn(seed)) == wanted
