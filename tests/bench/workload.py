"""What is sent: events as the demo's day has them, each opening a thread of its own.

A pool of distinct events is drawn once from a seed; event ``i`` is pool event ``i mod pool`` under an
id and a number of its own, so that a million of them cost seconds. The shares of codes, headings,
vehicles and accuracies are about those of ``deploy/samples/day_events.jsonl``; fewer are at posts, so
that all 91 alert topics of Kalbar are reached.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.topics import lane_of
from tests.kit.event_corpus import Maker
from tests.kit.oracle_geo import along

SEED: Final = 4
POOL: Final = 10_000
LANES: Final = 4

Document = dict[str, Any]

_ID: Final = "019cd550-3750-7e84-a16f-{:012x}"
_ID_MARK: Final = _ID.format(0xABCDEF123456)
_NUMBER_MARK: Final = "PRS-20260310-ABCDEFGH"
_ACCURACIES: Final = (None, 100, 100, 200, 200, 300, 500, 500, 500, 1000, 1000, 5000)


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of ``sinergi.events.v1``."""

    lane: int
    key: bytes  # the thread's id
    value: bytes


class Workload:
    """Events from a pool of distinct documents, which stand under the marks that are replaced."""

    def __init__(self, documents: Sequence[Document], now: datetime) -> None:
        self.documents: Final = documents
        self._now: Final = now
        self._numbers: Final = f"PRS-{now.astimezone(WIB):%Y%m%d}-{{:08X}}"
        self._sources: Final = [document["source"] for document in documents]
        self._split: Final = [_around_ids(document) for document in documents]

    @classmethod
    def drawn(cls, now: datetime, seed: int = SEED, pool: int = POOL) -> Self:
        """Return the same events for the same seed, their times within a day before ``now``."""
        maker = Maker(seed)
        return cls([_dated(_marked(_drawn(maker)), now) for _ in range(pool)], now)

    def over(self, documents: Sequence[Document]) -> Self:
        """Return the same numbering over another pool."""
        return type(self)(documents, self._now)

    def event(self, index: int) -> Sent:
        """Return event ``index``; its pool event is ``documents[index % pool]``."""
        of = index % len(self.documents)
        number = self._numbers.format(index)
        thread = thread_id(self._sources[of], number)
        head, tail = self._split[of]
        value = head + _ID.format(index).encode() + number.encode().join(tail)
        return Sent(lane_of(thread, LANES), thread.encode(), value)

    def events(self, count: int, first: int = 0) -> Iterator[Sent]:
        """Yield ``count`` events from ``first`` on."""
        return (self.event(index) for index in range(first, first + count))


def _around_ids(document: Document) -> tuple[bytes, list[bytes]]:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    head, rest = body.split(_ID_MARK.encode())
    return head, rest.split(_NUMBER_MARK.encode())


def _drawn(maker: Maker) -> Document:
    draw = maker.draw
    more: Document = {"movement": maker.movement()} if draw.random() < 0.075 else {}
    event = maker.event(location=_place(maker), **more)
    if draw.random() < 0.1:
        event["data"].pop("vehicles", None)
    return event


def _place(maker: Maker) -> Document:
    draw, tables = maker.draw, maker.tables
    dice = draw.random()
    if dice < 0.02:
        return {"kind": "abroad", "handoverPlaceCode": draw.choice(list(tables.places))}
    if dice < 0.04:
        return {"kind": "inland", "adminCode": draw.choice(list(tables.geo.rings))}
    if dice < 0.35:
        official = [code for code, row in tables.places.items() if row["pos_resmi"] == "ya"]
        return {
            **maker.at(maker.draw.choice(maker.edges)[0], "post", 100),
            "placeCode": draw.choice(official),
        }
    start = draw.choice(maker.edges)[0]
    point = along(start, draw.uniform(0, 360), draw.uniform(0, 8000))
    point = round(point[0]), round(point[1])
    place = maker.at(point, "sea" if dice < 0.4 else "land", draw.choice(_ACCURACIES))
    code = tables.geo.area_at(point) if draw.random() < 0.6 else None
    return place if code is None else place | {"adminCode": code}


def _marked(event: Document) -> Document:
    event |= {"id": _ID_MARK, "subject": _NUMBER_MARK, "partitionkey": _NUMBER_MARK}
    event["data"]["eventNumber"] = _NUMBER_MARK
    return event


def _dated(event: Document, now: datetime) -> Document:
    # The pool is drawn on one day; shifted by whole seconds, so that none is late and none ahead.
    last = datetime.fromisoformat("2026-03-11T01:00:00+07:00")
    shift = timedelta(seconds=int((now - last).total_seconds()))
    for holder, name in ((event, "time"), (event["data"], "observedAt"), (event["data"], "reportedAt")):
        holder[name] = (datetime.fromisoformat(holder[name]) + shift).isoformat()
    return event
