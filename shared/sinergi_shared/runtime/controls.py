"""Reads ``sinergi.controls.v1``: to its end at the start, then whatever comes; every entry, no group."""

from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from sinergi_shared.contracts.topics import CONTROLS
from sinergi_shared.runtime import kafka
from sinergi_shared.runtime.lanes import Record

_PLACE = TopicPartition(CONTROLS, 0)
_POLL_MS = 500


class Controls:
    """One reader; ``take`` gets each committed record, oldest first."""

    def __init__(self, bootstrap: list[str], take: Callable[[Record], None]) -> None:
        self._bootstrap = bootstrap
        self._take = take
        self._consumer: AIOKafkaConsumer

    async def start(self) -> None:
        """Connect, and return once everything that was committed by now has been taken.

        Raise aiokafka's ``KafkaError`` when that is left unanswered; then it may be called again.
        """
        self._consumer = kafka.reader(await kafka.answering(self._bootstrap))
        try:
            await self._consumer.start()
            self._consumer.assign([_PLACE])
            await self._consumer.seek_to_beginning(_PLACE)
            end = (await self._consumer.end_offsets([_PLACE]))[_PLACE]
            while await self._consumer.position(_PLACE) < end:
                await self._round()
        except KafkaError:
            await kafka.leave(self._consumer.stop)
            raise

    async def follow(self) -> None:
        """Take what comes, until cancelled."""
        while True:
            await self._round()

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def _round(self) -> None:
        for records in (await self._consumer.getmany(_PLACE, timeout_ms=_POLL_MS)).values():
            for record in records:
                self._take(record)
