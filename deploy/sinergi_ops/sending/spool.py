"""A post's own sender: events wait in a file of its own until ingest has them. Nothing is dropped.

This one file needs only Python 3.11 itself: copy it to a small machine and run it there.

    python3 spool.py put peristiwa.json     # kept, on the disk, before it says so
    python3 spool.py send                   # the critical first, until nothing waits
"""

import argparse
import fcntl
import http.client
import json
import os
import random
import sqlite3
import ssl
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
LONGEST_ASKED_S: Final = 3_600.0
ANSWER_WITHIN_S: Final = 30.0
TELL_EVERY_S: Final = 2.0
MAX_ANSWER_BYTES: Final = 1_048_576

ALL_SENT, SOME_REFUSED, CANNOT, STILL_WAITING = 0, 1, 2, 3

_OF_THE_KEY: Final = frozenset({"/source", "/data/status"})
"""Where a ``NOT_ALLOWED`` points when the same event may pass with another key of the post."""

_AWAY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANKS: Final = {"kritis": 0, "tinggi": 1, "sedang": 2, "rendah": 3}
_UNRANKED: Final = 0  # what cannot be read might be critical
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    place TEXT NOT NULL,
    id TEXT,
    number TEXT,
    rank INTEGER NOT NULL,
    body BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL DEFAULT 'waiting',
    told TEXT
);
CREATE INDEX IF NOT EXISTS waiting ON event (place, seq) WHERE state = 'waiting';
CREATE TEMP TABLE IF NOT EXISTS held (place TEXT PRIMARY KEY);
"""
# Events of one number keep their order, and all of them go when the most urgent of them goes.
_NEXT: Final = """
SELECT seq, id, number, body FROM event JOIN (
    SELECT MIN(seq) AS first, MIN(rank) AS best FROM event
    WHERE state = 'waiting' AND place NOT IN (SELECT place FROM held) GROUP BY place
) ON seq = first ORDER BY best, seq LIMIT 1
"""


class CannotSendError(Exception):
    """Nothing can be sent until somebody mends the key or the address; every event stays."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An event in the spool; id and number when they could be read."""

    seq: int
    id: str | None
    number: str | None
    body: bytes


class Spool:
    """A file of events that wait, were sent, or were refused; on the disk before a call returns."""

    def __init__(self, path: Path) -> None:
        made = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)  # reports are nobody else's to read
        os.close(made)
        self._file = sqlite3.connect(path, timeout=30, isolation_level=None)
        # Every commit is on the disk, and so is the end of its journal in the folder.
        self._file.execute("PRAGMA synchronous = EXTRA")
        self._file.executescript(_TABLE)

    def put(self, body: bytes) -> Kept:
        """Keep an event and return it; one that is kept already, byte for byte, is not kept twice."""
        number, event_id, place, rank = _read(body)
        self._file.execute(
            "INSERT INTO event (place, id, number, rank, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (place, event_id, number, rank, body),
        )
        (seq,) = self._file.execute("SELECT seq FROM event WHERE body = ?", (body,)).fetchone()
        return Kept(seq, event_id, number, body)

    def next(self) -> Kept | None:
        """Return what is to be sent next, the most urgent event first."""
        row = self._file.execute(_NEXT).fetchone()
        return None if row is None else Kept(*row)

    def settle(self, kept: Kept, state: str, told: dict[str, Any]) -> None:
        """Note what became of an event: ``sent`` with its receipt, or ``refused`` with the reason."""
        self._file.execute(
            "UPDATE event SET state = ?, told = ? WHERE seq = ?",
            (state, json.dumps(told, ensure_ascii=False), kept.seq),
        )

    def hold(self, kept: Kept) -> None:
        """Leave an event waiting, and what must not overtake it, until the file is opened again."""
        self._file.execute(
            "INSERT INTO held SELECT place FROM event WHERE seq = ? ON CONFLICT DO NOTHING", (kept.seq,)
        )

    @property
    def held(self) -> int:
        """How many waiting events are left for later."""
        (count,) = self._file.execute(
            "SELECT COUNT(*) FROM event JOIN held USING (place) WHERE state = 'waiting'"
        ).fetchone()
        return int(count)

    def counts(self) -> dict[str, int]:
        """Return how many events wait, were sent, were refused."""
        found = dict(self._file.execute("SELECT state, COUNT(*) FROM event GROUP BY state").fetchall())
        return {state: found.get(state, 0) for state in ("waiting", "sent", "refused")}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every event, oldest first, without its contents."""
        for seq, number, event_id, state, told in self._file.execute(
            "SELECT seq, number, id, state, told FROM event ORDER BY seq"
        ):
            told_now = json.loads(told) if told else None
            yield {"seq": seq, "eventNumber": number, "id": event_id, "state": state, "told": told_now}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer; ``told`` is its JSON object, empty when it holds none."""

    status: int
    told: dict[str, Any]
    retry_after_s: float


