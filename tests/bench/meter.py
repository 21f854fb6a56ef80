"""Processor time of one process per event, and events a second, between two of its commits."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
EVERY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took: microseconds of CPU an event, events a second, and over how many it was measured."""

    cpu_us: float
    rate: float
    events: int
    broker_us: float


class DiedError(Exception):
    """A measured process ended by itself."""


def cpu_s(pid: int) -> float:
    """Return user and system time of a process, all its threads, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Sample:
    events: int
    at: float
    cpu: float
    broker: float


def wait_for(process: Popen[bytes], done: Callable[[], int], total: int, within_s: float) -> None:
    """Return once a living process has come to ``total`` events."""
    deadline = time.monotonic() + within_s
    while (found := done()) < total:
        if process.poll() is not None:
            raise DiedError(f"exit code {process.returncode}; see .local/bench/log")
        if time.monotonic() > deadline:
            raise TimeoutError(f"{found} of {total} events in {within_s:.0f} s")
        time.sleep(EVERY_S)


def measure(
    process: Popen[bytes], broker: int, done: Callable[[], int], warm: int, total: int, limit_s: float
) -> Cost:
    """Return the cost from the first commit at or after ``warm`` events to that of the last one.

    A run that has not come to ``total`` when ``limit_s`` seconds of measuring have passed ends there.
    """

    def sample() -> _Sample:
        if process.poll() is not None:
            raise DiedError(f"exit code {process.returncode}; see .local/bench/log")
        return _Sample(done(), time.perf_counter(), cpu_s(process.pid), cpu_s(broker))

    wait_for(process, done, max(1, warm), 120 + 3 * limit_s)
    first = last = sample()
    while last.events < total and last.at - first.at < limit_s:
        time.sleep(EVERY_S)
        last = sample()
    events = last.events - first.events
    if events <= 0:
        raise TimeoutError("the run was over before it could be measured: take more events")
    return Cost(
        cpu_us=1e6 * (last.cpu - first.cpu) / events,
        rate=events / (last.at - first.at),
        events=events,
        broker_us=1e6 * (last.broker - first.broker) / events,
    )
