"""What has become of each event, for the sender who asks: read from the status topics, kept in a file.

The file is a temporary one of SQLite that ends with the process, rebuilt from Kafka at each start:
memory stays the same however many events there are, and nothing here is the truth. What was just
taken and is not decided yet is remembered beside it, the newest few only.
"""

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from sinergi_ingest.answers import EventState
from sinergi_shared.contracts.event import SuspiciousMovementEvent
from sinergi_shared.contracts.status import EventStatus, StatusEvent
from sinergi_shared.directory import source_name

MAX_WAITING: Final = 20_000
"""So many events that are taken and not decided are remembered: some 10 MB."""

ACCEPTED: Final = "accepted"
_CACHE_KIB: Final = 4_096


class BehindError(Exception):
    """The topics are not read to their end yet: what is not known may still exist."""


class _Waiting(NamedTuple):
    event_id: str
    revision: int
    at: datetime


class Statuses:
    """The last status of each event by source name (``<system>.<channel>``) and event number."""

    def __init__(self) -> None:
        # No name: SQLite keeps it in memory up to its cache, then in a file that nobody else can open.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute(
            "CREATE TABLE status (source TEXT, number TEXT, told BLOB, PRIMARY KEY (source, number))"
            " WITHOUT ROWID"
        )
        self._waiting: OrderedDict[tuple[str, str], _Waiting] = OrderedDict()
        self._complete: set[str] = set()

    def accepted(self, event: SuspiciousMovementEvent, at: datetime) -> None:
        """Remember that this event is on Kafka and waits for the router."""
        place = (source_name(event.source), event.data.eventNumber)
        self._waiting[place] = _Waiting(event.id, event.data.revision, at)
        self._waiting.move_to_end(place)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)

    def heard(self, source: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Take key and value of records of one source's status topic, in their order."""
        self._file.execute("BEGIN")
        for key, value in records:
            self._hear(source, (key or b"").decode(errors="replace"), value)
        self._file.execute("COMMIT")

    def read_to_end(self, source: str) -> None:
        """Take note that this source's topic was read to its end: what is not known does not exist."""
        self._complete.add(source)

    def of(self, source: str, number: str) -> EventState | None:
        """Return what became of the event, ``None`` when it is unknown; raise ``BehindError``."""
        found = self._file.execute(
            "SELECT told FROM status WHERE source = ? AND number = ?", (source, number)
        ).fetchone()
        waiting = self._waiting.get((source, number))
        # The router may have been faster than our own note of the broker's answer.
        if waiting is not None and (found is None or _event_id(found[0]) != waiting.event_id):
            return _accepted(number, waiting.event_id, waiting.revision, waiting.at)
        if found is None and source not in self._complete:
            raise BehindError
        return None if found is None else _state(number, found[0])

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _hear(self, source: str, number: str, value: bytes | None) -> None:
        place = (source, number)
        if value is None:
            self._file.execute("DELETE FROM status WHERE source = ? AND number = ?", place)
            return
        self._file.execute("INSERT OR REPLACE INTO status VALUES (?, ?, ?)", (*place, value))
        waiting = self._waiting.get(place)
        if waiting is not None and waiting.event_id == _event_id(value):
            del self._waiting[place]


def waiting_state(number: str, event: bytes, at_ms: int) -> EventState:
    """Return the state of a stored event that the router has not decided; ``at_ms`` is its record's time."""
    told = json.loads(event)
    return _accepted(number, told["id"], told["data"]["revision"], datetime.fromtimestamp(at_ms / 1000, UTC))


def _accepted(number: str, event_id: str, revision: int, at: datetime) -> EventState:
    return EventState(eventNumber=number, state=ACCEPTED, eventId=event_id, revision=revision, at=at)


def _event_id(value: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        data = json.loads(value)["data"]
        return data["eventId"]
    except (ValueError, LookupError, TypeError):
        return None


def _state(number: str, value: bytes) -> EventState | None:
    try:
        told: EventStatus = StatusEvent.model_validate_json(value).data
        return EventState(
            eventNumber=number,
            state=told.state,
            eventId=told.eventId,
            revision=told.revision,
            reason=told.reason,
            rule=told.rule,
            pointers=told.fields,
            noteWithheld=told.noteWithheld,
            outcome=told.outcome,
            at=told.at,
        )
    except ValidationError:
        return None  # a key that is no event number, or a status of a minor newer than ours
