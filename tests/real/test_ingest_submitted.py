"""The reader of submitted topics, from inside: it tells when it has stopped, and a bug commits nothing."""

import asyncio
import contextlib
import hashlib
import secrets
import time

import pytest
from aiokafka import AIOKafkaProducer

from sinergi_ingest.submitted import PART, Submitted
from sinergi_ops import topics as topic_commands
from sinergi_shared.contracts import topics
from sinergi_shared.directory import Key, Rate, Source
from sinergi_shared.runtime.health import Health
from tests.kit.processes import eventually


class FakeIntake:
    """Remembers the places of what it is handed; fails with ``error`` when there is one."""

    def __init__(self, error=None):
        self.offsets, self.error = [], error

    async def take_submitted(self, origins, _bodies):
        self.offsets += [origin.offset for origin in origins]
        if self.error is not None:
            raise self.error


@pytest.fixture
async def source(kafka):
    digest = hashlib.sha256(b"no key").hexdigest()
    made = Source(urn=f"urn:sinergi:sumber:t{secrets.token_hex(5)}:test", keys=(Key(id="t", sha256=digest),))
    await topic_commands.apply([kafka], [made.name], [], lanes=4)
    return made


@contextlib.asynccontextmanager
async def reading(kafka, source, intake, slowed=lambda: None):
    deaths = []
    reader = Submitted(
        [kafka],
        [source],
        intake,
        seconds=time.monotonic,
        slowed=slowed,
        die=lambda where, error: deaths.append((where, type(error))),
    )
    await reader.start()
    try:
        yield reader, deaths
    finally:
        await reader.stop()


async def send(kafka, source, count):
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        for _ in range(count):
            await producer.send_and_wait(topics.submitted(source.name), b"{}")
    finally:
        await producer.stop()


def watched(reader, clock):
    health = Health(lambda: clock[0])

    def look():
        reader.watch(health)
        return health

    return look


async def test_an_idle_reader_is_ready_and_a_stopped_one_is_not(kafka, source):
    clock = [0.0]
    async with reading(kafka, source, FakeIntake()) as (reader, _):
        look = watched(reader, clock)
        await eventually(lambda: not look().not_ready() and PART in look().tasks)
        for _ in range(5):  # an idle topic: the time passes, polls go on
            clock[0] += 10
            before = look().beats[PART]
            await eventually(lambda before=before: look().beats[PART] > before)
            assert look().not_ready() == {}
        look().tasks[PART].cancel()
        await asyncio.wait([look().tasks[PART]])
        assert look().not_ready() == {PART: "ended"}
        assert look().not_alive() == {PART: "ended"}


@pytest.mark.parametrize(
    "error", [TypeError(), KeyError(), RecursionError()], ids=lambda error: type(error).__name__
)
async def test_a_bug_stops_the_process_before_anything_is_committed(kafka, source, error):
    await send(kafka, source, 3)
    intake = FakeIntake(error)
    async with reading(kafka, source, intake) as (_, deaths):
        await eventually(lambda: deaths)
        assert deaths[0] == (PART, type(error))
    again = FakeIntake()
    async with reading(kafka, source, again):
        await eventually(lambda: again.offsets == [0, 1, 2])


async def test_what_was_taken_is_committed_and_not_taken_again(kafka, source):
    await send(kafka, source, 3)
    first = FakeIntake()
    async with reading(kafka, source, first):
        await eventually(lambda: first.offsets == [0, 1, 2])
    await send(kafka, source, 1)
    second = FakeIntake()
    async with reading(kafka, source, second):
        await eventually(lambda: second.offsets == [3])


async def test_a_source_over_its_rate_is_read_later_and_loses_nothing(kafka, source):
    fast = source.model_copy(update={"rate": Rate(perSecond=1, burst=1)})
    intake, pauses = FakeIntake(), []
    await send(kafka, fast, 3)
    async with reading(kafka, fast, intake, slowed=lambda: pauses.append(len(intake.offsets))):
        await eventually(lambda: pauses)
        await send(kafka, fast, 2)
        await eventually(lambda: intake.offsets == [0, 1, 2, 3, 4])
        assert pauses[0] > 0
