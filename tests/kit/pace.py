"""How fast this machine is: a law told in milliseconds of processor time is held in its own."""

import json
import time
from collections.abc import Callable

TOLD_S = 0.011
"""Processor time of `_yardstick` on the machine for which the laws are told."""


def told(work: Callable[[], object], runs: int = 8) -> float:
    """Least processor time of `work`, in seconds of the machine for which the laws are told.

    The yardstick is laid on right before and right after each run, and the quicker of the two counts:
    so a machine that is slowed down by others for a while does not.
    """

    def once() -> float:
        before = _spent(_yardstick)
        time_of_work = _spent(work)
        return time_of_work / _slower(min(before, _spent(_yardstick)))

    return min(once() for _ in range(runs))


def on_this_machine(told_s: float) -> float:
    """Seconds of processor time on the machine at hand for `told_s` on the one for which it is told."""
    return told_s * _slower(min(_spent(_yardstick) for _ in range(5)))


def _slower(yardstick_s: float) -> float:
    return max(1.0, yardstick_s / TOLD_S)


def _spent(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _yardstick() -> object:
    """Work as ingest does it: text decoded, text searched, a loop in Python."""
    text = json.dumps([{"number": number, "text": 'x"' * 20} for number in range(2_000)])
    return json.loads(text), text.count("x\\"), sum(number % 7 for number in range(60_000))
