"""Guessing is slow: failures of one address are answered one after another, never faster than a step.

A good key is never held up, however many bad ones come from its address: a post behind a shared
address must get its report through.
"""

from collections import OrderedDict
from math import inf
from typing import Final

FREE: Final = 10
"""So many failures of an address in a row are answered at once: people mistype."""

STEP_S: Final = 0.2
LONGEST_S: Final = 5.0
REMEMBERED: Final = 10_000


class Patience:
    """Remembers when each failing address is next answered; at most 10,000 of them."""

    def __init__(self) -> None:
        self._next: OrderedDict[str, float] = OrderedDict()

    def failed(self, address: str, now: float) -> float:
        """Note a failure; return for how many seconds its answer is held back."""
        due = max(self._next.pop(address, -inf), now - FREE * STEP_S) + STEP_S
        self._next[address] = min(due, now + LONGEST_S)
        if len(self._next) > REMEMBERED:
            self._next.popitem(last=False)
        return min(max(0.0, due - now), LONGEST_S)

    def __len__(self) -> int:
        return len(self._next)
