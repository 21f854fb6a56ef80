"""CPU and rate in bulk: the events lie ready, a contender works them off, the first part is warm-up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.bench import check
from tests.bench.bus import Bus
from tests.bench.contenders import GROUPS, Job, Name, running
from tests.bench.meter import Cost, measure, wait_for
from tests.bench.recording import Plan, record
from tests.bench.workload import Workload


class Bulk:
    """Events on the bus, and the outcome that the router gave them."""

    def __init__(self, bus: Bus, workload: Workload, events: int, commit_ms: int) -> None:
        self._bus = bus
        self.first = bus.lane_ends()
        bus.send(workload.events(events))
        self.ends = bus.lane_ends()
        self.events = events
        self.commit_ms = commit_ms

    def record(self) -> Plan:
        """Let the router work once, unmeasured, and keep what it writes for the peers to follow."""
        with self.finished("router"):
            return record(self._bus, self.first, self.ends)

    @contextmanager
    def finished(self, name: Name) -> Iterator[None]:
        """Let a contender work off every event, unmeasured; the block reads what it wrote."""
        with running(name, self._bus, self._job) as process:
            wait_for(process, self._done(name), self.events, 1_800)
            yield

    def run(self, name: Name, warm: float, limit_s: float, events: int | None = None) -> Cost:
        """Return what a contender takes; ``warm`` is the part left out, ``events`` at most so many."""
        total = min(events or self.events, self.events)
        with running(name, self._bus, self._job) as process:
            return measure(process, self._bus.broker_pid, self._done(name), int(warm * total), total, limit_s)

    @property
    def _job(self) -> Job:
        return Job(self.first, self.commit_ms)

    def _done(self, name: Name):
        group = GROUPS[name]
        return lambda: sum(
            max(0, at - start) for at, start in zip(self._bus.committed(group), self.first, strict=True)
        )


WARM_HALF: Final = 0.5  # of the JVM's run, as issue and study judge it
FEWER: Final[dict[Name, int]] = {"naive": 10}  # part of the events that is enough for so slow a peer


def suite(run: Any, bus: Bus, workload: Workload) -> None:
    """Pair the router with each peer that was asked for; which of the two is first alternates."""
    asked = run.asked
    _check(run, bus, workload)  # first: nothing may lie behind the events that are measured
    bulk = Bulk(bus, workload, asked.events, asked.commit_ms)
    run.say(f"{asked.events:,} events are there; the router works once, unmeasured")
    plan = bulk.record()
    run.say(
        f"an event becomes {plan.records_per_event:.2f} records, {plan.bytes_per_event:,.0f} bytes; "
        f"{plan.alert_topics} alert topics, {len(plan.places)} partitions"
    )
    for pair in range(asked.pairs):
        run.say(f"pair {pair + 1} of {asked.pairs}")
        names: list[Name] = ["router", *(peer for peer in PEERS if suite_of(peer) in asked.suites)]
        costs = {name: _one(run, bulk, name) for name in (names if pair % 2 == 0 else reversed(names))}
        for peer in names[1:]:
            ratio, of = PEERS[peer]
            run.add(ratio, of(costs["router"], costs[peer]))


def _check(run: Any, bus: Bus, workload: Workload) -> None:
    """Hold each peer that decides against the oracle, before it is timed; the router too."""
    peers = [name for name in PEERS if name != "copy" and suite_of(name) in run.asked.suites]
    if not peers:
        return
    count = run.asked.checked
    run.say(f"the oracle decides {count:,} events")
    events = list(workload.events(count))
    wanted, threads = check.expected(events), [event.key for event in events]
    bulk = Bulk(bus, workload, count, run.asked.commit_ms)
    with bulk.finished("router"):
        check.same_as_oracle(bus, wanted, threads)
        router = check.contents(bus)
    run.say(f"  router: tells whom the oracle tells, {router.total():,} records")
    for name in peers:
        with bulk.finished(name):
            check.same_as_oracle(bus, wanted, threads)
            check.same_contents(router, check.contents(bus))
        run.say(f"  {name}: tells whom the oracle tells, and writes the router's records")


def suite_of(peer: Name) -> str:
    """Return the suite that asks for a peer."""
    return "cpu" if peer == "copy" else peer


PEERS: Final[dict[Name, tuple[str, Any]]] = {
    "copy": ("router_eos_cpu_per_copy", lambda router, peer: router.cpu_us / peer.cpu_us),
    "confluent": ("plain_confluent_cpu_per_router", lambda router, peer: peer.cpu_us / router.cpu_us),
    "naive": ("naive_faststream_cpu_per_router", lambda router, peer: peer.cpu_us / router.cpu_us),
    "streams": ("router_eos_rate_per_kafka_streams", lambda router, peer: router.rate / peer.rate),
}


def _one(run: Any, bulk: Bulk, name: Name) -> Cost:
    asked = run.asked
    warm = WARM_HALF if name == "streams" else asked.warm
    cost = bulk.run(name, warm, asked.limit, asked.events // FEWER.get(name, 1))
    run.saw(name, cpu_us=cost.cpu_us, rate=cost.rate, events=cost.events, broker_us=cost.broker_us)
    return cost
