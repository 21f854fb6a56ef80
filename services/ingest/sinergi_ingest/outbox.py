"""Records to Kafka, known to be stored or not: the one promise behind every ``202``.

Stored means that every in-sync replica has it (``acks=all``). Not stored within eight seconds is
told as such; the record may still arrive, and the sender's repeat is then merged.

What waits for one partition goes in one batch, whichever requests it came with, and the next batch
when that is stored: a record at a time costs four times the processor (performance, 1). The queue is
ours, because the client's own for batches lets those who wait in it time out early (aiokafka 0.14).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from aiokafka.errors import KafkaError

from sinergi_ingest.receipts import Place
from sinergi_shared.runtime.transactions import Outgoing

STORE_WITHIN_S: Final = 8.0
TAKEN_WITHIN_S: Final = 5.0
"""Whoever still waits for those before him by then is told; nothing of his is on its way."""

BATCH_BYTES: Final = 262_144

AWAY_AFTER_S: Final = 1.5
"""A send that waits this long shows that Kafka does not answer; new ones are then refused at once."""


class Producer(Protocol):
    """What the outbox needs of a Kafka producer."""

    def create_batch(self) -> Any:  # noqa: ANN401 - aiokafka's own builder
        """Return an empty batch, which takes one record of any size at least."""

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[Any]":  # noqa: ANN401 - as above
        """Queue a batch; the future ends when the brokers have it."""


class _Request:
    """Records that are told of together, and where each of them is stored."""

    def __init__(self, size: int) -> None:
        self.places: list[Place | None] = [None] * size
        self.told = asyncio.get_running_loop().create_future()
        self.on_its_way = False
        self._left = size

    def end(self, index: int, place: Place | None) -> None:
        """Note what became of one record."""
        self.places[index] = place
        self._left -= 1
        if self._left == 0 and not self.told.done():
            self.told.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Raise this to whom it concerns: it is no trouble of Kafka's."""
        if not self.told.done():
            self.told.set_exception(error)


class _Waiting(NamedTuple):
    record: Outgoing
    request: _Request
    number: int


class Outbox:
    """Publishes through one idempotent producer, and knows whether Kafka answers."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._since: dict[object, float] = {}
        self._heard_at = 0.0
        self._gave_up = False
        self._waiting: dict[tuple[str, int], deque[_Waiting]] = {}
        self._at_work: set[asyncio.Task[None]] = set()

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
        if not records or not self.answers:  # asked again, because many may have come in at the same moment
            return [None] * len(records)
        request = _Request(len(records))
        self._since[request] = asyncio.get_running_loop().time()
        for index, record in enumerate(records):
            self._queue(_Waiting(record, request, index))
        try:
            async with asyncio.timeout(STORE_WITHIN_S):
                await asyncio.wait([request.told], timeout=TAKEN_WITHIN_S)
                if request.on_its_way:
                    await request.told
            self._gave_up = not request.told.done()
        except TimeoutError:
            self._gave_up = True  # what is not stored by now is told as not stored
        finally:
            request.told.cancel()  # what still waits is not sent any more
            del self._since[request]
        return request.places

    def _queue(self, one: _Waiting) -> None:
        place = (one.record.topic, one.record.partition)
        queue = self._waiting.get(place)
        if queue is not None:
            queue.append(one)
            return
        self._waiting[place] = deque([one])
        task = asyncio.create_task(self._send_all(*place))
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)

    async def _send_all(self, topic: str, partition: int) -> None:
        """Send what waits for a partition, batch by batch, until nothing does."""
        queue = self._waiting[topic, partition]
        while queue:
            batch = self._producer.create_batch()
            sent = _filled(batch, queue)
            if not sent:
                break
            try:
                stored = await (await self._producer.send_batch(batch, topic, partition=partition))
                self._heard_at = asyncio.get_running_loop().time()
                first: Place | None = Place(stored.partition, stored.offset)
            except KafkaError:
                first = None
            except Exception as error:  # noqa: BLE001 - raised by those who wait for it
                for one in sent:
                    one.request.fail(error)
                continue
            for after, one in enumerate(sent):
                one.request.end(one.number, first and first.after(after))
        del self._waiting[topic, partition]


def _filled(batch: Any, queue: deque[_Waiting]) -> list[_Waiting]:  # noqa: ANN401 - aiokafka's own builder
    """Move into the batch what it takes of the queue, in order; leave out whose request is over."""
    sent: list[_Waiting] = []
    while queue:
        record, request, _ = queue[0]
        if not request.told.done():
            if not _appended(batch, record):
                break
            request.on_its_way = True
            sent.append(queue[0])
        queue.popleft()
    return sent


def _appended(batch: Any, record: Outgoing) -> bool:  # noqa: ANN401 - as above
    kept = batch.append(key=record.key, value=record.value, timestamp=None, headers=list(record.headers))
    return kept is not None
