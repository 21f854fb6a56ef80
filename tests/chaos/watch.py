"""What becomes visible, as it does: a read_committed tail of the audit record, one entry an event.

It paces a run and times it. Whether a law held is for the checker, which reads everything anew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from time import monotonic

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from sinergi_shared.contracts import topics
from sinergi_shared.runtime import kafka
from tests.chaos.templates import Sent


class Watch:
    """When each event was first seen to have an outcome, in monotonic seconds, by event id."""

    def __init__(self, lanes: int) -> None:
        self.seen: dict[str, float] = {}
        self.latest = dict.fromkeys(range(lanes), 0.0)
        self.longest_still = 0.0  # seconds that a lane was without progress, while events kept coming
        self.following: asyncio.Task[None] | None = None

    async def progress(self, after: float, within_s: float, lanes: Iterable[int] | None = None) -> float:
        """Return when the last of these lanes (or any, when none is named) first moved after ``after``.

        Infinite when they have not within the time.
        """
        waited = None if lanes is None else list(lanes)
        while monotonic() < after + within_s:
            times = [self.latest[lane] for lane in waited or self.latest]
            self._require_following()
            moved = all(time > after for time in times) if waited else any(time > after for time in times)
            if moved:
                return monotonic()
            await asyncio.sleep(0.02)
        return float("inf")

    def stuck(self, patience_s: float) -> bool:
        """Tell whether no lane has moved for so long."""
        return monotonic() - max(self.latest.values()) > patience_s

    async def drained(self, sent: Iterable[Sent], patience_s: float) -> bool:
        """Return once each of these has an outcome; ``False`` after so long without any progress."""
        missing = {one.event_id for one in sent}
        while missing := missing - self.seen.keys():
            self._require_following()
            if self.stuck(patience_s):
                return False
            await asyncio.sleep(0.1)
        return True

    def _require_following(self) -> None:
        if self.following is not None and self.following.done():
            self.following.result()

    async def _follow(self, reader: AIOKafkaConsumer) -> None:
        while True:
            for place, records in (await reader.getmany(timeout_ms=50)).items():
                now = monotonic()
                self.longest_still = max(self.longest_still, now - self.latest[place.partition])
                self.latest[place.partition] = now
                for record in records:
                    self.seen.setdefault(orjson.loads(record.value)["subject"], now)


@asynccontextmanager
async def watching(bootstrap: list[str], lanes: int) -> AsyncIterator[Watch]:
    """Follow the audit record from its present end for as long as the block lasts."""
    watch = Watch(lanes)
    reader = kafka.reader(bootstrap, fetch_max_wait_ms=50)
    await reader.start()
    places = [TopicPartition(topics.AUDIT, lane) for lane in range(lanes)]
    reader.assign(places)
    await reader.seek_to_end(*places)
    now = monotonic()
    watch.latest = dict.fromkeys(watch.latest, now)
    watch.following = task = asyncio.create_task(watch._follow(reader))
    try:
        yield watch
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await reader.stop()


@asynccontextmanager
async def arrivals(bootstrap: list[str], names: Iterable[str]) -> AsyncIterator[dict[tuple[str, str], float]]:
    """Note when (monotonic) each record of these one-partition topics is seen, by topic and subject."""
    arrived: dict[tuple[str, str], float] = {}
    reader = kafka.reader(bootstrap, fetch_max_wait_ms=50)
    await reader.start()
    places = [TopicPartition(name, 0) for name in names]
    reader.assign(places)
    await reader.seek_to_end(*places)

    async def follow() -> None:
        while True:
            for place, records in (await reader.getmany(timeout_ms=50)).items():
                now = monotonic()
                for record in records:
                    arrived.setdefault((place.topic, orjson.loads(record.value)["subject"]), now)

    task = asyncio.create_task(follow())
    try:
        yield arrived
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await reader.stop()
