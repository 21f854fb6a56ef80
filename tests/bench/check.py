"""A peer is timed only when it tells whom the oracle tells, and writes what the router writes."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import orjson

from sinergi_shared.contracts.ids import alert_number
from sinergi_shared.contracts.thread import TOTALS_KEY
from tests.bench.bus import Bus
from tests.bench.workload import Sent
from tests.kit.oracle import Oracle, kalbar, sample_sources

PASSING: Final = frozenset(
    {"time", "recordedtime", "expirytime", "ackDueAt", "latencyMs", "decidedAt", "receivedAt", "at"}
)

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
        raise UnequalError(
            f"{len(wrong)} of {len(wanted)} events tell others than the oracle, such as {wrong[0]}"
        )


def contents(bus: Bus) -> Counter[tuple[str, int, bytes]]:
    """Return every record written but the lanes' totals: topic, partition, digest of key and content.

    Left out of the content is what differs from run to run: times and waits, and the digest of an
    event's own bytes, for which each language has its own canonical form.
    """
    return Counter(
        (message.topic(), message.partition(), _digest(message.key(), message.value()))
        for message in bus.read(bus.outputs)
        if message.key() != TOTALS_KEY
    )


def same_contents(router: Counter[tuple[str, int, bytes]], peer: Counter[tuple[str, int, bytes]]) -> None:
    """Raise ``UnequalError`` unless a peer wrote the router's records, to the same places."""
    differing = (router - peer) + (peer - router)
    if differing:
        topics_ = sorted({topic for topic, _, _ in differing})
        raise UnequalError(
            f"{differing.total()} records differ from the router's, on {', '.join(topics_[:5])}"
        )


def _digest(key: bytes | None, value: bytes) -> bytes:
    document = _lasting(orjson.loads(value))
    text = orjson.dumps([(key or b"").decode(), document], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).digest()


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: list(member) if key == "seen" else _lasting(member)
            for key, member in value.items()
            if key not in PASSING
        }
    return [_lasting(member) for member in value] if isinstance(value, list) else value


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
    waits = (
        (datetime.fromisoformat(due) - datetime.fromisoformat(alert["time"])).total_seconds() if due else None
    )
    return (
        data["recipient"]["code"],
        data["recipient"]["role"],
        data["disclosureLevel"],
        data["routing"]["rule"],
        data["lead"],
        None if waits is None else round(waits / 60),
    )
