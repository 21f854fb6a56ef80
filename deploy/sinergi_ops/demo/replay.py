"""What the demo sends, and by which way: every sample, each source by one way only."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sinergi_ops.sending.receipt import Receipt

Json = dict[str, Any]


class Sender(Protocol):
    """A way in: HTTP or Kafka."""

    async def send(self, body: bytes, /) -> Receipt:
        """Send one event and return what its sender is told."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as the demo sent it; our own list, against which everything is checked."""

    way: str
    document: Json
    receipt: Receipt


def read_samples(samples: Path) -> list[Json]:
    """Return the eight scenarios, then the messages of the day in order of reporting."""
    scenarios = [json.loads(file.read_bytes()) for file in sorted(samples.glob("0*.json"))]
    day = (samples / "day_events.jsonl").read_text(encoding="utf-8").splitlines()
    return scenarios + [json.loads(line) for line in day]


def ways(documents: list[Json]) -> dict[str, str]:
    """Return each source's way: every other one in order of name by HTTP, the rest by Kafka."""
    sources = sorted({document["source"] for document in documents})
    return {source: "http" if index % 2 == 0 else "kafka" for index, source in enumerate(sources)}


async def replay(documents: list[Json], senders: Mapping[str, Sender], sent: Callable[[Sent], None]) -> None:
    """Send all: sources side by side, each source's messages one after the other.

    So the next revision of an event leaves when the last was answered.
    """
    way_of = ways(documents)
    async with asyncio.TaskGroup() as group:
        for source, way in way_of.items():
            own = [document for document in documents if document["source"] == source]
            group.create_task(_one_by_one(own, way, senders[way], sent))


async def _one_by_one(own: list[Json], way: str, sender: Sender, sent: Callable[[Sent], None]) -> None:
    for document in own:
        receipt = await sender.send(json.dumps(document, ensure_ascii=False).encode())
        sent(Sent(way, document, receipt))
