"""Sources that come into the directory while ingest runs: read from when their topics are there.

Until then nobody else is held up: the service stays ready, and operators are told whose topics are
missing.
"""

from collections.abc import Awaitable, Callable, Sequence

from sinergi_shared.contracts import topics
from sinergi_shared.directory import Source

Counts = Callable[[], Awaitable[dict[str, int]]]
"""Asks Kafka how many partitions each topic has."""

Follow = Callable[[Sequence[Source]], Awaitable[None]]
"""Has a reader follow these sources from now on, with the limits that they have now."""


class Newcomers:
    """Which sources are read; ``waiting`` holds the URNs of those that cannot be yet."""

    def __init__(self, sources: Sequence[Source], counts: Counts, followers: Sequence[Follow]) -> None:
        self.waiting: frozenset[str] = frozenset()
        self._sources = tuple(sources)
        self._read = {source.name for source in sources}
        self._counts = counts
        self._followers = followers

    async def look(self, sources: Sequence[Source]) -> None:
        """Have the readers follow the directory's sources; Kafka is asked only when there are new ones.

        Raise aiokafka's ``KafkaError`` when it does not answer; nothing has changed then.
        """
        new = [source for source in sources if source.name not in self._read]
        if not new and tuple(sources) == self._sources:
            self.waiting = frozenset()
            return
        found = await self._counts() if new else {}
        self._read |= {source.name for source in new if _topics_of(source) <= found.keys()}
        self.waiting = frozenset(source.urn for source in new if source.name not in self._read)
        readable = [source for source in sources if source.name in self._read]
        for follow in self._followers:
            await follow(readable)
        self._sources = tuple(sources)


def _topics_of(source: Source) -> set[str]:
    return {topics.submitted(source.name), topics.status(source.name)}
