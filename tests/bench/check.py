"""A peer is timed only when it tells the recipients that the oracle tells, and writes what the router writes."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import alert_number
from sinergi_shared.contracts.thread import TOTALS_KEY
from tests.bench.bus import Bus
from tests.bench.recording import Plan
from tests.bench.workload import Sent
from tests.kit.oracle import Oracle, kalbar, sample_sources

CHECKED: Final = 10_000
BYTES_APART: Final = 0.02  # times and waits differ from run to run

Told = tuple[str, str, str, str, bool, int | None]
"""Recipient, role, level, rule, whether it leads, minutes to answer."""


class UnequalError(AssertionError):
    """A peer does another job than the router: its figures would mean nothing."""


def expected(events: Iterable[Sent]) -> list[tuple[str, list[Told]]]:
    """Return for each event its id and whom the documents want told, by the oracle."""
    oracle = Oracle(kalbar(), sample_sources())
    answers = (oracle.explain(event.value) for event in events)
    return [(answer["id"], sorted(map(_wanted, answer["alerts"]))) for answer in answers]


def same_as_oracle(bus: Bus, wanted: list[tuple[str, list[Told]]], threads: list[bytes]) -> None:
    """Raise ``UnequalError`` unless the alert topics hold exactly these alerts, once each."""
    event_of = {
        alert_number(thread.decode(), event, told[0]): event
        for (event, alerts), thread in zip(wanted, threads, strict=True)
        for told in alerts
    }
    found: dict[str, list[Told]] = {event: [] for event, _ in wanted}
    for message in bus.read(bus.alerts):
        alert = json.loads(message.value())
        event = event_of.get(alert["subject"])
        if event is None:
            raise UnequalError(f"an alert on {message.topic()} that the oracle does not know")
        found[event].append(_found(alert))
    wrong = [event for event, alerts in wanted if sorted(found[event]) != alerts]
    if wrong:
        raise UnequalError(f"{len(wrong)} of {len(wanted)} events tell others than the oracle, such as {wrong[0]}")


def same_records(bus: Bus, plan: Plan, events: int) -> tuple[int, int]:
    """Return bytes found and planned; raise unless every place has as many records, of about the size."""
    found: Counter[tuple[str, int]] = Counter()
    size: Counter[tuple[str, int]] = Counter()
    for message in bus.read(bus.outputs):
        if message.key() != TOTALS_KEY:
            found[message.topic(), message.partition()] += 1
            size[message.topic(), message.partition()] += len(message.value())
    planned: Counter[tuple[str, int]] = Counter()
    planned_size = 0
    for written in _first(plan, events):
        planned[plan.places[written[0]]] += 1
        planned_size += written[2]
    if found != planned:
        places = sorted(place for place in found | planned if found[place] != planned[place])
        raise UnequalError(f"other records than the router's at {len(places)} places, such as {places[0]}")
    if abs(size.total() - planned_size) > BYTES_APART * planned_size:
        raise UnequalError(f"{size.total():,} bytes, the router wrote {planned_size:,}")
    return size.total(), planned_size


def _first(plan: Plan, events: int) -> Iterable[Any]:
    if events != plan.events:
        raise ValueError("a check reads the outcome of all events of its plan")
    return (written for lane in plan.lanes for event in lane for written in event)


def _wanted(alert: dict[str, Any]) -> Told:
    return (
        alert["recipient"],
        alert["role"],
        alert["disclosure"],
        alert["rule"],
        alert["lead"],
        alert["ackMinutes"],
    )


def _found(alert: dict[str, Any]) -> Told:
    data = alert["data"]
    due = data.get("ackDueAt")
    waits = (datetime.fromisoformat(due) - datetime.fromisoformat(alert["time"])).total_seconds() if due else None
    return (
        data["recipient"]["code"],
        data["recipient"]["role"],
        data["disclosureLevel"],
        data["routing"]["rule"],
        data["lead"],
        None if waits is None else round(waits / 60),
    )
