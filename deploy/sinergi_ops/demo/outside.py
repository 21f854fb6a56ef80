"""What can be seen from outside: a fresh reader on the topics of agencies, sources and operators."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import TopicPartition

from sinergi_ops.demo.expected import seen_alert, seen_outcome
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.codes import Channel, DeliveryState
from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.runtime import kafka

Json = dict[str, Any]

ENDED: Final = frozenset(DeliveryState) - {DeliveryState.QUEUED, DeliveryState.TEMPORARY}


@dataclass(slots=True)
class Seen:
    """Everything read so far; ``alerts`` with the time at which its reader had it."""

    alerts: list[tuple[Json, datetime]] = field(default_factory=list)
    outcomes: list[Json] = field(default_factory=list)  # data of status records
    rejected: list[Json] = field(default_factory=list)  # data of rejected records
    deliveries: dict[str, Json] = field(default_factory=dict)  # last state by delivery
    answers: int = 0
    requests: int = 0

    def rows(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield every sighting that an expectation can be held against."""
        for alert, _at in self.alerts:
            yield seen_alert(alert)
        for data in self.rejected:
            yield seen_outcome(data["rejectedId"], Outcome.REJECTED, data["reason"])
        for data in self.outcomes:
            if data["state"] in {Outcome.MERGED, Outcome.STOPPED}:
                yield seen_outcome(data["eventId"], data["state"], data["reason"])

    def outcome_counts(self) -> Counter[str]:
        """Return how many messages ended how; rejected as the rejected topic tells it."""
        counts = Counter(data["state"] for data in self.outcomes if data["state"] != Outcome.REJECTED)
        return counts + Counter({str(Outcome.REJECTED): len(self.rejected)})

    def delivered(self) -> bool:
        """Return whether each alert has its delivery on Kafka told, and no delivery is under way."""
        on_kafka = sum(data["receipt"]["channel"] == Channel.KAFKA for data in self.deliveries.values())
        ended = all(data["receipt"]["state"] in ENDED for data in self.deliveries.values())
        return ended and on_kafka == len(self.alerts)


class Outside:
    """Reads on in the background; ``seen`` grows."""

    def __init__(self, bootstrap: str, sources: Iterable[str], recipients: Iterable[str], lanes: int) -> None:
        self.seen = Seen()
        self._reader = kafka.reader([bootstrap])
        names = [name for code in recipients for name in (topics.alerts(code), topics.drills(code))]
        wide = (topics.REJECTED, topics.FOLLOWUP, topics.RESPONSES, topics.REQUESTS)
        places = [TopicPartition(name, 0) for name in (*names, *map(topics.status, sources))]
        self._places = places + [TopicPartition(name, lane) for name in wide for lane in range(lanes)]

    async def read(self) -> None:
        """Read until cancelled."""
        await self._reader.start()
        try:
            self._reader.assign(self._places)
            while True:
                for place, records in (await self._reader.getmany(timeout_ms=100)).items():
                    now = datetime.now(UTC)
                    for record in records:
                        if record.value is not None:
                            self._take(place.topic, json.loads(record.value), now)
        finally:
            await self._reader.stop()

    async def until(self, done: Callable[[Seen], bool], within_s: float) -> bool:
        """Wait until ``done(seen)``; return whether it came to that in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within_s
        while not done(self.seen):
            if loop.time() > end:
                return False
            await asyncio.sleep(0.1)
        return True

    def _take(self, topic: str, event: Json, now: datetime) -> None:
        data = event["data"]
        if topic == topics.REJECTED:
            self.seen.rejected.append(data)
        elif topic == topics.FOLLOWUP:
            self.seen.deliveries[data["deliveryId"]] = data
        elif topic == topics.RESPONSES:
            self.seen.answers += 1
        elif topic == topics.REQUESTS:
            self.seen.requests += 1
        elif topic.startswith(topics.status("")):
            self.seen.outcomes.append(data)
        else:
            self.seen.alerts.append((event, now))
