"""Where every delivery of a lane stands: in memory, rebuilt from the compacted topic."""

from collections.abc import Iterator
from datetime import datetime

from sinergi_notifier.words import ENDING
from sinergi_shared.contracts.codes import AlertMsgType, DeliveryState
from sinergi_shared.contracts.followup import FollowUp

OPEN = frozenset({DeliveryState.QUEUED, DeliveryState.TEMPORARY})
"""States from which something is still to be done."""

Party = tuple[str, str]
"""A thread and a recipient: between two alerts to the same party only the newer one counts."""


class FollowUps:
    """The lane's deliveries by id, and the newest alert of each party."""

    def __init__(self) -> None:
        self._by_id: dict[str, FollowUp] = {}
        self._open: dict[Party, set[str]] = {}
        self._since: dict[str, datetime] = {}  # what is open: when it was first seen here
        self._newest: dict[Party, tuple[int, AlertMsgType]] = {}

    def remember(self, record: FollowUp) -> None:
        """Take a delivery's state; the last one told counts."""
        party = party_of(record)
        self._by_id[record.deliveryId] = record
        if record.receipt.state in OPEN:
            self._open.setdefault(party, set()).add(record.deliveryId)
            self._since.setdefault(record.deliveryId, record.receipt.at)
        else:
            self._close(party, record.deliveryId)
        newest = self._newest.get(party)
        if newest is None or newest[0] < record.alertRevision:
            self._newest[party] = (record.alertRevision, record.msgType)

    def knows(self, delivery: str) -> bool:
        """Return whether this delivery was ever taken over."""
        return delivery in self._by_id

    def waiting(self, delivery: str) -> FollowUp | None:
        """Return a delivery that is still to be made."""
        record = self._by_id.get(delivery)
        return record if record and record.receipt.state in OPEN else None

    def waiting_of(self, party: Party) -> Iterator[FollowUp]:
        """Return what is still to be delivered to a recipient about a thread."""
        return (self._by_id[delivery] for delivery in sorted(self._open.get(party, ())))

    def all_waiting(self) -> Iterator[FollowUp]:
        """Return everything that is still to be delivered."""
        return (self._by_id[delivery] for deliveries in self._open.values() for delivery in deliveries)

    def count_waiting(self) -> int:
        """Return how many deliveries are still to be made."""
        return sum(map(len, self._open.values()))

    def oldest_waiting(self) -> datetime | None:
        """Return since when the oldest of them waits; after a restart, the time of its last state."""
        return min(self._since.values(), default=None)

    def overtaken(self, record: FollowUp) -> DeliveryState | None:
        """Return how a delivery ends that a newer alert to the same party has overtaken (B40, B47)."""
        newest = self._newest.get(party_of(record))
        if newest is None or newest[0] <= record.alertRevision:
            return None
        return DeliveryState.CANCELLED if newest[1] in ENDING else DeliveryState.SUPERSEDED

    def _close(self, party: Party, delivery: str) -> None:
        self._since.pop(delivery, None)
        deliveries = self._open.get(party)
        if deliveries is not None:
            deliveries.discard(delivery)
            if not deliveries:
                del self._open[party]


def party_of(record: FollowUp) -> Party:
    """Return whom and what a delivery is about."""
    return record.threadId, record.receipt.recipient
