"""The load: valid events to ``sinergi.events.v1`` at a steady rate, and the sender's own list of them.

What is not acknowledged is sent again under the same id, as a source would.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import count
from time import monotonic

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sinergi_shared.contracts import topics
from sinergi_shared.runtime import kafka
from tests.chaos.templates import Sent, made, templates

_TICK_S = 0.01


class Sender:
    """Sends until told to stop; never further ahead of ``done()`` than ``ahead`` events."""

    def __init__(
        self, bootstrap: list[str], lanes: int, run: str, rate: float, done: Callable[[], int], ahead: int
    ) -> None:
        self.acked: list[Sent] = []
        self.sent = 0
        self.resent = 0
        self.stalls: list[float] = []  # seconds from sending to acknowledgement, when over a second
        self._bootstrap = bootstrap
        self._rate = rate
        self._done = done
        self._ahead = ahead
        self._new = (made(template, run, number, lanes) for number, template in zip(count(), _endless()))
        self._again: deque[Sent] = deque()
        self._broken = False
        self._pending = 0

    async def run(self, enough: Callable[[], bool]) -> float:
        """Send until ``enough()``, wait for every acknowledgement, and return the seconds of sending."""
        producer = await self._producer()
        start = monotonic()
        due = 0.0
        while not enough() or self._pending or self._again:
            if self._broken:
                await producer.stop()
                producer, self._broken = await self._producer(), False
            due = min(due + self._rate * _TICK_S, self._rate)  # at most a second's worth to catch up
            for _ in range(int(due)):
                one = self._next(open_=not enough())
                if one is None:
                    break
                await self._send(producer, one)
                due -= 1
            await asyncio.sleep(max(0.0, _TICK_S - (monotonic() - start) % _TICK_S))
        seconds = monotonic() - start
        await producer.stop()
        return seconds

    def _next(self, *, open_: bool) -> Sent | None:
        if self._again:
            self.resent += 1
            return self._again.popleft()
        if not open_ or self.sent - self._done() >= self._ahead:
            return None
        self.sent += 1
        return next(self._new)

    async def _send(self, producer: AIOKafkaProducer, one: Sent) -> None:
        one.sent_at = one.sent_at or monotonic()
        try:
            stored = await producer.send(
                topics.EVENTS, one.template.event(one), key=one.thread.encode(), partition=one.lane
            )
        except KafkaError:
            self._broken = True
            self._again.append(one)
            return
        self._pending += 1
        stored.add_done_callback(lambda told: self._told(one, told))

    def _told(self, one: Sent, told: asyncio.Future) -> None:
        self._pending -= 1
        if told.cancelled() or told.exception() is not None:
            self._broken = True
            self._again.append(one)
            return
        one.acked_at = monotonic()
        self.acked.append(one)
        if one.acked_at - one.sent_at > 1:
            self.stalls.append(one.acked_at - one.sent_at)

    async def _producer(self) -> AIOKafkaProducer:
        while True:
            try:
                # Of a list, a client waits for each that is frozen, and the lanes would seem to stand still.
                producer = kafka.producer(await kafka.answering(self._bootstrap), linger_ms=5)
            except (KafkaError, OSError):
                await asyncio.sleep(0.2)
                continue
            try:
                await producer.start()
            except (KafkaError, OSError):
                await producer.stop()
                await asyncio.sleep(0.2)
            else:
                return producer


def _endless():
    while True:
        yield from templates()
