"""Laws of the outbox: who is told that Kafka is away, and who is not; what goes together, and where it is."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_ingest import outbox
from sinergi_ingest.outbox import Outbox
from sinergi_ingest.receipts import Place
from sinergi_shared.runtime.transactions import Outgoing

STORED = SimpleNamespace(partition=0, offset=0)
RECORD = Outgoing(topic="t", key=b"k", value=b"v", partition=0, headers=())


class Batch:
    """Holds ten records."""

    def __init__(self):
        self.values = []

    def append(self, *, value, **_more):
        if len(self.values) == 10:
            return None
        self.values.append(value)
        return value


class Kafka:
    """A producer whose batches are stored when the test says so."""

    def __init__(self):
        self.sent = []
        self.batches = []

    def create_batch(self):
        return Batch()

    async def send_batch(self, batch, topic, *, partition):
        self.batches.append((topic, partition, batch.values))
        self.sent.append(asyncio.get_running_loop().create_future())
        return self.sent[-1]


class Log:
    """A producer that keeps what it is sent, each partition a list; now and then it fails."""

    def __init__(self, failing):
        self.kept = {}
        self.failing = failing

    def create_batch(self):
        return Batch()

    async def send_batch(self, batch, topic, *, partition):
        assert batch.values
        future = asyncio.get_running_loop().create_future()
        if next(self.failing, False):
            future.set_exception(KafkaTimeoutError())
            return future
        log = self.kept.setdefault((topic, partition), [])
        asyncio.get_running_loop().call_soon(
            future.set_result, SimpleNamespace(partition=partition, offset=len(log))
        )
        log += batch.values
        return future


@pytest.fixture
def kafka():
    return Kafka()


async def turns(number=3):
    for _ in range(number):
        await asyncio.sleep(0)


def many(number, partition=0):
    return [Outgoing("t", b"k", b"%d" % at, partition, ()) for at in range(number)]


async def test_what_hangs_is_told_as_not_stored_and_the_next_are_told_at_once_but_for_one(kafka, monkeypatch):
    monkeypatch.setattr(outbox, "STORE_WITHIN_S", 0.01)
    away = Outbox(kafka)
    assert not any(await away.publish([RECORD, RECORD]))
    assert away.answers  # one may ask
    monkeypatch.setattr(outbox, "STORE_WITHIN_S", 60)
    asking = asyncio.create_task(away.publish([RECORD]))
    await turns()
    assert not away.answers  # nobody else waits with it
    assert not any(await away.publish([RECORD]))
    kafka.sent[-1].set_result(STORED)
    await turns()
    kafka.sent[-1].set_result(STORED)
    assert all(await asking)
    again = asyncio.create_task(away.publish([RECORD]))
    await turns()
    assert away.answers  # it is back
    kafka.sent[-1].set_result(STORED)
    await again


async def test_a_long_batch_that_moves_turns_nobody_away(kafka, monkeypatch):
    monkeypatch.setattr(outbox, "STORE_WITHIN_S", 60)
    busy = Outbox(kafka)
    batch = asyncio.create_task(busy.publish(many(25)))
    await turns(8)
    for attempt in busy._since:
        busy._since[attempt] -= 2 * outbox.AWAY_AFTER_S
    assert not busy.answers
    kafka.sent[0].set_result(STORED)
    await turns()
    assert busy.answers
    for number in (1, 2):
        kafka.sent[number].set_result(STORED)
        await turns()
    assert all(await batch)


async def test_who_waits_behind_others_too_long_is_told_and_nothing_of_his_is_sent(kafka, monkeypatch):
    monkeypatch.setattr(outbox, "TAKEN_WITHIN_S", 0.01)
    busy = Outbox(kafka)
    first = asyncio.create_task(busy.publish(many(10)))
    await turns()
    later = Outgoing("t", b"k", b"later", 0, ())
    assert await busy.publish([later]) == [None]
    assert not first.done()
    kafka.sent[0].set_result(STORED)
    assert all(await first)
    await turns()
    assert kafka.batches == [("t", 0, [b"%d" % at for at in range(10)])]


async def test_what_came_at_the_same_time_goes_together(kafka):
    shared = Outbox(kafka)
    requests = [asyncio.create_task(shared.publish([record])) for record in many(7)]
    await turns()
    assert kafka.batches == [("t", 0, [b"%d" % at for at in range(7)])]
    kafka.sent[0].set_result(SimpleNamespace(partition=0, offset=40))
    assert [(await request)[0] for request in requests] == [Place(0, 40 + at) for at in range(7)]


@given(
    st.lists(st.lists(st.integers(0, 2), max_size=30), min_size=1, max_size=6),
    st.lists(st.booleans(), max_size=12),
)
@settings(deadline=None, max_examples=60)
def test_each_record_is_told_where_it_stands_in_order_and_what_is_not_there_is_told_so(requests, failing):
    async def run():
        log = Log(iter(failing))
        shared = Outbox(log)
        records = [
            [
                Outgoing("t", b"k", f"{number}.{at}".encode(), partition)
                for at, partition in enumerate(request)
            ]
            for number, request in enumerate(requests)
        ]
        told = await asyncio.gather(*map(shared.publish, records))
        assert not shared._waiting
        for mine, places in zip(records, told, strict=True):
            assert len(places) == len(mine)
            for record, place in zip(mine, places, strict=True):
                kept = log.kept.get(("t", record.partition), [])
                if place is None:
                    assert record.value not in kept
                else:
                    assert (place.partition, kept[place.offset]) == (record.partition, record.value)
            for partition in range(3):
                offsets = [one.offset for one in places if one and one.partition == partition]
                assert offsets == sorted(offsets)

    asyncio.run(run())


async def test_a_batch_that_the_broker_knows_already_has_no_offsets(kafka):
    task = asyncio.create_task(Outbox(kafka).publish(many(3)))
    await turns()
    kafka.sent[0].set_result(SimpleNamespace(partition=0, offset=-1))
    assert await task == [Place(0, -1)] * 3


async def test_an_error_that_is_not_kafkas_is_raised_and_the_next_are_sent(kafka):
    shared = Outbox(kafka)
    task = asyncio.create_task(shared.publish(many(3)))
    await turns()
    kafka.sent[0].set_exception(RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        await task
    again = asyncio.create_task(shared.publish([RECORD]))
    await turns()
    kafka.sent[1].set_result(STORED)
    assert all(await again)
