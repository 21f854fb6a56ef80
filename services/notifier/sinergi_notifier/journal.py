"""Writes states to a lane: whatever waits at the same moment shares one transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sinergi_shared.runtime.transactions import Outgoing

Publish = Callable[[int, list[Outgoing], Callable[[], None]], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class _Entry:
    record: Outgoing
    committed: Callable[[], None]
    done: asyncio.Future[bool]


class Journal:
    """``publish`` writes in one transaction, calls back in it, and returns whether the lane is ours."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._waiting: dict[int, list[_Entry]] = {}
        self._writers: dict[int, asyncio.Task[None]] = {}

    async def write(self, lane: int, record: Outgoing, committed: Callable[[], None]) -> bool:
        """Return once the record is committed; ``False`` when the lane is not ours any more.

        ``committed`` is called first, before the lane's next transaction: a job taken over in
        between must not judge by a state that has just been written.
        """
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lane, []).append(_Entry(record, committed, done))
        if lane not in self._writers:
            self._writers[lane] = asyncio.create_task(self._write_all(lane))
        return await done

    async def _write_all(self, lane: int) -> None:
        try:
            while batch := self._waiting.pop(lane, None):
                await self._write_batch(lane, batch)
        finally:
            del self._writers[lane]

    async def _write_batch(self, lane: int, batch: list[_Entry]) -> None:
        def committed() -> None:
            for entry in batch:
                entry.committed()

        try:
            ours = await self._publish(lane, [entry.record for entry in batch], committed)
        except Exception as error:  # noqa: BLE001 - each writer hears of it, and the process ends
            for entry in batch:
                entry.done.set_exception(error)
            return
        for entry in batch:
            entry.done.set_result(ours)
