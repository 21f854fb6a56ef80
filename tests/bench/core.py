"""The whole core alone, records in, records out, no Kafka: how its CPU grows with the pack."""

import gc
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.rules import Rules
from sinergi_shared.contracts import topics
from tests.bench import packs
from tests.bench.workload import LANES, Workload
from tests.kit.decisions import nothing_kept

BATCH: Final = 500
EVENTS: Final = 4_000


@dataclass(slots=True)
class Arriving:
    """A record as a consumer hands it out."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


class Core:
    """The router's lane over one policy; each pass takes events that it has not seen."""

    def __init__(self, policy: Any, workload: Workload) -> None:
        self._policy = policy
        self._workload = workload
        self._metrics = RouterMetrics(CollectorRegistry(), LANES)
        self._next = 0

    def cpu_us(self, events: int = EVENTS) -> float:
        """Return the CPU of one event in microseconds, over so many new events in batches."""
        batches = list(self._batches(events))
        lane = self._lane()
        gc.collect()
        gc.freeze()
        start = time.process_time()
        for batch in batches:
            list(lane.work(batch))
        spent = time.process_time() - start
        gc.unfreeze()
        return 1e6 * spent / events

    def told(self, events: int = 1_000) -> list[tuple[str, bytes | None]]:
        """Return topic and key of everything that the first events cause."""
        lane = self._lane()
        records = [self._record(index) for index in range(events)]
        return sorted((out.topic, out.key or b"") for out in lane.work(records))

    def _lane(self) -> RouterLane:
        rules, threads = Rules(self._policy), Threads(2 * EVENTS)
        return RouterLane(0, rules, self._metrics, lambda: datetime.now(UTC), nothing_kept, threads)

    def _batches(self, events: int) -> Sequence[Sequence[Arriving]]:
        records = [self._record(index) for index in range(self._next, self._next + events)]
        self._next += events
        return [records[at : at + BATCH] for at in range(0, events, BATCH)]

    def _record(self, index: int) -> Arriving:
        sent = self._workload.event(index)
        return Arriving(topics.EVENTS, sent.lane, index, int(time.time() * 1000), sent.key, sent.value)


def suite(run: Any) -> None:
    """Compare small and large packs, in interleaved pairs, after one unmeasured pass of each."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _areas(run, home)
        _mandates(run, home)
        _recipients(run, home)


def _areas(run: Any, home: Path) -> None:
    # Parts have codes that a source cannot name, so all name the kabupaten, which both packs have.
    workload = _naming_kabupaten(_now())
    small = Core(packs.kalbar(home / "areas-174"), workload)
    cut = Core(packs.many_areas(home / "areas-7000"), workload)
    _same(small, cut)
    _pairs(run, "areas_7000_per_174", small, cut, lambda few, many: many / few)


def _mandates(run: Any, home: Path) -> None:
    workload = _only(_now(), lambda data: data["situation"] in packs.SITUATIONS)
    small = Core(packs.few_mandates(home / "mandates-10"), workload)
    large = Core(packs.many_mandates(home / "mandates-10000"), workload)
    _same(small, large)
    _pairs(run, "mandates_10000_per_10", small, large, lambda few, many: many / few)


def _recipients(run: Any, home: Path) -> None:
    workload = _only(_now(), lambda data: "movement" not in data)
    two = Core(packs.recipients(home / "recipients-2", 2), workload)
    twenty = Core(packs.recipients(home / "recipients-20", 20), workload)
    for core, count in ((two, 2), (twenty, 20)):
        alerts = [topic for topic, _ in core.told(100) if topic.startswith(topics.alerts(""))]
        if len(alerts) != 100 * count:
            raise AssertionError(f"{len(alerts)} alerts of 100 events, not {count} each")
    _pairs(run, "added_recipient_us", two, twenty, lambda few, many: (many - few) / 18)


def _pairs(run: Any, name: str, small: Core, large: Core, ratio: Callable[[float, float], float]) -> None:
    run.say(f"{name}: {run.asked.pairs} pairs")
    small.cpu_us()
    large.cpu_us()
    for pair in range(run.asked.pairs):
        order = (small, large) if pair % 2 == 0 else (large, small)
        spent = {core: core.cpu_us() for core in order}
        run.saw(name, small_us=spent[small], large_us=spent[large])
        run.add(name, ratio(spent[small], spent[large]))


def _same(small: Core, large: Core) -> None:
    few, many = Counter(small.told()), Counter(large.told())
    if few != many:
        differing = (few - many).total() + (many - few).total()
        raise AssertionError(f"the two packs' outcomes differ in {differing} of {few.total()} records")


def _now() -> Workload:
    return Workload.drawn(datetime.now(UTC))


def _only(workload: Workload, holds: Callable[[dict[str, Any]], bool]) -> Workload:
    return workload.over([one for one in workload.documents if holds(one["data"])])


def _naming_kabupaten(workload: Workload) -> Workload:
    documents = json.loads(json.dumps(workload.documents))
    for document in documents:
        place = document["data"]["location"]
        if "adminCode" in place:
            place["adminCode"] = place["adminCode"][:5]
    return workload.over(documents)
