"""Latency with an open loop: from when an event was to be sent until its last alert could be read.

The times of sending are fixed beforehand, so that a stall is counted for every event that waited
(no coordinated omission). The reader sees committed records only, as an agency does.
"""

import gc
import threading
import time
from dataclasses import dataclass
from subprocess import Popen
from typing import Any, Final, Self

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from sinergi_shared.contracts import topics
from tests.bench.bulk import Bulk
from tests.bench.bus import Bus
from tests.bench.contenders import Job, Name, running
from tests.bench.meter import DiedError
from tests.bench.recording import Plan
from tests.bench.workload import Sent, Workload

WARM_S: Final = 5.0
PATIENCE_S: Final = 120.0
COMMIT_MS: Final = 50
FAST: Final = 2_000
SLOW: Final = 200


@dataclass(frozen=True, slots=True)
class Delay:
    """Milliseconds from the planned sending of an event to its last alert."""

    p50: float
    p99: float
    most: float
    events: int


class Agencies:
    """Reads every alert topic, committed records only, and notes when each event's alerts arrived."""

    def __init__(self, bus: Bus, plan: Plan, sent: list[Sent]) -> None:
        self._of_key, self.expected = _alerts_of(plan, sent)
        self.left = list(self.expected)
        self.complete_at = [0.0] * len(sent)
        self._stop = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": bus.bootstrap,
                "log_level": 0,
                "group.id": "bench-agencies",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 5,
            }
        )
        self._consumer.assign([TopicPartition(name, 0, 0) for name in bus.alerts])
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def wait(self, upto: int, process: Popen[bytes]) -> None:
        """Return once the first ``upto`` events have all their alerts; the process must live."""
        deadline = time.monotonic() + PATIENCE_S
        while any(self.left[:upto]):
            if process.poll() is not None:
                raise DiedError(f"exit code {process.returncode}; see .local/bench/log")
            if time.monotonic() > deadline:
                missing = sum(map(bool, self.left[:upto]))
                raise TimeoutError(f"alerts of {missing} of {upto} events are missing")
            time.sleep(0.05)

    def _read(self) -> None:
        left, complete_at, of_key = self.left, self.complete_at, self._of_key
        while not self._stop.is_set():
            messages = self._consumer.consume(2_000, 0.005)
            now = time.time()
            for message in messages:
                index = of_key[message.key()]
                left[index] -= 1
                complete_at[index] = now


def _alerts_of(plan: Plan, sent: list[Sent]) -> tuple[dict[bytes | None, int], list[int]]:
    """Return which event each alert key belongs to, and how many alerts each event has."""
    is_alert = [topic.startswith(topics.alerts("")) for topic, _ in plan.places]
    next_in = [0] * len(plan.lanes)
    of_key: dict[bytes | None, int] = {}
    counts = []
    for index, event in enumerate(sent):
        alerts = [one for one in plan.lanes[event.lane][next_in[event.lane]] if is_alert[one[0]]]
        next_in[event.lane] += 1
        of_key.update((key, index) for _, key, _, _ in alerts)
        counts.append(len(alerts))
    return of_key, counts


def suite(run: Any, bus: Bus, workload: Workload) -> None:
    """Pair the router with ``copy`` at 2,000 events/s and at 200; the commit interval is 50 ms."""
    asked = run.asked
    events = int((WARM_S + asked.seconds) * FAST)
    run.say(f"latency: the router works {events:,} events once, unmeasured")
    plan = Bulk(bus, workload, events, COMMIT_MS).record()
    sent = list(workload.events(events))
    _pairs(run, bus, plan, sent, "router_eos_p50_per_passthrough", FAST, asked.pairs, "p50")
    _pairs(run, bus, plan, sent, "router_p99_per_passthrough", SLOW, 2 * asked.pairs, "p99")


def _pairs(  # noqa: PLR0913, PLR0917 - a measurement is told by all of these
    run: Any, bus: Bus, plan: Plan, sent: list[Sent], ratio: str, rate: int, pairs: int, percentile: str
) -> None:
    part = sent[: int((WARM_S + run.asked.seconds) * rate)]
    for pair in range(pairs):
        run.say(f"{ratio}: pair {pair + 1} of {pairs}")
        names: list[Name] = ["router", "copy"] if pair % 2 == 0 else ["copy", "router"]
        found = {name: _one(bus, plan, part, name, rate) for name in names}
        for name in names:
            delay = found[name]
            run.saw(f"{name}@{rate}", p50_ms=delay.p50, p99_ms=delay.p99, max_ms=delay.most)
        run.add(ratio, getattr(found["router"], percentile) / getattr(found["copy"], percentile))


def _one(bus: Bus, plan: Plan, sent: list[Sent], name: Name, rate: int) -> Delay:
    warm = int(WARM_S * rate)
    job = Job(bus.lane_ends(), COMMIT_MS)
    with running(name, bus, job) as process, Agencies(bus, plan, sent) as agencies:
        send = _Sender(bus)
        send.at_rate(sent[:1], rate)
        agencies.wait(1, process)  # it has started
        send.at_rate(sent[1:warm], rate)
        agencies.wait(warm, process)
        planned = send.at_rate(sent[warm:], rate)
        agencies.wait(len(sent), process)
        delays = 1000 * (np.array(agencies.complete_at[warm:]) - planned)
    p50, p99 = np.percentile(delays, [50, 99])
    return Delay(float(p50), float(p99), float(delays.max()), len(delays))


class _Sender:
    def __init__(self, bus: Bus) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bus.bootstrap,
                "log_level": 0,
                "enable.idempotence": True,
                "linger.ms": 0.5,
            }
        )

    def at_rate(self, events: list[Sent], rate: int) -> np.ndarray:
        """Send each event at its time, or as soon after as it goes; return the times, seconds since 1970."""
        gc.collect()
        start = time.time() + 0.01
        planned = start + np.arange(len(events)) / rate
        done = 0
        while done < len(events):
            due = min(len(events), max(done, int((time.time() - start) * rate) + 1))
            for event in events[done:due]:
                self._producer.produce(topics.EVENTS, event.value, event.key, event.lane)
            done = due
            self._producer.poll(0)
            if done < len(events):
                time.sleep(max(0.0, min(0.002, planned[done] - time.time())))
        self._producer.flush(30)
        return planned
