"""What a source hears on its status topic, for those who wait for one event's answer."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.status import StatusEvent
from sinergi_shared.runtime import kafka

LEAVE_WITHIN_S: Final = 5.0


class NoSuchSourceError(Exception):
    """The source has no topics: it is not registered, or its topics were not made."""


@dataclass(slots=True)
class Statuses:
    """Every status of one source since ``listen``, in order."""

    consumer: AIOKafkaConsumer
    heard: list[StatusEvent] = field(default_factory=list)
    more: asyncio.Condition = field(default_factory=asyncio.Condition)
    task: asyncio.Task[None] | None = None

    async def wait_for(self, since: int, fits: Callable[[StatusEvent], bool]) -> StatusEvent:
        """Return the first status from number ``since`` on that fits; what ends the reading is raised."""
        async with self.more:
            while True:
                for status in self.heard[since:]:
                    if fits(status):
                        return status
                since = len(self.heard)
                if self.task is not None and self.ended:
                    self.task.result()
                await self.more.wait()

    @property
    def ended(self) -> bool:
        """Whether nothing more will be heard here."""
        return self.task is not None and self.task.done()

    async def close(self) -> None:
        """Stop to listen."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN_S):
                await self.consumer.stop()

    async def read(self) -> None:
        """Collect what comes, until cancelled."""
        try:
            async for record in self.consumer:
                await self._hear(record.value)
        finally:
            async with self.more:
                self.more.notify_all()

    async def _hear(self, value: bytes | None) -> None:
        try:
            status = StatusEvent.model_validate_json(value or b"")
        except ValidationError:
            return  # of a newer minor than ours, or not for us
        async with self.more:
            self.heard.append(status)
            self.more.notify_all()


async def listen(bootstrap: Sequence[str], source: str) -> Statuses:
    """Return the statuses of ``source`` (``<system>.<channel>``) from now on.

    Raise ``NoSuchSourceError`` without its topics, aiokafka's ``KafkaError`` when Kafka is away.
    """
    consumer = kafka.reader(list(bootstrap))
    place = TopicPartition(topics.status(source), 0)
    try:
        await consumer.start()
        await _require_topics(consumer, source)
        consumer.assign([place])
        await consumer.seek_to_end(place)
    except BaseException:
        await consumer.stop()
        raise
    statuses = Statuses(consumer)
    statuses.task = asyncio.create_task(statuses.read())
    return statuses


async def _require_topics(consumer: AIOKafkaConsumer, source: str) -> None:
    if not {topics.status(source), topics.submitted(source)} <= await consumer.topics():
        raise NoSuchSourceError(source)