@dataclass(slots=True)
class Ingest:
    """One connection to ingest, opened anew when it breaks; ``None`` for no answer."""

    url: SplitResult
    key: str
    connection: http.client.HTTPConnection | None = field(default=None)

    def post(self, body: bytes) -> Answered | None:
        """Send one event and wait for the answer."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/cloudevents+json"}
        try:
            connection = self.connection or self._connect()
            connection.request("POST", f"{self.url.path.rstrip('/')}/v1/events", body, headers)
            answer = connection.getresponse()
            told = answer.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        return Answered(answer.status, _object(told), _seconds(answer.headers.get("Retry-After")))

    def close(self) -> None:
        """End the connection."""
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self.url.hostname or "", self.url.port
        if self.url.scheme == "https":
            context = ssl.create_default_context()
            self.connection = http.client.HTTPSConnection(
                host, port, timeout=ANSWER_WITHIN_S, context=context
            )
        else:
            self.connection = http.client.HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)
        return self.connection


def send_all(
    spool: Spool, ingest: Ingest, *, patience_s: float | None, say: Callable[[str], None] = lambda _text: None
) -> None:
    """Send until nothing waits, or nobody has answered for ``patience_s`` seconds (``None``: for ever).

    Raise ``CannotSendError`` when key or address are wrong; whatever was not sent stays.
    """
    since, attempt, told_at = time.monotonic(), 0, time.monotonic()
    while (kept := spool.next()) is not None:
        answer = ingest.post(kept.body)
        if answer is not None and answer.status not in _AWAY:
            _settle(spool, kept, answer)
            since, attempt = time.monotonic(), 0
        else:
            attempt += 1
            pause_s = _pause(attempt, answer.retry_after_s if answer else 0.0)
            if patience_s is not None and time.monotonic() + pause_s > since + patience_s:
                return
            say(f"tidak ada jawaban, dicoba lagi / no answer, trying again: {pause_s:.0f} s")
            time.sleep(pause_s)
        if time.monotonic() - told_at > TELL_EVERY_S:
            told_at = time.monotonic()
            say(_line(spool.counts()))
    if spool.held:
        raise CannotSendError(
            f"kunci ini tidak boleh mengirim {spool.held} peristiwa; tetap tersimpan, minta kunci lain / "
            f"this key may not send {spool.held} events; they are kept, ask for another key"
        )


def _settle(spool: Spool, kept: Kept, answer: Answered) -> None:
    pointers = answer.told.get("pointers")
    if answer.told.get("reason") == "NOT_ALLOWED" and _OF_THE_KEY.intersection(pointers or ()):
        spool.hold(kept)  # no verdict on the event; others may still pass
    else:
        spool.settle(kept, *_judged(kept, answer))


def _pause(attempt: int, asked_s: float) -> float:
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(attempt - 1, 10))
    jittered: float = longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that posts do not come back all at once
    return max(min(asked_s, LONGEST_ASKED_S), jittered)


def _judged(kept: Kept, answer: Answered) -> tuple[str, dict[str, Any]]:
    if answer.status == http.HTTPStatus.ACCEPTED and answer.told.get("id") == kept.id is not None:
        return "sent", answer.told
    reason = answer.told.get("reason")
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        raise CannotSendError(
            "kunci tidak diterima; minta yang baru / the key was not accepted; ask for another"
        )
    if reason == "NOT_ALLOWED" and not answer.told.get("pointers"):
        raise CannotSendError(
            "kunci ini tidak boleh mengirim; minta kunci dengan hak send, semua tetap tersimpan / "
            "this key may not send; ask for one with the scope send, everything is kept"
        )
    if reason in {None, "MEDIA_UNSUPPORTED"}:
        raise CannotSendError(
            f"di alamat ini bukan ingest / the address is not ingest's "
            f"(HTTP {answer.status}); periksa / check --url"
        )
    return "refused", {
        name: answer.told[name]
        for name in ("reason", "rule", "pointers", "title", "titleEn", "detail", "detailEn")
        if name in answer.told
    }


def _read(body: bytes) -> tuple[str | None, str | None, str, int]:
    """Return number, id, what it must keep its order with, and how urgent it is."""
    document = _object(body)
    data = document.get("data")
    told = data if isinstance(data, dict) else {}
    number, event_id = _text(told.get("eventNumber")), _text(document.get("id"))
    place = f"{document.get('source')}\n{number}" if number else f"id {event_id}"
    rank = _RANKS.get(str(told.get("severity")), _UNRANKED)
    return number, event_id, place, 0 if told.get("danger") is True else rank


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: object) -> str | None:
    # A lone surrogate is no text for a file.
    return value if isinstance(value, str) and value.isprintable() else None


def _seconds(text: str | None) -> float:
    return float(text) if text is not None and text.isascii() and text.isdigit() else 0.0


def events_in(text: bytes) -> Iterable[bytes]:
    """Return the events of a file: one JSON object, an array, or JSON lines, each as it stands."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(whole, list):
        return [json.dumps(one, ensure_ascii=False).encode() for one in whole]
    return [text.strip()]


