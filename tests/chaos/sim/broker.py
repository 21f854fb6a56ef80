"""A model of one Kafka broker: logs, transactions with epochs, a group; no network and no time of its own.

As much of it as the lanes' shell can notice. ``tests/real/test_sim_model.py`` holds it against the
real one. Protocol versions are those that aiokafka 0.14 speaks: a transaction's offsets carry neither
member nor generation (KIP-447), and no epoch is raised by a commit (KIP-890).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import InvalidTxnState, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from tests.chaos.sim.group import Group


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


class Broker:
    """The one broker; ``now`` gives virtual seconds, of which the first is ``begins_at_s`` (since 1970)."""

    def __init__(self, now: Callable[[], float], begins_at_s: float = 0.0) -> None:
        self._now = now
        self._begins_at_s = begins_at_s
        self.logs: defaultdict[TopicPartition, list[Stored]] = defaultdict(list)
        self.transactions: dict[str, Transaction] = {}
        self.group_offsets: dict[str, dict[TopicPartition, OffsetAndMetadata]] = {}
        self.group = Group(now)

    # --- logs

    def append(self, place: TopicPartition, key: bytes | None, value: bytes | None, state: State) -> Stored:
        log = self.logs[place]
        timestamp = int((self._begins_at_s + self._now()) * 1000)
        stored = Stored(place.topic, place.partition, len(log), key, value, state, timestamp)
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
        """Abort what is open for too long; see to the group."""
        for known in self.transactions.values():
            if known.ongoing and self._now() - known.began_at > known.timeout_s:
                self._end(known, commit=False)
                known.epoch += 1
        self.group.tick()

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

    # --- the group's offsets

    def commit(
        self, group: str, member_id: str, generation: int, offsets: Mapping[TopicPartition, OffsetAndMetadata]
    ) -> None:
        self.group.check_commit(member_id, generation)
        self.group_offsets.setdefault(group, {}).update(offsets)

    def committed(self, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
        """Return the group's offsets; what an open transaction holds is not among them."""
        return dict(self.group_offsets.get(group, {}))
