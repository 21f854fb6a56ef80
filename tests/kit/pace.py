"""How fast this machine is: a law told in milliseconds of processor time is held in its own."""

import json
import time
from collections.abc import Callable

TOLD_S = 0.011
"""Processor time of `_yardstick` on the machine for which the laws are told."""


def spent(work: Callable[[], object], runs: int = 5) -> float:
    """Least processor time of `work`, in seconds, so that a busy machine does not count."""

    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(runs))


def on_this_machine(told_s: float) -> float:
    """Seconds of processor time on the machine at hand for `told_s` on the one for which it is told."""
    return told_s * max(1.0, spent(_yardstick) / TOLD_S)


def _yardstick() -> object:
    """Work as ingest does it: text decoded, text searched, a loop in Python."""
    text = json.dumps([{"number": number, "text": 'x"' * 20} for number in range(2_000)])
    return json.loads(text), text.count("x\\"), sum(number % 7 for number in range(60_000))