def put_all(spool: Spool, bodies: Iterable[bytes], say: Callable[[str], None]) -> None:
    """Keep events; each is said to be kept only when it is on the disk."""
    for body in bodies:
        kept = spool.put(body)
        say(f"disimpan / kept: {kept.number or '?'} {kept.id or '?'}")


def finish(spool: Spool, say: Callable[[str], None]) -> int:
    """Say how it stands and what to do about each refusal; return the exit status."""
    counts = spool.counts()
    say(_line(counts))
    for row in spool.rows():
        if row["state"] == "refused":
            say(_refusal(row))
    if counts["waiting"]:
        say("yang menunggu tetap tersimpan; jalankan lagi / what waits is kept; run it again")
        return STILL_WAITING
    return SOME_REFUSED if counts["refused"] else ALL_SENT


def _line(counts: dict[str, int]) -> str:
    return (
        f"terkirim / sent: {counts['sent']}  menunggu / waiting: {counts['waiting']}  "
        f"DITOLAK / REFUSED: {counts['refused']}"
    )


def _refusal(row: dict[str, Any]) -> str:
    told = row["told"] or {}
    where = " ".join(filter(None, (told.get("reason"), told.get("rule"), *told.get("pointers", ()))))
    return "\n".join(
        (
            f"  {row['eventNumber'] or '?'} {row['id'] or '?'}  {where}",
            f"      {told.get('title')}. {told.get('detail')}.",
            f"      {told.get('titleEn')}. {told.get('detailEn')}.",
        )
    )


_HELP: Final = """Simpan laporan di berkas, kirim saat ada sinyal. Tidak ada yang hilang.
Keep reports in a file, send them when there is signal. Nothing is lost.

  SINERGI_KEY=sng_... python3 spool.py put peristiwa.json    simpan / keep
  SINERGI_KEY=sng_... python3 spool.py send                  kirim, yang kritis dulu / critical first
  python3 spool.py list                                      apa yang terjadi / what became of each

Kode keluar / exit: 0 semua terkirim / all sent, 1 ada yang ditolak / some refused,
2 kunci, alamat atau berkas keliru / wrong key, address or file, 3 masih menunggu / still waiting.
Kirim ulang aman: yang sudah ada digabung. / Sending again is safe: repeats are merged."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("spool.py", None, _HELP, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--spool", type=Path, default=Path("sinergi-spool.db"), help="berkas / the file")
    commands = parser.add_subparsers(dest="command", required=True)
    put = commands.add_parser("put", help="simpan dari berkas atau - / keep events of files or -")
    put.add_argument("files", nargs="+")
    send = commands.add_parser("send", help="kirim sampai habis / send until nothing waits")
    url = os.environ.get("SINERGI_INGEST_URL", "http://127.0.0.1:8080")
    send.add_argument("--url", default=url, help="alamat ingest (SINERGI_INGEST_URL)")
    send.add_argument("--key-file", type=Path, help="berkas kunci; atau SINERGI_KEY / file with the key")
    send.add_argument(
        "--wait", type=float, help="detik tanpa jawaban; bawaan: terus / seconds; default: for ever"
    )
    listed = commands.add_parser("list", help="daftar / what became of each")
    listed.add_argument("--json", action="store_true", help="satu objek per baris / one object a line")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    told = _parser().parse_args(arguments)
    try:
        spool = Spool(told.spool)
        match told.command:
            case "put":
                for name in told.files:
                    put_all(spool, _lines_of(name), lambda text: print(text, flush=True))
                return ALL_SENT
            case "list":
                return _list(spool, as_json=told.json)
            case _:
                return _send(spool, told)
    except (OSError, sqlite3.Error, CannotSendError) as error:
        _aside(str(error))
        return CANNOT


def _lines_of(name: str) -> Iterable[bytes]:
    if name != "-":
        return events_in(Path(name).read_bytes())
    return events_in(sys.stdin.buffer.read())


def _send(spool: Spool, told: argparse.Namespace) -> int:
    key = told.key_file.read_text().strip() if told.key_file else os.environ.get("SINERGI_KEY", "")
    url = urlsplit(told.url)
    if not key or url.scheme not in {"http", "https"} or not url.hostname:
        raise CannotSendError(
            "perlu kunci dan alamat / needed: SINERGI_KEY or --key-file, and --url http(s)://host"
        )
    with alone(told.spool), suppress(KeyboardInterrupt):  # what is not sent is still kept
        send_all(spool, Ingest(url, key), patience_s=told.wait, say=_aside)
    return finish(spool, _aside)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one sender at a time work on this spool, so that no revision overtakes another."""
    with path.with_name(path.name + ".lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotSendError("sudah ada yang mengirim / another one is sending already") from None
        yield


def _list(spool: Spool, *, as_json: bool) -> int:
    if not as_json:
        return finish(spool, print)
    for row in spool.rows():
        print(json.dumps(row, ensure_ascii=False))
    return ALL_SENT


def _aside(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
