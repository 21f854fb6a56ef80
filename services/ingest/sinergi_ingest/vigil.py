"""Who has been heard when, and who has fallen silent; in this process' memory.

Counted from the start of the process: a restart or a wiped Redis raises no false alarm, and a true
one comes back after two intervals. With several processes the alert rule asks that all of them miss
the source, so none needs to know what the others heard.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sinergi_ingest.heartbeat import silent
from sinergi_shared.directory import Source


@dataclass(frozen=True, slots=True)
class Change:
    """A source fell silent, or spoke again."""

    source: str
    is_silent: bool


class Vigil:
    """Watches the sources of the directory in force; all times are seconds of one steady clock."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._heard: dict[str, float] = {}
        self._told: dict[str, int] = {}
        self.silent: frozenset[str] = frozenset()

    def heard(self, source: str, now: float, interval_s: int | None = None) -> None:
        """Note a sign of life, and how often the source means to give one, if it says so."""
        self._heard[source] = now
        if interval_s is not None:
            self._told[source] = interval_s

    def look(self, sources: Iterable[Source], now: float) -> list[Change]:
        """Return who has fallen silent or speaks again since the last look."""
        quiet = frozenset(source.urn for source in sources if self._is_silent(source, now))
        before, self.silent = self.silent, quiet
        return [
            *(Change(urn, is_silent=True) for urn in sorted(quiet - before)),
            *(Change(urn, is_silent=False) for urn in sorted(before - quiet)),
        ]

    def _is_silent(self, source: Source, now: float) -> bool:
        # The directory's word counts first: a source must not be able to talk itself out of being watched.
        interval = source.heartbeatS or self._told.get(source.urn)
        return interval is not None and silent(self._heard.get(source.urn, self._started), interval, now)
