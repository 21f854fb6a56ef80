"""Reads a job again by its pointer: what waits after a restart, or beyond what memory holds."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from sinergi_shared.contracts.topics import JOBS
from sinergi_shared.runtime import kafka


class JobReader:
    """One reader without a group; calls wait for each other."""

    def __init__(self, bootstrap: list[str]) -> None:
        self._consumer: AIOKafkaConsumer = kafka.reader(bootstrap)
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Connect."""
        await self._consumer.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def read(self, partition: int, offset: int) -> bytes | None:
        """Return the record's value, ``None`` when the topic does not keep it any more."""
        place = TopicPartition(JOBS, partition)
        async with self._lock:
            first = (await self._consumer.beginning_offsets([place]))[place]
            end = (await self._consumer.end_offsets([place]))[place]
            if not first <= offset < end:
                return None
            if self._consumer.assignment() != {place}:
                self._consumer.assign([place])
            self._consumer.seek(place, offset)
            record = await self._consumer.getone(place)
        return record.value if record.offset == offset else None
