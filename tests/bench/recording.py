"""What the router really writes for each event: the yardstick writes as many bytes to the same places."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.thread import TOTALS_KEY
from tests.bench.bus import HOME, Bus

PLAN: Final = HOME / "plan.pickle"

Written = tuple[int, bytes | None, int, tuple[tuple[str, bytes], ...]]
"""Index into ``places``, key, size of the value, headers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """For each lane, in the order of its events, what the router wrote for the event.

    ``totals`` are the lane's running totals, which are written once a transaction.
    """

    places: list[tuple[str, int]]
    lanes: list[list[list[Written]]]
    totals: list[list[Written]]

    @property
    def records_per_event(self) -> float:
        """How many records the router writes for one event."""
        return self._sum(lambda _: 1) / self.events

    @property
    def bytes_per_event(self) -> float:
        """How many bytes of values the router writes for one event."""
        return self._sum(lambda written: written[2]) / self.events

    @property
    def alert_topics(self) -> int:
        """How many alert topics are written to."""
        return sum(topic.startswith(topics.alerts("")) for topic, _ in self.places)

    @property
    def events(self) -> int:
        """Of how many events the plan tells."""
        return sum(map(len, self.lanes))

    def _sum(self, of) -> int:
        return sum(of(written) for lane in self.lanes for event in lane for written in event)


def record(bus: Bus, first: list[int], ends: list[int]) -> Plan:
    """Read all that the router wrote for the events from offsets ``first`` up to ``ends`` and save it."""
    places: dict[tuple[str, int], int] = {}
    lanes: list[list[list[Written]]] = [
        [[] for _ in range(end - start)] for start, end in zip(first, ends, strict=True)
    ]
    totals: list[list[Written]] = [[] for _ in ends]
    event_of = _events_by_cause(bus)
    for message in bus.read(bus.outputs):
        place = places.setdefault((message.topic(), message.partition()), len(places))
        headers = tuple((name, value) for name, value in message.headers() or ())
        written = (place, message.key(), len(message.value()), headers)
        if message.topic() == topics.THREADS and message.key() == TOTALS_KEY:
            totals[message.partition()] = [written]  # the last one: the longest
            continue
        lane, offset = event_of[_cause(message.topic(), message.value())]
        lanes[lane][offset - first[lane]].append(written)
    plan = Plan(list(places), lanes, totals)
    save(plan, PLAN)
    return plan


def save(plan: Plan, path: Path) -> None:
    """Keep a plan for the processes that follow it."""
    path.write_bytes(pickle.dumps(plan))


def load(path: Path) -> Plan:
    """Return a saved plan."""
    plan: Plan = pickle.loads(path.read_bytes())  # noqa: S301 - we wrote it
    return plan


def _events_by_cause(bus: Bus) -> dict[str, tuple[int, int]]:
    """Return lane and offset of each event, by every id under which its outcome names it."""
    found = {}
    for message in bus.read([topics.AUDIT]):
        audited = json.loads(message.value())["data"]
        place = audited["event"]["partition"], audited["event"]["offset"]
        for name in (audited["eventId"], *(told["alertNumber"] for told in audited["told"])):
            found[name] = place
    return found


def _cause(topic: str, value: bytes) -> str:
    document = json.loads(value)
    if topic == topics.THREADS:
        return next(iter(document["seen"]))
    if topic.startswith(topics.alerts("")):
        return document["subject"]
    return document["data"]["eventId"]
