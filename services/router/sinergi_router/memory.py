"""The threads of one lane: the newest in memory, the others in a file. The truth is the topic.

What is remembered is the record, byte for byte as it was written or read; it is opened when somebody
asks. The file is SQLite's own kind of temporary database: private, without a journal, gone with the
process. It is filled again from ``sinergi.threads.v1`` when the lane is assigned.
"""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sinergi_router.policy.facts import Thread
from sinergi_router.threads import from_record

AT_ONCE: Final = 256
"""So many threads go to the file together: a statement for each would take longer than all else."""

FILE_CACHE_KIB: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Held:
    written_ms: int
    record: bytes


class Threads:
    """Threads by threadId; at most ``cap`` of them, the last written, take memory."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._near: dict[str, _Held] = {}  # oldest first
        self._far = _File()

    def __len__(self) -> int:
        return len(self._near) + len(self._far)

    def keep(self, key: bytes, record: bytes | None, written_ms: int) -> None:
        """Take a record of the lane's topic, written then (ms since 1970); a null value forgets."""
        thread_id = key.decode()
        self._near.pop(thread_id, None)
        self._far.forget(thread_id)
        if record is not None:
            self._near[thread_id] = _Held(written_ms, record)
        if len(self._near) > self._cap:
            self._make_room()

    def of(self, thread_ids: Collection[str]) -> dict[str, Thread]:
        """Return those of these threads that are remembered."""
        near = {one: held.record for one in thread_ids if (held := self._near.get(one)) is not None}
        far = self._far.of([one for one in thread_ids if one not in near])
        return {one: from_record(record) for one, record in {**near, **far}.items()}

    def oldest(self, written_before_ms: int, most: int) -> list[Thread]:
        """Return threads that were not written since, oldest first; who asks keeps each of them anew."""
        far = self._far.oldest(written_before_ms, most)
        near = islice(self._near.values(), most - len(far))
        records = [*far, *(held.record for held in near if held.written_ms < written_before_ms)]
        return [from_record(record) for record in records]

    def _make_room(self) -> None:
        leaving = list(islice(self._near.items(), min(AT_ONCE, self._cap)))
        self._far.take([(one, held.written_ms, held.record) for one, held in leaving])
        for one, _ in leaving:
            del self._near[one]


class _File:
    """The older threads; rows stand in the order in which they were last written."""

    def __init__(self) -> None:
        self._rows = 0
        self._sql = sqlite3.connect("", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            f"PRAGMA cache_size = -{FILE_CACHE_KIB}",
            "CREATE TABLE thread (place INTEGER PRIMARY KEY, id TEXT UNIQUE, written INTEGER, record BLOB)",
        ):
            self._sql.execute(statement)

    def __len__(self) -> int:
        return self._rows

    def take(self, threads: list[tuple[str, int, bytes]]) -> None:
        self._sql.execute("BEGIN")
        self._sql.executemany("INSERT INTO thread (id, written, record) VALUES (?, ?, ?)", threads)
        self._sql.execute("COMMIT")
        self._rows += len(threads)

    def forget(self, thread_id: str) -> None:
        if self._rows:
            self._rows -= self._sql.execute("DELETE FROM thread WHERE id = ?", (thread_id,)).rowcount

    def of(self, thread_ids: Collection[str]) -> dict[str, bytes]:
        if not self._rows or not thread_ids:
            return {}
        found = {}
        for thread_id in thread_ids:
            row = self._sql.execute("SELECT record FROM thread WHERE id = ?", (thread_id,)).fetchone()
            if row is not None:
                found[thread_id] = row[0]
        return found

    def oldest(self, written_before_ms: int, most: int) -> list[bytes]:
        rows = self._sql.execute("SELECT written, record FROM thread ORDER BY place LIMIT ?", (most,))
        return [record for written, record in rows if written < written_before_ms]
