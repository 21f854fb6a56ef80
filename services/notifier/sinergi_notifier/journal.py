"""Writes states to a lane: whatever waits at the same moment shares one transaction."""

import asyncio
from collections.abc import Awaitable, Callable

from sinergi_shared.runtime.lanes import Outgoing

Publish = Callable[[int, list[Outgoing]], Awaitable[bool]]


class Journal:
    """``publish`` writes records in one transaction and returns whether the lane is still ours."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._waiting: dict[int, list[tuple[Outgoing, asyncio.Future[bool]]]] = {}
        self._writers: dict[int, asyncio.Task[None]] = {}

    async def write(self, lane: int, record: Outgoing) -> bool:
        """Return once the record is committed; ``False`` when the lane is not ours any more."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, []).append((record, done))
        if lane not in self._writers:
            self._writers[lane] = asyncio.create_task(self._write_all(lane))
        return await done

    async def _write_all(self, lane: int) -> None:
        try:
            while batch := self._waiting.pop(lane, None):
                await self._write_batch(lane, batch)
        finally:
            del self._writers[lane]

    async def _write_batch(self, lane: int, batch: list[tuple[Outgoing, asyncio.Future[bool]]]) -> None:
        try:
            ours = await self._publish(lane, [record for record, _ in batch])
        except Exception as error:  # noqa: BLE001 - each writer hears of it, and the process ends
            for _, done in batch:
                done.set_exception(error)
            return
        for _, done in batch:
            done.set_result(ours)
