"""Lanes on a real Kafka: what the consumer group must not notice."""

import asyncio
from time import monotonic

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from sinergi_shared.runtime import kafka as clients
from sinergi_shared.runtime import lanes
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.transactions import Outgoing
from tests.kit.processes import eventually

INPUT, STATE, OUTPUT = "lanes-test.input", "lanes-test.state", "lanes-test.output"
LONGER_THAN_A_SESSION_S = clients.SESSION_TIMEOUT_MS / 1000 + 2


class Copy:
    """A lane that writes what it reads."""

    def restore(self, record):
        """Nothing is kept."""

    async def prepare(self, records):
        """Nothing is looked up."""

    async def rebuilt(self):
        """Nothing was kept."""

    async def upkeep(self):
        return ()

    def work(self, records):
        return [Outgoing(OUTPUT, record.key, record.value) for record in records]


class SlowLanes(lanes.Lanes):
    """Takes long to rebuild a lane, as a million threads would."""

    rebuilt = 0

    async def _rebuild(self, number, lane):
        await super()._rebuild(number, lane)
        await asyncio.sleep(LONGER_THAN_A_SESSION_S)  # the point is to outlast the session
        self.rebuilt += 1


async def test_a_rebuild_that_outlasts_the_session_costs_no_lane(kafka):
    async with clients.administering([kafka]) as admin:
        await admin.create_topics([NewTopic(name, 1, 1) for name in (INPUT, STATE, OUTPUT)])
    producer = clients.producer([kafka])
    await producer.start()
    await producer.send_and_wait(INPUT, b"one")
    errors, stop = [], asyncio.Event()
    slow = SlowLanes(
        lanes.LaneSettings("lanes-test", [kafka], (INPUT,), STATE),
        lambda _lane: Copy(),
        lambda where, error: errors.append((where, error)),
    )
    running = asyncio.create_task(slow.run(Health(monotonic), stop))
    reader = clients.reader([kafka])
    await reader.start()
    reader.assign([TopicPartition(OUTPUT, 0)])
    try:
        async with asyncio.timeout(60):
            record = await reader.getone()
        await eventually(lambda: slow.owned == {0}, 5)
    finally:
        stop.set()
        await asyncio.gather(running, reader.stop(), producer.stop())
    assert record.value == b"one"
    assert (errors, slow.rebuilt) == ([], 1)
