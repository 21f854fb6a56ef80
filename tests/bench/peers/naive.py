"""FastStream as its first page shows it: one event, one call, every publication awaited."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.event import SuspiciousMovementEvent
from tests.bench.peers.plain import Plain


def make(told):
    broker = KafkaBroker(told["kafka"], acks="all", enable_idempotence=True, logger=None)
    plain = Plain(Path(told["pack"]))

    @broker.subscriber(
        topics.EVENTS,
        group_id=told["group"],
        auto_offset_reset="earliest",
        # The default commits before the work is done, and would lose events.
        ack_policy=AckPolicy.ACK,
    )
    async def on_event(event: SuspiciousMovementEvent, message: KafkaMessage) -> None:
        record: Any = message.raw_message  # one, for this is no batch
        document = event.model_dump(mode="json", by_alias=True, exclude_none=True)
        for topic, partition, key, value, headers in plain.route(
            document, record.partition, record.offset, record.timestamp
        ):
            await broker.publish(
                value, topic, key=key, partition=partition, headers={k: v.decode() for k, v in headers}
            )

    return FastStream(broker, logger=None)


if __name__ == "__main__":
    asyncio.run(make(json.loads(sys.argv[1])).run())
