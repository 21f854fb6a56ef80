"""A lane's transactions on a real Kafka: all of it is stored, or none of it."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from sinergi_shared.runtime import kafka as clients
from sinergi_shared.runtime.transactions import Outgoing, Transactions


@pytest.fixture
async def make(kafka):
    """Return what makes topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=[kafka])
    await admin.start()

    async def made(*names):
        await admin.create_topics([NewTopic(name, 1, 1) for name in names])

    yield made
    await admin.close()


@pytest.fixture
async def transactions(kafka):
    """Return started transactions of a lane of its own."""
    lane = Transactions([kafka], "test-transactions", "test-transactions")
    await lane.start()
    yield lane
    await lane.stop()


async def values(kafka, *names):
    """Return what a reader of committed records finds on these topics."""
    reader = clients.reader([kafka])
    await reader.start()
    places = [TopicPartition(name, 0) for name in names]
    reader.assign(places)
    ends, found = await reader.end_offsets(places), []
    for place in places:
        while await reader.position(place) < ends[place]:
            for records in (await reader.getmany(place, timeout_ms=100)).values():
                found += [record.value for record in records]
    await reader.stop()
    return found


async def test_a_topic_that_is_new_takes_nothing_from_those_that_are_not(kafka, make, transactions):
    old = [f"txn-old-{number}" for number in range(5)]
    await make(*old)
    # As after a start that had to wait for its coordinator: all topics are known, and none is asked for.
    await transactions._producer.client.force_metadata_update()
    for number in range(3):
        await transactions.add([Outgoing(name, None, b"%d" % number) for name in old], {})
        await transactions.commit()
        await make(f"txn-new-{number}")  # by `sinergi topics apply`, while the lane is at work
        told = [*old, f"txn-new-{number}"]
        await transactions.add([Outgoing(name, None, b"with a new one") for name in told], {})
        await transactions.commit()
    assert sorted(await values(kafka, *old)) == sorted(5 * [b"0", b"1", b"2"] + 15 * [b"with a new one"])
    assert await values(kafka, "txn-new-0", "txn-new-1", "txn-new-2") == 3 * [b"with a new one"]


async def test_nothing_is_committed_when_a_part_of_it_was_not_stored(kafka, make, transactions):
    await make("txn-part-0", "txn-part-1")
    await transactions.add([Outgoing("txn-part-0", None, b"a")], {})
    never = asyncio.get_running_loop().create_future()
    never.set_exception(KafkaError("not stored"))
    transactions._producer.send_batch, send = (
        (lambda *_, **__: _ready(never)),
        transactions._producer.send_batch,
    )
    await transactions.add([Outgoing("txn-part-1", None, b"b")], {})
    transactions._producer.send_batch = send
    with pytest.raises(KafkaError, match="not stored"):
        await transactions.commit()
    await transactions.stop()
    assert await values(kafka, "txn-part-0", "txn-part-1") == []


async def _ready(delivered):
    return delivered
