"""Reads one record again by where it stands: what a pointer names is kept nowhere else."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from sinergi_shared.runtime import kafka
from sinergi_shared.runtime.lanes import Record


class Rereader:
    """One reader of one topic, without a group; calls wait for each other."""

    def __init__(self, bootstrap: list[str], topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._lock = asyncio.Lock()
        self._consumer: AIOKafkaConsumer

    async def start(self) -> None:
        """Connect."""
        self._consumer = kafka.reader(await kafka.answering(self._bootstrap))
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def read(self, partition: int, offset: int) -> Record | None:
        """Return the record, ``None`` when the topic does not keep it any more."""
        place = TopicPartition(self._topic, partition)
        async with self._lock:
            first = (await self._consumer.beginning_offsets([place]))[place]
            end = (await self._consumer.end_offsets([place]))[place]
            if not first <= offset < end:
                return None
            if self._consumer.assignment() != {place}:
                self._consumer.assign([place])
            self._consumer.seek(place, offset)
            record: Record = await self._consumer.getone(place)
        return record if record.offset == offset else None
