"""What the lanes of a schedule do: count, which shows the least slip, or copy what may kill them.

Each work knows what it is sent, in which order, and what a read_committed reader must find in the end.
The real thing is in ``routing``.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import TopicPartition

from sinergi_shared.runtime.lanes import Lane
from sinergi_shared.runtime.transactions import Outgoing
from tests.chaos.sim.broker import Broker, Stored
from tests.chaos.sim.network import process

LANES: Final = 3  # an even number would hide a wrong assignor from two members
EVENTS: Final = 8  # in each lane, on average
FIRST, SECOND = "first", "second"


@dataclass(slots=True)
class Verdict:
    """What became of one schedule."""

    seed: int
    events: int = 0
    expected: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0  # neither: out of order, by a memory that was not the lane's, or refused
    faults: int = 0
    recovery_s: float = 0.0  # virtual, from the last event sent until all was there
    trace: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything was there once, in order."""
        return not (self.lost or self.duplicated or self.wrong)

    def judge(self, wanted: Iterable[Any], seen: Iterable[Any]) -> None:
        """Compare what must be there, each once, with what is."""
        found, expected = Counter(seen), set(wanted)
        self.expected += len(expected)
        self.lost += len(expected - found.keys())
        self.duplicated += sum(times - 1 for times in found.values())
        self.wrong += len(found.keys() - expected)


class Sending(NamedTuple):
    """A record that somebody puts on one of the lanes' inputs."""

    topic: str
    lane: int
    key: bytes
    value: bytes


class Work(Protocol):
    """What is sent, what is done about it in a lane, and what must come of it."""

    events_topic: str
    requests_topic: str
    state_topic: str
    begins_at: datetime  # when the virtual clock stands at zero
    sent: list[Sending]  # in order

    def lane(self, number: int, now: Callable[[], datetime]) -> Lane:
        """Return a lane of a process."""

    def judge(self, broker: Broker, verdict: Verdict) -> None:
        """Add to a verdict what a reader finds."""


class Counting:
    """Copies each record to two topics, with the number of records before it in the lane.

    So a record that is lost, doubled, out of order or worked on with a stale memory shows.
    """

    events_topic, requests_topic, state_topic = "events", "requests", "state"
    begins_at = datetime.fromtimestamp(0, UTC)

    def __init__(self) -> None:
        numbers = range(EVENTS * LANES)
        self.sent = [Sending(self.events_topic, number % LANES, b"k", b"%d" % number) for number in numbers]

    def lane(self, number: int, _now: Callable[[], datetime]) -> Lane:
        return CountingLane(number)

    def judge(self, broker: Broker, verdict: Verdict) -> None:
        for lane in range(LANES):
            values = [one.value for one in self.sent if one.lane == lane]
            wanted = [b"%s#%d" % (value, place) for place, value in enumerate(values, 1)]
            for topic in (FIRST, SECOND):
                found = [record.value for record in seen(broker, topic, lane)]
                verdict.judge(values, [(value or b"").partition(b"#")[0] for value in found])
                if found != wanted:
                    verdict.wrong += 1
                    verdict.trace.append(f"{topic}/{lane}: {b' '.join(v or b'' for v in found).decode()}")


class CountingLane:
    """The count is the state."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._count = 0

    def restore(self, record: Any) -> None:
        self._count = int(record.value)

    async def rebuilt(self) -> None:
        """The count is all there is."""

    async def prepare(self, records: Any) -> None:
        """Nothing is looked up."""

    async def upkeep(self) -> tuple[()]:
        return ()

    def work(self, records: Any) -> list[Outgoing]:
        outgoing = []
        for record in records:
            self._count += 1
            value = record.value + b"#%d" % self._count
            outgoing += [Outgoing(topic, record.key, value, self._number) for topic in (FIRST, SECOND)]
        outgoing.append(Outgoing(Counting.state_topic, b"count", b"%d" % self._count, self._number))
        return outgoing

    def convict(self, record: Any) -> list[Outgoing]:
        return [Outgoing(FIRST, record.key, b"convicted", self._number)]


class Killing:
    """Copies records of two inputs; one of them kills whoever works on it, and alone is to be convicted."""

    events_topic, requests_topic, state_topic = "events", "requests", "state"
    begins_at = datetime.fromtimestamp(0, UTC)

    def __init__(self, draw: Random) -> None:
        inputs = self.events_topic, self.requests_topic
        numbers = range(EVENTS * LANES)
        self.sent = [Sending(draw.choice(inputs), number % LANES, b"k", b"%d" % number) for number in numbers]
        self.deadly = draw.choice(self.sent).value

    def lane(self, number: int, _now: Callable[[], datetime]) -> Lane:
        return KillingLane(number, self.deadly)

    def judge(self, broker: Broker, verdict: Verdict) -> None:
        wanted = [b"convicted " + self.deadly if one.value == self.deadly else one.value for one in self.sent]
        found = [record.value for lane in range(LANES) for record in seen(broker, FIRST, lane)]
        verdict.judge(wanted, found)
        verdict.trace.append(f"deadly {self.deadly!r}, seen {found}")


class KillingLane:
    """Keeps nothing."""

    def __init__(self, number: int, deadly: bytes) -> None:
        self._number = number
        self._deadly = deadly

    def restore(self, record: Any) -> None:
        """Nothing is kept."""

    async def rebuilt(self) -> None:
        """Nothing was kept."""

    async def prepare(self, records: Any) -> None:
        """Nothing is looked up."""

    async def upkeep(self) -> tuple[()]:
        return ()

    def work(self, records: Any) -> list[Outgoing]:
        if any(record.value == self._deadly for record in records):
            process.get().die("of a deadly record")
        return [Outgoing(FIRST, record.key, record.value, self._number) for record in records]

    def convict(self, record: Any) -> list[Outgoing]:
        return [Outgoing(FIRST, record.key, b"convicted " + record.value, self._number)]


def seen(broker: Broker, topic: str, partition: int) -> list[Stored]:
    """Return what a read_committed reader finds."""
    return broker.read(TopicPartition(topic, partition), 0, 1_000_000)[0]
