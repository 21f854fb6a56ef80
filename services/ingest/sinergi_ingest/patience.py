"""Guessing is slow: failures of one address, and those of all together, are answered at a pace.

A good key is never held up, however many bad ones come from its address or from everywhere: a post
behind a shared address must get its report through. Answers that are held back are few as well,
for each holds a connection: what comes on top is answered at once and costs us nothing more.
"""

from collections import OrderedDict
from math import inf
from typing import Final

FREE: Final = 10
"""So many failures of an address in a row are answered at once: people mistype."""

STEP_S: Final = 0.2
ALL_FREE: Final = 200
"""As many of all addresses together: after a rotation that went wrong every post comes at once."""

ALL_STEP_S: Final = 0.02
LONGEST_S: Final = 5.0
REMEMBERED: Final = 10_000
MOST_HELD: Final = 1_000


class Patience:
    """Remembers when each failing address is next answered, and all of them; at most 10,000 addresses."""

    def __init__(self) -> None:
        self._next: OrderedDict[str, float] = OrderedDict()
        self._next_of_all = -inf
        self._held = 0

    def failed(self, address: str, now: float) -> float:
        """Note a failure; return for how many seconds its answer is to be held back."""
        due = _next(self._next.pop(address, -inf), now, FREE, STEP_S)
        self._next[address] = due
        if len(self._next) > REMEMBERED:
            self._next.popitem(last=False)
        self._next_of_all = _next(self._next_of_all, now, ALL_FREE, ALL_STEP_S)
        if self._held >= MOST_HELD:
            return 0.0
        return max(0.0, due - now, self._next_of_all - now)

    def __enter__(self) -> None:
        """Hold one answer back."""
        self._held += 1

    def __exit__(self, *_error: object) -> None:
        self._held -= 1

    def __len__(self) -> int:
        return len(self._next)


def _next(before: float, now: float, free: int, step_s: float) -> float:
    return min(max(before, now - free * step_s) + step_s, now + LONGEST_S)
