"""For how long, and how often, something that does not answer is tried again."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0


class Patience:
    """One time of waiting for all events of a run: it begins with a failure and ends with a success.

    Once it is used up, each further event gets one try, so that a long file does not wait anew for
    each. ``told`` hears whole seconds waited so far, before each pause.
    """

    def __init__(self, within_s: float, told: Callable[[int], None] = lambda _seconds: None) -> None:
        self._within_s = within_s
        self._told = told
        self._since: float | None = None

    @property
    def left(self) -> float:
        """Seconds that may still be spent on waiting."""
        if self._since is None:
            return self._within_s
        return max(0.0, self._since + self._within_s - _now())

    def answered(self) -> None:
        """Take note of an answer, whatever it was: the other side is there."""
        self._since = None

    def failed(self, since: float | None = None) -> None:
        """Take note that there was no answer, ``since`` this time of the loop or now."""
        if self._since is None:
            self._since = _now() if since is None else since

    async def pause(self, attempt: int, at_least_s: float = 0.0) -> bool:
        """Wait before try number ``attempt`` + 1; return false at once when there is no time for it."""
        self.failed()
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt - 1, 10))
        wait_s = max(at_least_s, longest * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        if wait_s > self.left:
            return False
        self._told(round(self._within_s - self.left))
        await asyncio.sleep(wait_s)
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
