"""``make bench``: router and ingest against their yardsticks, in interleaved pairs. See ``--help``."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from tests.bench import bulk, core, ingest, latency, memory, report
from tests.bench import bus as buses
from tests.bench.workload import Workload

SUITES: Final = {
    "cpu": "CPU an event: router by copy",
    "core": "whole core alone: areas, mandates, added recipient (no Kafka)",
    "latency": "p50 at 2,000 and p99 at 200 events/s: router by copy",
    "confluent": "CPU an event: plain confluent loop by router",
    "naive": "CPU an event: FastStream per message by router",
    "streams": "rate: router by Kafka Streams, warm half",
    "memory": "RSS after 1,000,000 events by RSS after 200,000",
    "ingest": "CPU an event over HTTP, by hundreds and one by one: ingest by a bare app",
}


def main() -> int:
    """Measure what was asked for; return 1 when a goal was missed."""
    asked = _arguments()
    run = Run(asked)
    asyncio.run(run.all())
    print(f"\n{report.table(run.ratios)}\n\n  {report.REPORT}")  # noqa: T201 - a command prints
    return 0 if all(row["met"] for row in report.summary(run.ratios).values()) else 1


class Run:
    """One run of the chosen suites; ``ratios`` grow pair by pair, the report is written after each."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked = asked
        self.ratios: report.Ratios = {}
        self.seen: dict[str, list[Any]] = {}
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Tell how far it is, with minutes and seconds since the start."""
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        print(f"{minutes:3}:{seconds:02}  {text}", flush=True)  # noqa: T201 - a command prints

    def add(self, name: str, value: float) -> None:
        """Take one pair's ratio."""
        self.ratios.setdefault(name, []).append(value)
        self.say(f"{name} = {value:.3f}   (goal {report.GOALS[name]})")
        report.write(self.ratios, self.asked.pairs, self.seen)

    def saw(self, name: str, **figures: float) -> None:
        """Keep and tell figures of one contender's run."""
        kept = {key: round(value, 2) for key, value in figures.items()}
        self.seen.setdefault(name, []).append(kept)
        self.say(f"  {name}: " + ", ".join(f"{key} {value:,}" for key, value in kept.items()))

    async def all(self) -> None:
        """Run the suites that need no Kafka, then the others on one node."""
        if "core" in self.asked.suites:
            core.suite(self)
        if set(self.asked.suites) - {"core"}:
            self.say("Kafka")
            async with buses.running() as bus:
                if failed := await asyncio.to_thread(self._on_safely, bus):
                    raise failed

    def _on_safely(self, bus: buses.Bus) -> Exception | None:
        # Raised in the thread, a TimeoutError would lose its traceback on the way to the loop.
        try:
            self._on(bus)
        except Exception as error:  # noqa: BLE001 - raised by whom it is returned to
            return error
        return None

    def _on(self, bus: buses.Bus) -> None:
        workload = Workload.drawn(datetime.now(UTC))
        suites: dict[str, Callable[..., None]] = {
            "latency": latency.suite,
            "memory": memory.suite,
            "ingest": ingest.suite,
        }
        if {"cpu", "confluent", "naive", "streams"} & set(self.asked.suites):
            bulk.suite(self, bus, workload)
        for name, suite in suites.items():
            if name in self.asked.suites:
                suite(self, bus, workload)


def _arguments() -> argparse.Namespace:
    told = "\n".join(f"  {name:10} {what}" for name, what in SUITES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=f"Medians over interleaved pairs, written to .local/bench/report.json.\n\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("suites", nargs="*", default=list(SUITES), metavar="SUITE", help="default: all")
    add("--pairs", type=int, default=5, help="pairs of each ratio (p99: twice as many)")
    add("--events", type=int, default=40_000, help="events of a bulk or ingest run; fewer leave the JVM cold")
    add("--warm", type=float, default=0.25, help="part of a bulk or ingest run that is warm-up")
    add("--limit", type=float, default=20.0, help="longest measured part of a bulk run, seconds")
    add("--checked", type=int, default=10_000, help="events on which a peer must equal the oracle first")
    add("--commit-ms", type=int, default=50, help="commit interval of the router and of every peer")
    add("--seconds", type=float, default=20.0, help="length of a latency run")
    add("--memory-events", type=int, default=1_000_000, help="events of the memory run")
    asked = parser.parse_args()
    if unknown := set(asked.suites) - SUITES.keys():
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    return asked


if __name__ == "__main__":
    sys.exit(main())
