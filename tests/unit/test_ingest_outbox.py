"""Laws of the outbox: who is told that Kafka is away, and who is not."""

import asyncio
from types import SimpleNamespace

import pytest

from sinergi_ingest import outbox
from sinergi_ingest.outbox import Outbox
from sinergi_shared.runtime.transactions import Outgoing

STORED = SimpleNamespace(partition=0, offset=0)
RECORD = Outgoing(topic="t", key=b"k", value=b"v", partition=0, headers=())


class Kafka:
    """A producer whose records are stored when the test says so."""

    def __init__(self):
        self.sent = []

    async def send(self, _topic, _value, **_more):
        self.sent.append(asyncio.get_running_loop().create_future())
        return self.sent[-1]


@pytest.fixture
def kafka():
    return Kafka()


async def turns(number=3):
    for _ in range(number):
        await asyncio.sleep(0)


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
    assert all(await asking)
    again = asyncio.create_task(away.publish([RECORD]))
    await turns()
    assert away.answers  # it is back
    kafka.sent[-1].set_result(STORED)
    await again


async def test_a_long_batch_that_moves_turns_nobody_away(kafka, monkeypatch):
    monkeypatch.setattr(outbox, "STORE_WITHIN_S", 60)
    busy = Outbox(kafka)
    batch = asyncio.create_task(busy.publish([RECORD] * 3))
    await turns(8)
    for attempt in busy._since:
        busy._since[attempt] -= 2 * outbox.AWAY_AFTER_S
    assert not busy.answers
    kafka.sent[0].set_result(STORED)
    await turns()
    assert busy.answers
    for stored in kafka.sent[1:]:
        stored.set_result(STORED)
    assert all(await batch)
