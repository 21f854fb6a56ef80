"""What the lanes of a schedule do: count, which shows the least slip, or route, which is the real thing.

Each work knows what it is sent, in which order, and what a read_committed reader must find in the end.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random
from typing import Any, Final, NamedTuple, Protocol

from aiokafka import TopicPartition
from prometheus_client import CollectorRegistry

from sinergi_ops.places import PACK
from sinergi_router.app import load_policy
from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.policy.book import Policy
from sinergi_router.rules import Rules
from sinergi_shared.contracts import topics
from sinergi_shared.region.pack import read_pack
from sinergi_shared.runtime.lanes import Lane
from sinergi_shared.runtime.transactions import Outgoing
from tests.chaos import checker
from tests.chaos.sim.broker import Broker, Stored
from tests.chaos.sim.network import process
from tests.chaos.templates import Sent, made, templates

LANES: Final = 3  # an even number would hide a wrong assignor from two members
EVENTS: Final = 8  # in each lane, on average
FIRST, SECOND = "first", "second"
REPEATED: Final = 0.3
THREADS_NEAR: Final = 2  # so few in memory that the file is used


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
                seen = [record.value for record in _seen(broker, topic, lane)]
                verdict.judge(values, [(value or b"").partition(b"#")[0] for value in seen])
                if seen != wanted:
                    verdict.wrong += 1
                    verdict.trace.append(f"{topic}/{lane}: {b' '.join(v or b'' for v in seen).decode()}")


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
        seen = [record.value for lane in range(LANES) for record in _seen(broker, FIRST, lane)]
        verdict.judge(wanted, seen)
        verdict.trace.append(f"deadly {self.deadly!r}, seen {seen}")


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


class Routing:
    """The real router's lanes on the demo pack; sources repeat themselves, and nobody is told twice."""

    events_topic, requests_topic, state_topic = topics.EVENTS, topics.REQUESTS, topics.THREADS

    def __init__(self, draw: Random) -> None:
        self.begins_at = _policy_and_time()[1]
        self._events: list[Sent] = []
        self.sent = [self._next(draw) for _ in range(EVENTS * LANES)]

    def _next(self, draw: Random) -> Sending:
        repeats = bool(self._events) and draw.random() < REPEATED
        if repeats:
            one = draw.choice(self._events[-LANES:])
        else:
            one = made(draw.choice(templates()), "0000", len(self._events), LANES)
            self._events.append(one)
        return Sending(self.events_topic, one.lane, one.thread.encode(), one.template.event(one))

    def lane(self, number: int, now: Callable[[], datetime]) -> Lane:
        policy, _ = _policy_and_time()
        return RouterLane(number, Rules(policy), _metrics(), now, _no_reread, Threads(THREADS_NEAR))

    def judge(self, broker: Broker, verdict: Verdict) -> None:
        wanted = [key for one in self._events for key in one.template.expected(one)]
        seen = [
            (topic, checker.subject(record.value or b""))
            for topic, partition in list(broker.logs)
            if checker.is_read(topic)
            for record in _seen(broker, topic, partition)
        ]
        verdict.judge(wanted, seen)
        for key, times in (Counter(seen) - Counter(wanted)).items():
            verdict.trace.append(f"{times} too many: {key}")
        for key in Counter(wanted) - Counter(seen):
            verdict.trace.append(f"not there: {key}")


def _seen(broker: Broker, topic: str, partition: int) -> list[Stored]:
    return broker.read(TopicPartition(topic, partition), 0, 1_000_000)[0]


@cache
def _policy_and_time() -> tuple[Policy, datetime]:
    """Return what a process needs to have once: the policy, and the time to which the events are moved."""
    now = datetime.now(UTC)
    templates()
    return load_policy(read_pack(PACK)), now


@cache
def _metrics() -> RouterMetrics:
    return RouterMetrics(CollectorRegistry(), LANES)


async def _no_reread(_partition: int, _offset: int) -> None:
    """Only requests need an event again, and none is sent."""
