"""An event loop whose time is virtual: nobody waits, and one seed gives one course of events."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer when nothing else is left to do."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._now

    def _run_once(self) -> None:
        # asyncio has no public place for this; a test of its own would be needed for another loop.
        base: Any = self
        if not base._ready and base._scheduled:
            self._now = max(self._now, base._scheduled[0].when())
        once: Any = super()
        once._run_once()


def simulated(main: Coroutine[Any, Any, Any]) -> Any:
    """Run until ``main`` is done; what dead processes left waiting is dropped in silence."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        return loop.run_until_complete(main)
    finally:
        task: Any
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False
            with suppress(BaseException):  # a ``finally`` of the dead finds no loop any more
                task.get_coro().close()
        loop.close()
