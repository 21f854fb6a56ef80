"""A model of one Kafka broker: logs, transactions with epochs, groups; no network and no time of its own.

As much of it as the lanes' shell can notice. ``tests/real/test_sim_model.py`` holds it against the
real one. Protocol versions are those that aiokafka 0.14 speaks: a transaction's offsets carry neither
member nor generation (KIP-447), and no epoch is raised by a commit (KIP-890).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import (
    IllegalGenerationError,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata


class FencedError(KafkaError):  # type: ignore[misc] # aiokafka ships no types
    """Another process has taken this static member's place; aiokafka knows no name for it."""


SESSION_S: Final = 6.0
REBALANCE_S: Final = 10.0


class State(Enum):
    """What a reader may make of a record."""

    OPEN = auto()
    COMMITTED = auto()
    ABORTED = auto()
    MARKER = auto()  # the end of a transaction: it takes an offset, and no reader is given it


@dataclass(slots=True)
class Stored:
    """A record in a log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    state: State
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(slots=True)
class Transaction:
    """What the coordinator knows of one transactional id."""

    epoch: int = 0
    ongoing: bool = False
    committed_last: bool | None = None
    began_at: float = 0.0
    timeout_s: float = 6.0
    places: set[TopicPartition] = field(default_factory=set)
    records: list[Stored] = field(default_factory=list)
    offsets: dict[str, dict[TopicPartition, int]] = field(default_factory=dict)
    batches: set[Any] = field(default_factory=set)  # sequence numbers of this epoch


@dataclass(slots=True)
class Member:
    """A member of the consumer group."""

    id: str
    instance: str | None
    topics: tuple[str, ...]
    assign: Callable[[Mapping[str, tuple[str, ...]], Mapping[str, int]], dict[str, list[TopicPartition]]]
    heard_at: float
    joined: bool = False
    places: list[TopicPartition] = field(default_factory=list)


class Broker:
    """The one broker; ``now`` gives virtual seconds."""

    def __init__(self, partitions: Mapping[str, int], now: Callable[[], float]) -> None:
        self._partitions = dict(partitions)
        self._now = now
        self.logs: dict[TopicPartition, list[Stored]] = {
            TopicPartition(topic, number): []
            for topic, count in partitions.items()
            for number in range(count)
        }
        self.transactions: dict[str, Transaction] = {}
        self.group_offsets: dict[str, dict[TopicPartition, OffsetAndMetadata]] = {}
        self.members: dict[str, Member] = {}
        self.generation = 0
        self.rebalancing_since: float | None = None
        self._member_ids = 0

    # --- logs

    def append(self, place: TopicPartition, key: bytes | None, value: bytes | None, state: State) -> Stored:
        log = self.logs[place]
        stored = Stored(place.topic, place.partition, len(log), key, value, state, int(self._now() * 1000))
        log.append(stored)
        return stored

    def stable_end(self, place: TopicPartition) -> int:
        """Return the last stable offset: the first record of an open transaction, else the end."""
        log = self.logs[place]
        return next((stored.offset for stored in log if stored.state is State.OPEN), len(log))

    def read(self, place: TopicPartition, offset: int, most: int) -> tuple[list[Stored], int]:
        """Return committed records from an offset on, and where to read next."""
        end = self.stable_end(place)
        found: list[Stored] = []
        while offset < end and len(found) < most:
            stored = self.logs[place][offset]
            offset += 1
            if stored.state is State.COMMITTED:
                found.append(stored)
        return found, offset

    # --- transactions

    def init_producer(self, name: str, timeout_s: float) -> int:
        """Raise the epoch; what an earlier owner has left open is aborted."""
        known = self.transactions.setdefault(name, Transaction(epoch=-1))
        self._end(known, commit=False)
        self.transactions[name] = Transaction(epoch=known.epoch + 1, timeout_s=timeout_s)
        return known.epoch + 1

    def add_partitions(self, name: str, epoch: int, places: Iterable[TopicPartition]) -> None:
        known = self._begun(name, epoch)
        known.places.update(places)

    def produce(
        self, name: str, epoch: int, sequence: Any, place: TopicPartition, records: Iterable[tuple[Any, Any]]
    ) -> None:
        known = self._of(name, epoch)
        if not known.ongoing or place not in known.places:
            raise InvalidTxnState
        if sequence in known.batches:
            return  # a repeat: idempotence
        known.batches.add(sequence)
        known.records += [self.append(place, key, value, State.OPEN) for key, value in records]

    def add_offsets(self, name: str, epoch: int, group: str) -> None:
        self._begun(name, epoch).offsets.setdefault(group, {})

    def commit_offsets(
        self, name: str, epoch: int, group: str, offsets: Mapping[TopicPartition, int]
    ) -> None:
        known = self._of(name, epoch)
        if group not in known.offsets:
            raise InvalidTxnState
        known.offsets[group].update(offsets)

    def end_transaction(self, name: str, epoch: int, *, commit: bool) -> None:
        """Commit or abort whatever is open under this id and epoch: it may be another than was meant."""
        known = self._of(name, epoch)
        if known.ongoing:
            self._end(known, commit=commit)
        elif known.committed_last is not commit:
            raise InvalidTxnState

    def tick(self) -> None:
        """Abort what is open for too long, drop members that are not heard of, close a rebalance in time."""
        for known in self.transactions.values():
            if known.ongoing and self._now() - known.began_at > known.timeout_s:
                self._end(known, commit=False)
                known.epoch += 1
        if self.rebalancing_since is None:  # while the group deals, who has joined only waits
            silent = [one for one in self.members.values() if self._now() - one.heard_at > SESSION_S]
            for member in silent:
                del self.members[member.id]
            if silent:
                self._rebalance()
        self._settle()

    def _of(self, name: str, epoch: int) -> Transaction:
        known = self.transactions[name]
        if epoch != known.epoch:
            raise ProducerFenced
        return known

    def _begun(self, name: str, epoch: int) -> Transaction:
        known = self._of(name, epoch)
        if not known.ongoing:
            known.ongoing, known.began_at = True, self._now()
        return known

    def _end(self, known: Transaction, *, commit: bool) -> None:
        if not known.ongoing:
            return
        for stored in known.records:
            stored.state = State.COMMITTED if commit else State.ABORTED
        for place in known.places:
            self.append(place, None, None, State.MARKER)
        if commit:
            for group, offsets in known.offsets.items():
                kept = self.group_offsets.setdefault(group, {})
                kept.update({place: OffsetAndMetadata(offset, "") for place, offset in offsets.items()})
        known.ongoing, known.committed_last = False, commit
        known.places, known.records, known.offsets = set(), [], {}

    # --- the group

    def join(self, member: Member) -> None:
        """Take a member in; one with the instance of another takes its place, without a rebalance."""
        self._member_ids += 1
        member.id, member.heard_at = f"{member.instance or 'm'}-{self._member_ids}", self._now()
        before = next(
            (o for o in self.members.values() if member.instance and o.instance == member.instance), None
        )
        if before is not None:
            del self.members[before.id]
            self.members[member.id] = member
            if self.rebalancing_since is None:
                member.places, member.joined = before.places, True
                return
        self.members[member.id] = member
        if self.rebalancing_since is None:
            self._rebalance()
        member.joined = True
        self._settle()

    def rejoin(self, member: Member) -> None:
        """Take part in a rebalance that is under way; unknown members join anew."""
        if member.id not in self.members:
            raise UnknownMemberIdError
        member.joined, member.heard_at = True, self._now()
        self._settle()

    def heartbeat(self, member: Member, generation: int) -> None:
        self._check(member, generation)
        member.heard_at = self._now()
        if self.rebalancing_since is not None:
            raise RebalanceInProgressError

    def leave(self, member: Member) -> None:
        # A static member says no goodbye.
        if member.instance is None and self.members.pop(member.id, None) is not None:
            self._rebalance()
            self._settle()

    def commit(
        self, group: str, member: Member, generation: int, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> None:
        self._check(member, generation)
        if self.rebalancing_since is not None:
            raise RebalanceInProgressError
        self.group_offsets.setdefault(group, {}).update(offsets)

    def committed(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return the group's offsets; what an open transaction holds is not among them."""
        return dict(self.group_offsets.get(group, {}))

    def _check(self, member: Member, generation: int) -> None:
        if member.id not in self.members:
            taken = any(member.instance and one.instance == member.instance for one in self.members.values())
            raise FencedError if taken else UnknownMemberIdError
        if generation != self.generation and self.rebalancing_since is None:
            raise IllegalGenerationError

    def _rebalance(self) -> None:
        self.rebalancing_since = self._now()
        for member in self.members.values():
            member.joined = False

    def _settle(self) -> None:
        if self.rebalancing_since is None or not self.members:
            return
        if self._now() - self.rebalancing_since > REBALANCE_S:
            self.members = {name: one for name, one in self.members.items() if one.joined}
        if self.members and all(member.joined for member in self.members.values()):
            leader = next(iter(self.members.values()))
            topics = {member.id: member.topics for member in self.members.values()}
            dealt = leader.assign(topics, self._partitions)
            for member in self.members.values():
                member.places, member.heard_at = dealt.get(member.id, []), self._now()
            self.generation += 1
            self.rebalancing_since = None
