"""The router's memory over a million threads, and whether it still knows the first of them."""

import time
from subprocess import Popen
from typing import Any, Final

from sinergi_shared.contracts import topics
from tests.bench.bus import Bus
from tests.bench.contenders import GROUPS, Job, running
from tests.bench.meter import rss_bytes, wait_for
from tests.bench.workload import Workload

CAP: Final = {"SINERGI_THREADS_IN_MEMORY": "100000"}
STEP: Final = 10_000
AHEAD: Final = 30_000
EARLIEST: Final = 1_000
SETTLES_S: Final = 3.0
SEGMENTS: Final = {"segment_bytes": str(16 << 20)}  # so that what is trimmed leaves the disk
PATIENCE_S: Final = 300.0


def suite(run: Any, bus: Bus, workload: Workload) -> None:
    """Send events without a pause, compare RSS at a fifth and at the end, then repeat the earliest ids."""
    total = run.asked.memory_events
    first = bus.lane_ends()
    job = Job(first, run.asked.commit_ms, env=CAP, output_config=SEGMENTS)
    with running("router", bus, job) as process:
        stream = _Stream(bus, workload, process, first)
        early = stream.upto(total // 5, run)
        late = stream.upto(total, run)
        run.saw("memory", early_mib=early / 2**20, late_mib=late / 2**20)
        again = stream.repeat(min(EARLIEST, total))
    if again:
        raise AssertionError(f"{again} alerts for ids that were routed before: the router has forgotten them")
    run.say(f"  {EARLIEST:,} earliest ids repeated: 0 new alerts")
    run.add("memory_growth_1m", late / early - 1)


class _Stream:
    """Keeps the router busy, never far ahead of it, and the disk clear of what it has written."""

    def __init__(self, bus: Bus, workload: Workload, process: Popen[bytes], first: list[int]) -> None:
        self._bus = bus
        self._workload = workload
        self._process = process
        self._first = first
        self._sent = 0

    def upto(self, count: int, run: Any) -> int:
        """Return the resident bytes once so many events are done."""
        while self._sent < count:
            step = min(STEP, count - self._sent)
            self._bus.send(self._workload.events(step, self._sent))
            self._sent += step
            wait_for(self._process, self._done, self._sent - AHEAD, PATIENCE_S)
            if self._sent % (5 * STEP) == 0:
                self._trim()
                run.say(f"  {self._sent:,} events, {rss_bytes(self._process.pid) / 2**20:,.0f} MiB")
        wait_for(self._process, self._done, count, PATIENCE_S)
        self._trim()
        time.sleep(SETTLES_S)
        return rss_bytes(self._process.pid)

    def repeat(self, count: int) -> int:
        """Send the earliest events once more; return how many alerts that gives."""
        before = self._bus.ends(self._bus.alerts)
        self._bus.send(self._workload.events(count))
        self._sent += count
        wait_for(self._process, self._done, self._sent, PATIENCE_S)
        return sum(1 for _ in self._bus.read(self._bus.alerts, before))

    def _done(self) -> int:
        return sum(
            max(0, at - start)
            for at, start in zip(self._bus.committed(GROUPS["router"]), self._first, strict=True)
        )

    def _trim(self) -> None:
        # Compacted topics cannot be trimmed; the router's memory is one of them.
        self._bus.trim([*self._bus.alerts, topics.JOBS, topics.AUDIT])
