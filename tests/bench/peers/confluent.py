"""The plain loop on confluent-kafka: a transaction gathers for the commit interval, one event at a time."""

import gc
import json
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition

from sinergi_shared.contracts import topics
from tests.bench.peers.plain import Plain

MOST_RECORDS = 2_000


def run(told):
    plain = Plain(Path(told["pack"]))
    consumer = Consumer(
        {
            "bootstrap.servers": told["kafka"],
            "group.id": told["group"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 50,
            "queued.min.messages": 50_000,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": told["kafka"],
            "acks": "all",
            "transactional.id": "bench-confluent",
            "linger.ms": 5,
            "batch.size": 262_144,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_048_576,
        }
    )
    producer.init_transactions(10)
    consumer.subscribe([topics.EVENTS])
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    loop(consumer, producer, plain, told["commit_ms"] / 1000)


def loop(consumer, producer, plain, every):
    offsets, opened = {}, 0.0
    while True:
        wait = 0.05 if not offsets else max(0.0, opened + every - time.monotonic())
        records = consumer.consume(MOST_RECORDS, min(wait, 0.005))
        if records and not offsets:
            producer.begin_transaction()
            opened = time.monotonic()
        for record in records:
            partition, offset = record.partition(), record.offset()
            for out in plain.route(record.value(), partition, offset, record.timestamp()[1]):
                produce(producer, *out)
            offsets[partition] = offset + 1
        producer.poll(0)
        if offsets and time.monotonic() - opened >= every:
            producer.flush(10)  # what arrives together with the offsets is refused for a moment
            ends = [TopicPartition(topics.EVENTS, lane, end) for lane, end in offsets.items()]
            producer.send_offsets_to_transaction(ends, consumer.consumer_group_metadata(), 10)
            producer.commit_transaction(10)
            offsets = {}


def produce(producer, topic, partition, key, value, headers):
    while True:
        try:
            producer.produce(topic, value, key, partition, headers=headers)
        except BufferError:
            producer.poll(0.01)
        else:
            return


if __name__ == "__main__":
    run(json.loads(sys.argv[1]))
