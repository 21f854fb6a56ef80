"""Who is next? Gravest first, then soonest due; never more than an endpoint bears at once; pure.

An endpoint that is slow only holds up what is meant for itself (law 10, B67).
"""

import heapq
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, order=True)
class Waiting:
    """A delivery in line; orders by gravity, due time, then age."""

    rank: int  # 0 for the gravest
    due: datetime
    queued: datetime
    delivery: str
    endpoint: str = field(compare=False)
    at_once: int = field(compare=False)


class Queue:
    """Deliveries of one lane that wait for their time or for their endpoint."""

    def __init__(self) -> None:
        self._later: list[tuple[datetime, Waiting]] = []
        self._ready: dict[str, list[Waiting]] = {}
        self._busy: dict[str, int] = {}

    def put(self, waiting: Waiting, not_before: datetime) -> None:
        """Line up a delivery that may be made from ``not_before`` on."""
        heapq.heappush(self._later, (not_before, waiting))

    def take(self, now: datetime) -> Waiting | None:
        """Return the next delivery that may start, if any; its endpoint counts as busy until ``done``."""
        while self._later and self._later[0][0] <= now:
            _, waiting = heapq.heappop(self._later)
            heapq.heappush(self._ready.setdefault(waiting.endpoint, []), waiting)
        free = [
            line[0] for line in self._ready.values() if self._busy.get(line[0].endpoint, 0) < line[0].at_once
        ]
        if not free:
            return None
        chosen = min(free)
        self._pop(chosen.endpoint)
        self._busy[chosen.endpoint] = self._busy.get(chosen.endpoint, 0) + 1
        return chosen

    def done(self, waiting: Waiting) -> None:
        """Free the endpoint of a delivery that was taken."""
        left = self._busy[waiting.endpoint] - 1
        if left:
            self._busy[waiting.endpoint] = left
        else:
            del self._busy[waiting.endpoint]

    def next_time(self) -> datetime | None:
        """Return when the next delivery may start that is not ready yet."""
        return self._later[0][0] if self._later else None

    def _pop(self, endpoint: str) -> None:
        line = self._ready[endpoint]
        heapq.heappop(line)
        if not line:
            del self._ready[endpoint]
