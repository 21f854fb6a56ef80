"""Lanes on a real Kafka: what the consumer group must not notice."""

import asyncio
from contextlib import suppress
from time import monotonic

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import GroupCoordinatorNotAvailableError, RequestTimedOutError, UnknownMemberIdError
from aiokafka.protocol.commit import OffsetCommitRequest

from sinergi_shared.runtime import kafka as clients
from sinergi_shared.runtime import lanes
from sinergi_shared.runtime.breaker import CONVICTING_DEATHS, SUSPICIOUS_DEATHS
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.transactions import Outgoing
from tests.kit.processes import eventually

INPUT, STATE, OUTPUT = "lanes-test.input", "lanes-test.state", "lanes-test.output"
LONGER_THAN_A_SESSION_S = clients.SESSION_TIMEOUT_MS / 1000 + 2


class Copy:
    """A lane that writes what it reads."""

    def __init__(self, output=OUTPUT):
        self._output = output

    def restore(self, record):
        """Nothing is kept."""

    async def prepare(self, records):
        """Nothing is looked up."""

    async def rebuilt(self):
        """Nothing was kept."""

    async def upkeep(self):
        return ()

    def work(self, records):
        return [Outgoing(self._output, record.key, record.value) for record in records]


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


async def test_a_note_that_arrives_late_sets_no_lane_back(kafka, monkeypatch):
    """The client would send it again; what then comes late would undo the lane's next offsets."""
    course = NoteCourse(kafka, "note-late")
    await course.make_topics()
    await course.put(b"one")
    held = losing_notes(monkeypatch, 1, carried_out=False)
    assert await course.live_until_committed(1) == []
    answer = await course.arrives(held[0])
    assert answer.topics == [(course.input, [(0, UnknownMemberIdError.errno)])]
    await course.put(b"two")
    await course.live_until_committed(2)
    assert await course.written(until=b"two") == [b"one", b"two"]


async def test_notes_whose_answers_are_lost_end_no_process_and_convict_nobody(kafka, monkeypatch):
    course = NoteCourse(kafka, "note-unheard")
    await course.make_topics()
    await course.put(b"one")
    lost = losing_notes(monkeypatch, SUSPICIOUS_DEATHS + CONVICTING_DEATHS, carried_out=True)
    assert await course.live_until_committed(1) == []
    assert len(lost) == SUSPICIOUS_DEATHS + CONVICTING_DEATHS
    assert await course.written(until=b"one") == [b"one"]


def losing_notes(patched, times, *, carried_out):
    """Let the first commits of consumers get no answer; return the list of those requests."""
    make, lost = clients.reader, []

    def losing(bootstrap, **more):
        consumer = make(bootstrap, **more)
        send = consumer._client.send

        async def sent(node, request, **more):
            if not isinstance(request, OffsetCommitRequest) or len(lost) == times:
                return await send(node, request, **more)
            lost.append(request)
            if carried_out:
                await send(node, request, **more)
            raise RequestTimedOutError

        consumer._client.send = sent
        return consumer

    patched.setattr(clients, "reader", losing)
    return lost


class NoteCourse:
    """One lane, and the lives of its static member, which says no goodbye at its end."""

    def __init__(self, kafka, name):
        self._kafka, self._name = kafka, name
        self.input, self._state, self._output = f"{name}.input", f"{name}.state", f"{name}.output"

    async def make_topics(self):
        async with clients.administering([self._kafka]) as admin:
            topics = self.input, self._state, self._output
            await admin.create_topics([NewTopic(topic, 1, 1) for topic in topics])

    async def put(self, value):
        producer = clients.producer([self._kafka])
        await producer.start()
        await producer.send_and_wait(self.input, value)
        await producer.stop()

    async def live_until_committed(self, offset):
        """Run the member until it dies or the group's next would begin at this offset; return why it died."""
        died, stop = [], asyncio.Event()
        settings = lanes.LaneSettings(self._name, [self._kafka], (self.input,), self._state)
        made = lanes.Lanes(settings, lambda _lane: Copy(self._output), lambda *why: died.append(why))
        running = asyncio.create_task(made.run(Health(monotonic), stop))
        async with asyncio.timeout(30):
            while not died and await self._committed() != offset:
                pass
        stop.set()
        await running
        return died

    async def _committed(self):
        place = TopicPartition(self.input, 0)
        async with clients.administering([self._kafka]) as admin:
            with suppress(GroupCoordinatorNotAvailableError):  # the first group of a new Kafka
                found = await admin.list_consumer_group_offsets(f"sinergi-{self._name}")
                return found[place].offset if place in found else None

    async def arrives(self, request):
        """Carry out a request of a client that is gone, and return the answer."""
        client = AIOKafkaClient(bootstrap_servers=self._kafka)
        await client.bootstrap()
        node = await client.coordinator_lookup(CoordinationType.GROUP, f"sinergi-{self._name}")
        answer = await client.send(node, request)
        await client.close()
        return answer

    async def written(self, until):
        """Return what a reader of committed records finds, up to this value."""
        reader, found = clients.reader([self._kafka]), []
        await reader.start()
        reader.assign([TopicPartition(self._output, 0)])
        async with asyncio.timeout(30):
            while until not in found:
                found.append((await reader.getone()).value)
        await reader.stop()
        return found
