"""The yardstick: reads the events and writes what the router writes, in sizes, without a look at anything.

One transactional aiokafka producer over all lanes, one batch builder a partition, bytes ready before
the first record is read. Settings come as one JSON argument, see ``bulk.py``.
"""

import asyncio
import gc
import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sinergi_shared.contracts import topics
from tests.bench.recording import load

MOST_RECORDS = 2_000
MOST_BATCH = 262_144


class Batches:
    """One builder a partition; what is full waits to be sent with the rest."""

    def __init__(self, producer, places):
        self._producer = producer
        self._places = places
        self._builders = [None] * len(places)
        self._full = []
        self._sent = []

    def add(self, written):
        builders = self._builders
        for place, key, value, headers in written:
            builder = builders[place]
            if builder is None:
                builder = builders[place] = self._producer.create_batch()
            if builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
                self._full.append((place, builder))
                builder = builders[place] = self._producer.create_batch()
                builder.append(timestamp=None, key=key, value=value, headers=headers)

    async def ship(self):
        full = self._full + [(i, one) for i, one in enumerate(self._builders) if one is not None]
        self._full, self._builders = [], [None] * len(self._places)
        for place, builder in full:
            topic, partition = self._places[place]
            self._sent.append(await self._producer.send_batch(builder, topic, partition=partition))

    async def delivered(self):
        """Return once Kafka has all: what arrives together with the offsets it refuses for a moment."""
        sent, self._sent = self._sent, []
        await asyncio.gather(*sent)


def ready_bytes(plan: Any):
    """The plan with values in place of sizes; equal sizes share theirs."""
    values: dict[int, bytes] = {}
    for lane in (*plan.lanes, plan.totals):
        for event in lane:
            event[:] = [
                (place, key, values.setdefault(size, b"x" * size), list(headers))
                for place, key, size, headers in event
            ]
    return plan


async def run(told):
    plan = ready_bytes(load(Path(told["plan"])))
    consumer = AIOKafkaConsumer(
        topics.EVENTS,
        bootstrap_servers=told["kafka"],
        group_id=told["group"],
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=told["kafka"],
        acks="all",
        transactional_id="bench-copy",
        max_batch_size=MOST_BATCH,
        max_request_size=4 << 20,
    )
    await producer.start()
    await consumer.start()
    batches = Batches(producer, plan.places)
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    await copy(consumer, producer, batches, plan, told)


async def copy(consumer, producer, batches, plan, told):
    first, every = told["first"], told["commit_ms"] / 1000
    now = asyncio.get_running_loop().time
    offsets, opened = {}, 0.0
    while True:
        wait_ms = 50 if not offsets else max(0, int((opened + every - now()) * 1000))
        for place, records in (await consumer.getmany(timeout_ms=wait_ms, max_records=MOST_RECORDS)).items():
            if not offsets:
                await producer.begin_transaction()
                opened = now()
            written, start = plan.lanes[place.partition], first[place.partition]
            for record in records:
                batches.add(written[record.offset - start])
            offsets[TopicPartition(place.topic, place.partition)] = records[-1].offset + 1
        await batches.ship()  # at once, so that a commit has less to wait for
        if offsets and now() - opened >= every:
            for place in offsets:
                batches.add(plan.totals[place.partition])
            await batches.ship()
            await batches.delivered()
            await producer.send_offsets_to_transaction(offsets, told["group"])
            await producer.commit_transaction()
            offsets = {}


if __name__ == "__main__":
    uvloop.run(run(json.loads(sys.argv[1])))
