"""What became of every record of a lane, as running totals written with the offset (law 1).

Offsets less totals is what has neither an outcome nor a place in the queue: always 0 between
transactions, and a killed process loses no count.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.contracts.thread import TOTALS_KEY, Totals
from sinergi_shared.contracts.topics import THREADS
from sinergi_shared.runtime.transactions import Outgoing

FLOOD: Final = 1_000
"""So many rejections in a row mean that we are wrong, not the records."""


class FloodError(Exception):
    """Everything is rejected: stop before the offset is committed, and let a person look."""


class Ledger:
    """The totals of one lane. Every record of ``sinergi.events.v1`` counts once; its offsets have no gaps."""

    def __init__(self) -> None:
        self._totals: Counter[Outcome] = Counter()
        self._position = 0
        self._rejected_in_a_row = 0

    def restore(self, value: bytes) -> None:
        """Take the totals that the last transaction wrote."""
        totals = Totals.model_validate_json(value)
        self._totals = Counter(totals.outcomes)
        self._position = totals.position

    def count(self, outcomes: Iterable[Outcome], position: int) -> None:
        """Count a batch, of which ``position`` is the offset behind its last record.

        Raise ``FloodError`` when more than ``FLOOD`` records in a row were rejected.
        """
        for outcome in outcomes:
            self._totals[outcome] += 1
            self._rejected_in_a_row = self._rejected_in_a_row + 1 if outcome is Outcome.REJECTED else 0
        self._position = position
        if self._rejected_in_a_row > FLOOD:
            raise FloodError(f"{self._rejected_in_a_row} records in a row were rejected")

    @property
    def unreconciled(self) -> int:
        """How many records before the position have no outcome; anything but 0 is a fault."""
        return self._position - self._totals.total()

    def record(self, lane: int) -> Outgoing:
        """Return the totals as they go into the transaction."""
        totals = Totals(position=self._position, outcomes=dict(self._totals))
        return Outgoing(THREADS, TOTALS_KEY, totals.model_dump_json().encode(), lane)
