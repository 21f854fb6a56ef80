"""What the samples must come to: the rows of the three expectation files, and which were met.

An alert on a topic is told by its number, which anybody can derive from source, event number,
event id and recipient; so each row is looked for where the agency reads, not in our counters.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.ids import alert_number, thread_id
from sinergi_shared.contracts.reasons import Outcome

Json = dict[str, Any]

ROUTING: Final = ("expected_routing.csv", "expected_routing_day.csv")
REJECTIONS: Final = "expected_rejections_day.csv"
_OUTCOMES: Final = {"dead_letter": Outcome.REJECTED, "merged": Outcome.MERGED, "stopped": Outcome.STOPPED}

# A column of the files, and how an alert tells the same.
_COLUMNS: Final = ("role", "disclosure", "ack_min", "kode_kec", "reason", "area_source")


@dataclass(frozen=True, slots=True)
class Expectation:
    """One row: what must be seen under this key, only the columns that the file has."""

    file: str
    key: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many rows were met; ``missing`` and ``extra`` name rows and sightings in words."""

    rows: int
    met: int
    missing: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether every row was met and nothing else was seen."""
        return not self.missing and not self.extra


def read_expectations(samples: Path, documents: Iterable[Json]) -> list[Expectation]:
    """Return the rows of all three files for the events in these documents."""
    threads = {
        document["id"]: thread_id(document["source"], document["data"]["eventNumber"])
        for document in documents
    }
    routed = [
        Expectation(
            file, _alert_key(threads[row["event_id"]], row), {c: row[c] for c in _COLUMNS if c in row}
        )
        for file in ROUTING
        for row in _rows(samples / file)
    ]
    unrouted = [
        Expectation(REJECTIONS, f"{row['event_id']} {_OUTCOMES[row['disposition']]} {row['reason']}", {})
        for row in _rows(samples / REJECTIONS)
    ]
    return routed + unrouted


def seen_alert(alert: Json) -> tuple[str, dict[str, str]]:
    """Return key and columns of an alert as it stands on its topic."""
    data = alert["data"]
    columns = {
        "role": data["recipient"]["role"],
        "disclosure": data["disclosureLevel"],
        "ack_min": _minutes(alert["time"], data.get("ackDueAt")),
        "kode_kec": data["routing"].get("adminCode", ""),
        "reason": data["routing"]["rule"],
        "area_source": data["routing"]["areaSource"],
    }
    return f"{alert['recipientcode']} {alert['subject']}", columns


def seen_outcome(event_id: str, outcome: str, reason: str) -> tuple[str, dict[str, str]]:
    """Return key and columns of a message that was merged, stopped or rejected."""
    return f"{event_id} {outcome} {reason}", {}


def judge(expectations: Iterable[Expectation], seen: Iterable[tuple[str, dict[str, str]]]) -> Verdict:
    """Hold what was seen against what was expected; a second sighting of a row is an extra."""
    sightings: dict[str, list[dict[str, str]]] = {}
    for key, columns in seen:
        sightings.setdefault(key, []).append(columns)
    wanted = list(expectations)
    times = Counter(row.key for row in wanted)
    missing = tuple(
        _told(row, sightings.get(row.key)) for row in wanted if not _met(row, sightings.get(row.key))
    )
    extra = tuple(key for key, found in sightings.items() if len(found) > times[key])
    return Verdict(len(wanted), len(wanted) - len(missing), missing, extra)


def _met(row: Expectation, found: list[dict[str, str]] | None) -> bool:
    return any(row.columns.items() <= columns.items() for columns in found or ())


def _told(row: Expectation, found: list[dict[str, str]] | None) -> str:
    return f"{row.file}: {row.key}: expected {dict(row.columns)}, seen {found or 'nothing'}"


def _alert_key(thread: str, row: Mapping[str, str]) -> str:
    return f"{row['recipient_code']} {alert_number(thread, row['event_id'], row['recipient_code'])}"


def _minutes(issued: str, due: str | None) -> str:
    if due is None:
        return ""
    return f"{(parse_time(due) - parse_time(issued)).total_seconds() / 60:g}"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
