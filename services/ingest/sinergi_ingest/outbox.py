"""Records to Kafka, known to be stored or not: the one promise behind every ``202``.

Stored means that every in-sync replica has it (``acks=all``). Not stored within eight seconds is
told as such; the record may still arrive, and the sender's repeat is then merged.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Protocol

from aiokafka.errors import KafkaError

from sinergi_ingest.receipts import Place
from sinergi_shared.runtime.transactions import Outgoing

STORE_WITHIN_S: Final = 8.0
AWAY_AFTER_S: Final = 1.5
"""A send that waits this long shows that Kafka does not answer; new ones are then refused at once."""


class Producer(Protocol):
    """What the outbox needs of a Kafka producer."""

    async def send(self, topic: str, value: bytes | None, **more: Any) -> "asyncio.Future[Any]":  # noqa: ANN401 - aiokafka's own options
        """Queue a record; the future ends when the brokers have it."""


class Outbox:
    """Publishes through one idempotent producer, and knows whether Kafka answers."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._since: dict[object, float] = {}
        self._heard_at = 0.0
        self._gave_up = False

    @property
    def answers(self) -> bool:
        """Whether Kafka seems to answer; false at once when earlier sends hang.

        After sends that were given up, one at a time finds out whether it is back: the others are
        told at once, not after eight seconds each.
        """
        now = asyncio.get_running_loop().time()
        oldest = next(iter(self._since.values()), now)
        # Heard of any record, it is there: a batch of hundreds may take longer than one send.
        return now - max(oldest, self._heard_at) < AWAY_AFTER_S and not (self._gave_up and self._since)

    async def publish(self, records: Sequence[Outgoing]) -> list[Place | None]:
        """Send in order and wait; return for each record where it is stored, ``None`` for not stored."""
        if not self.answers:  # asked again, because many may have come in at the same moment
            return [None] * len(records)
        attempt = object()
        self._since[attempt] = asyncio.get_running_loop().time()
        futures: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(STORE_WITHIN_S):
                for record in records:
                    futures.append(await self._send(record))  # noqa: PERF401 - keeps those sent before a failure
                await _all_done(futures)
            self._gave_up = False
        except (TimeoutError, KafkaError):
            self._gave_up = True  # what is not stored by now is told as not stored
        finally:
            del self._since[attempt]
        return [_stored(future) for future in futures] + [None] * (len(records) - len(futures))

    async def _send(self, record: Outgoing) -> "asyncio.Future[Any]":
        stored = await self._producer.send(
            record.topic,
            record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )
        stored.add_done_callback(self._hear)
        return stored

    def _hear(self, stored: "asyncio.Future[Any]") -> None:
        if not stored.cancelled() and stored.exception() is None:
            self._heard_at = asyncio.get_running_loop().time()


async def _all_done(futures: Sequence["asyncio.Future[Any]"]) -> None:
    # Not gather: a time-out would cancel the futures, and with them records that are on their way.
    if futures:
        await asyncio.wait(futures)


def _stored(future: "asyncio.Future[Any]") -> Place | None:
    if not future.done() or future.cancelled():
        # Nobody waits for it any more: its late failure is no news.
        future.add_done_callback(lambda late: late.cancelled() or late.exception())
        return None
    error = future.exception()
    if error is not None and not isinstance(error, KafkaError):
        raise error
    return Place(future.result().partition, future.result().offset) if error is None else None
