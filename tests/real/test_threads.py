"""The router's memory on a real Kafka: in a file, through a restart, and past its end."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest
from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from sinergi_ops import topics as ops_topics
from sinergi_ops.places import PACK
from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.rules import Rules
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables
from sinergi_shared.runtime import kafka as clients
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.lanes import Lanes, LaneSettings
from sinergi_shared.runtime.reread import Rereader
from tests.kit.decisions import kalbar, sample

LANES = 4
SOURCE = "imi-ent.tpi"
PATIENCE_S = 40


class OnePack(Rules):
    """Other tests on this Kafka activate packs; here no lane waits for one."""

    async def reached(self, activation):
        """Decide by the pack in hand."""


class Clock:
    """The router's time, turned by hand."""

    def __init__(self):
        self.now = datetime.now(UTC)


@pytest.fixture
async def bus(kafka):
    await ops_topics.apply([kafka], {SOURCE}, recipients_on_bus(read_tables(PACK)), LANES)
    return kafka


@asynccontextmanager
async def router(kafka, clock):
    """A router whose lanes have room for one thread in memory each."""
    events, errors, stop = Rereader([kafka], topics.EVENTS), [], asyncio.Event()
    metrics, rules = RouterMetrics(CollectorRegistry(), LANES), OnePack(kalbar())
    lanes = Lanes(
        LaneSettings("router", [kafka], (topics.EVENTS, topics.REQUESTS), topics.THREADS),
        lambda lane: RouterLane(lane, rules, metrics, lambda: clock.now, events.read, Threads(cap=1)),
        lambda where, error: errors.append((where, error)),
    )
    await events.start()
    running = asyncio.create_task(lanes.run(Health(monotonic), stop))
    try:
        yield
    finally:
        stop.set()
        await running
        await events.stop()
    assert errors == []


def event(number, event_id, **changed):
    document = json.loads(json.dumps(sample("01")))
    document |= {"id": f"019cd550-3750-7e84-a16f-91c183b1{event_id}", "subject": number}
    document["data"] |= {"eventNumber": number, **changed}
    return document


async def publish(kafka, *events):
    producer = clients.producer([kafka])
    await producer.start()
    for document in events:
        thread = thread_id(document["source"], document["data"]["eventNumber"])
        body = json.dumps(document | {"partitionkey": thread}).encode()
        lane = topics.lane_of(thread, LANES)
        await producer.send_and_wait(topics.EVENTS, body, key=thread.encode(), partition=lane)
    await producer.stop()


async def until(kafka, topic, partitions, holds):
    """Read a topic from its beginning until what was read holds it; return that."""
    reader, found = clients.reader([kafka]), []
    await reader.start()
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    reader.assign(places)
    await reader.seek_to_beginning(*places)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds(found):
                found.append(await reader.getone())
    finally:
        await reader.stop()
    return found


async def outcomes(kafka, number, count):
    """Return what became of so many messages of an event, as its source is told."""

    def of_it(found):
        return [json.loads(one.value)["data"] for one in found if one.key == number.encode()]

    found = await until(kafka, topics.status(SOURCE), 1, lambda found: len(of_it(found)) >= count)
    return [(one["state"], one.get("reason")) for one in of_it(found)]


async def test_a_restart_keeps_what_lies_in_the_file_and_90_days_later_forgets_it(bus):
    clock, number = Clock(), "PRS-20260310-FILE1"
    closed = thread_id(sample("01")["source"], number)
    first = event(number, "a001")
    # One lane, so that its one thread in memory is another's.
    names = (f"PRS-20260310-FILX{index}" for index in range(1_000))
    lane = topics.lane_of(closed, LANES)
    others = [name for name in names if topics.lane_of(thread_id(first["source"], name), LANES) == lane][:3]
    async with router(bus, clock):
        await publish(bus, first, event(number, "a002", revision=2, msgType="Cancel"))
        await publish(bus, *(event(name, f"b{index:03}") for index, name in enumerate(others)))
        assert await outcomes(bus, others[-1], 1) == [("routed", None)]
    async with router(bus, clock):
        await publish(bus, first)
        assert (await outcomes(bus, number, 3))[-1] == ("merged", "DUPLICATE")
        clock.now += timedelta(days=91)

        def tombstones(found):
            return [one for one in found if one.key == closed.encode() and one.value is None]

        await until(bus, topics.THREADS, LANES, tombstones)
    async with router(bus, clock):
        await publish(bus, first)
        assert (await outcomes(bus, number, 4))[-1] == ("routed", None)
