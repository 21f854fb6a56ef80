"""Events to send by the thousand, and who must be told of each: samples with new identities.

Who must be told comes from the oracle, which shares no code with the services.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

from sinergi_ops.sending.fresh import freshened
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import alert_number, thread_id
from tests.kit.oracle import oracle, sample_events

_ID: Final = b"@id@"
_NUMBER: Final = b"@number@"
_THREAD: Final = b"@thread@"


@dataclass(frozen=True, slots=True)
class Template:
    """One sample as bytes with places for its identity, and its recipients by the oracle."""

    source: str
    severity: str
    exercise: bool
    recipients: tuple[str, ...]
    body: bytes

    def event(self, one: "Sent") -> bytes:
        """Return the admitted event, as ingest would publish it."""
        return (
            self.body.replace(_ID, one.event_id.encode())
            .replace(_NUMBER, one.number.encode())
            .replace(_THREAD, one.thread.encode())
        )

    def expected(self, one: "Sent") -> list[tuple[str, str]]:
        """Return topic and subject of every record that this event must cause, each exactly once."""
        return self.told(one, self.recipients)

    def told(self, one: "Sent", recipients: Iterable[str]) -> list[tuple[str, str]]:
        """Return the same where these must be told, by whatever pack."""
        name = topics.drills if self.exercise else topics.alerts
        alerts = [(name(code), alert_number(one.thread, one.event_id, code)) for code in recipients]
        return [*alerts, (topics.JOBS, one.event_id)]


@dataclass(slots=True)
class Sent:
    """An event of the sender's own list; ``sent_at`` and ``acked_at`` are monotonic seconds."""

    template: Template
    event_id: str
    number: str
    thread: str
    lane: int
    sent_at: float = 0.0
    acked_at: float = 0.0


def made(template: Template, run: str, count: int, lanes: int) -> Sent:
    """Return a new event; ``run`` is four hexadecimal digits that tell this run from others."""
    number = f"PRS-20260310-{run.upper()}{count:06X}"
    thread = thread_id(template.source, number)
    event_id = f"019cd550-3750-7e84-8{run[:3]}-{run[3:]}{count:011x}"
    return Sent(template, event_id, number, thread, topics.lane_of(thread, lanes))


@cache
def templates() -> tuple[Template, ...]:
    """Return the eight scenarios and one exercise, their times moved to now."""
    events = sample_events()
    exercise = next(event for event in events if event["data"]["status"] == "Exercise")
    fresh = freshened([*events[:8], exercise], datetime.now(UTC))
    return tuple(_template(event) for event in fresh)


def _template(event: dict) -> Template:
    answer = oracle().explain(json.dumps(event).encode())
    assert answer["outcome"] == "routed", answer
    placed = event | {"id": _ID.decode(), "subject": _NUMBER.decode(), "partitionkey": _THREAD.decode()}
    placed["data"] = event["data"] | {"eventNumber": _NUMBER.decode()}
    return Template(
        source=event["source"],
        severity=event["data"]["severity"],
        exercise=event["data"]["status"] == "Exercise",
        recipients=tuple(sorted(alert["recipient"] for alert in answer["alerts"])),
        body=json.dumps(placed, ensure_ascii=False, separators=(",", ":")).encode(),
    )
