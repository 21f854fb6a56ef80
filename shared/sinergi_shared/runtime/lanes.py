"""Lanes: one owner, one transactional producer and one rebuilt state each (architecture, 2).

A transaction holds everything that a lane's records cause, and the offsets of all its inputs: so
nothing is lost and nothing is twice, under kills, freezes and rebalances. Traps and figures:
reliability, 1. Any error here ends the process before an offset is committed; the supervisor
starts it again, and the lane's state is rebuilt from its compacted topic. Only after a note of the
breaker (``breaker``) that is refused or not answered does the process live on and join anew.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, KafkaError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.structs import OffsetAndMetadata

from sinergi_shared.runtime import kafka
from sinergi_shared.runtime.breaker import Note
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.transactions import LONGEST_S, Outgoing, Transactions

MAX_BATCH: Final = 400
"""Events of 40 kB each become 16 MB in one transaction: a slow broker must take them within its time-out.

Fewer at once cost more each, for a batch goes to every topic that they reach (200: a twentieth more).
"""
AT_ONCE: Final = 50
"""So many records are worked on before others get a turn: an answer of Kafka would wait for a whole batch."""
POLL_MS: Final = 50
DRY_MS: Final = 5
"""A transaction is not held open for records that are not there."""

UPKEEP_EVERY_S: Final = 1.0

_ROUND_S: Final = 0.2
WAITING: Final = "waiting for lanes"
"""What a service that reads lanes is not ready for, until it owns some."""


class Record(Protocol):
    """A consumed record, as aiokafka hands it out; ``timestamp`` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Lane(Protocol):
    """What a service does in one lane; no clock of its own but the one it was given."""

    def restore(self, record: Record) -> None:
        """Take one record of the lane's compacted topic, oldest first."""

    async def rebuilt(self) -> None:
        """Get ready once all is restored, before the first record; raise when the lane cannot be served."""

    async def prepare(self, records: Sequence[Record]) -> None:
        """Read from Kafka what these records point to; awaits nothing else."""

    def work(self, records: Sequence[Record]) -> Iterable[Outgoing]:
        """Return all that these records cause, in the order in which it is to be published."""

    async def upkeep(self) -> Iterable[Outgoing]:
        """Return what time alone causes, a little at once; asked every ``UPKEEP_EVERY_S``."""

    def convict(self, record: Record) -> Iterable[Outgoing]:
        """Return the rejection of a record that kills whoever works on it; it is not to be looked into."""


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """How a service takes part: its name, its topics, and how long a transaction gathers records."""

    name: str
    bootstrap: list[str]
    inputs: tuple[str, ...]
    state_topic: str
    commit_ms: int = POLL_MS
    instance: str | None = "0"  # a stable name makes a restart cost no rebalance; None: a name each start

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"sinergi-{self.name}"


@dataclass(slots=True)
class _Owned:
    number: int
    lane: Lane
    transactions: Transactions
    next_offset: dict[TopicPartition, int]
    notes: dict[TopicPartition, Note]  # about the next record of each input
    careful_for: int  # records that are still taken one at a time
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None
    fresh: bool = True  # no batch since the assignment
    upkeep_at: float = 0.0


Noted = Mapping[TopicPartition, OffsetAndMetadata]
"""The group's offsets, and the notes beside them."""


class Lanes(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Owns lanes as the consumer group assigns them, and works on each in its own transactions."""

    def __init__(
        self, settings: LaneSettings, make: Callable[[int], Lane], die: Callable[[str, BaseException], None]
    ) -> None:
        self._settings = settings
        self._make = make
        self._die = die
        self._owned: dict[int, _Owned] = {}
        self._unheard: dict[TopicPartition, tuple[int, Note]] = {}  # offset, and what is true about it
        self._taking: asyncio.Task[None] | None = None
        self._taken: list[_Owned] = []  # at the last assignment; those let go may still be at work
        self._working = asyncio.Lock()
        self._letting_go = asyncio.Lock()
        self._leaving = False
        self._consumer: AIOKafkaConsumer
        self._health: Health

    @property
    def owned(self) -> frozenset[int]:
        """Lanes that are rebuilt and at work."""
        return frozenset(self._owned)

    async def run(self, health: Health, stop: asyncio.Event) -> None:
        """Consume until ``stop``; ready once the group has assigned lanes, then while each goes round."""
        health.problem("lanes", WAITING)
        self._health, settings = health, self._settings
        self._consumer = kafka.reader(
            await kafka.answering(settings.bootstrap),
            group_id=settings.group,
            group_instance_id=f"{settings.name}-{settings.instance}" if settings.instance else None,
            session_timeout_ms=kafka.SESSION_TIMEOUT_MS,
            heartbeat_interval_ms=1_000,
            # The default round robin splits lanes over members (tried; architecture, 2).
            partition_assignment_strategy=(RangePartitionAssignor,),
            fetch_max_wait_ms=POLL_MS,
        )
        self._consumer.subscribe(list(settings.inputs), listener=self)
        committing_once(self._consumer)
        await self._consumer.start()
        try:
            while not stop.is_set():
                health.beat("lanes")
                health.problem("lanes", None if self._owned else WAITING)
                await asyncio.sleep(_ROUND_S)
        finally:
            self._leaving = True
            await self._release()
            await self._consumer.stop()

    async def publish(
        self, number: int, outgoing: Iterable[Outgoing], committed: Callable[[], None] = lambda: None
    ) -> bool:
        """Publish in a transaction of its own; ``False`` when the lane is not ours any more.

        ``committed`` is called before the lane's next transaction can begin, so that what a lane
        remembers is never older than what it has written.
        """
        owned = self._owned.get(number)
        if owned is None:
            return False
        async with owned.lock:
            if self._owned.get(number) is not owned:
                return False
            await owned.transactions.commit()
            await owned.transactions.add(outgoing, {})
            await owned.transactions.commit()
            committed()
        return True

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go of every lane: the group is about to deal anew."""
        del revoked
        await self._release()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begin to take each lane; await nothing, for no heartbeat is sent until this has returned.

        aiokafka only logs an error here, so it ends the process.
        """
        try:
            lanes = whole_lanes(assigned, self._settings.inputs)
        except ValueError as error:
            self._die("assignment", error)
            return
        if lanes and not self._leaving:
            self._taking = asyncio.create_task(self._take_all(lanes), name="assignment")
            self._taking.add_done_callback(self._ended)

    async def _release(self) -> None:
        async with self._letting_go:
            if self._taking is not None:
                self._taking.cancel()
                await asyncio.wait([self._taking])
            released = list(self._owned.values())
            self._owned.clear()
            for owned in released:
                self._health.forget(f"lane-{owned.number}")
                async with owned.lock:  # what is in hand ends first
                    await owned.transactions.commit()
                    await owned.transactions.stop()
                    if owned.task is not None:
                        owned.task.cancel()

    async def _take_all(self, lanes: frozenset[int]) -> None:
        """Fence, rebuild and seek each lane, then begin to work on all of them."""
        async with kafka.administering(self._settings.bootstrap) as admin:
            noted = await admin.list_consumer_group_offsets(self._settings.group)
        async with AsyncExitStack() as undo:
            taken = await asyncio.gather(*(self._take(lane, noted, undo) for lane in sorted(lanes)))
            undo.pop_all()
        self._taken = taken
        for owned in taken:
            self._begin(owned)
        self._health.problem("lanes", None)

    async def _take(self, number: int, noted: Noted, undo: AsyncExitStack) -> _Owned:
        settings = self._settings
        transactions = Transactions(settings.bootstrap, f"{settings.name}-{number}", settings.group)
        await transactions.start()
        undo.push_async_callback(transactions.stop)
        lane = self._make(number)
        await self._rebuild(number, lane)
        await lane.rebuilt()
        next_offset = {}
        for place in self._places(number):
            committed = await self._consumer.committed(place)
            if committed is None:
                committed = (await self._consumer.beginning_offsets([place]))[place]
            # Always: records have reached us meanwhile (aiokafka #738).
            self._consumer.seek(place, committed)
            next_offset[place] = committed
        notes = self._notes(noted, next_offset)
        careful_for = MAX_BATCH if any(note.careful for note in notes.values()) else 0
        return _Owned(number, lane, transactions, next_offset, notes, careful_for)

    def _begin(self, owned: _Owned) -> None:
        self._owned[owned.number] = owned
        owned.task = asyncio.create_task(self._go_round(owned), name=f"lane-{owned.number}")
        owned.task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._die(task.get_name(), error)

    async def _rebuild(self, number: int, lane: Lane) -> None:
        place = TopicPartition(self._settings.state_topic, number)
        reader = kafka.reader(await kafka.answering(self._settings.bootstrap))
        await reader.start()
        try:
            reader.assign([place])
            await reader.seek_to_beginning(place)
            end = (await reader.end_offsets([place]))[place]
            while await reader.position(place) < end:
                for record in (await reader.getmany(place, timeout_ms=200)).get(place, []):
                    lane.restore(record)
        finally:
            await reader.stop()

    async def _go_round(self, owned: _Owned) -> None:
        places = self._places(owned.number)
        while True:
            gathering = owned.transactions.open_for()
            wait = POLL_MS if gathering is None else min(DRY_MS, self._settings.commit_ms)
            most = 1 if owned.careful_for else MAX_BATCH
            batch = await self._consumer.getmany(*places, timeout_ms=wait, max_records=most)
            async with owned.lock:
                if self._owned.get(owned.number) is not owned:
                    return
                try:
                    await self._step(owned, [record for place in places for record in batch.get(place, [])])
                except CommitFailedError:  # the group has put us out: it lets go of the lane and deals anew
                    return
            self._health.beat(f"lane-{owned.number}")

    async def _step(self, owned: _Owned, records: list[Record]) -> None:
        fresh = [record for record in records if record.offset >= owned.next_offset[_place(record)]]
        if fresh and owned.careful_for:
            await self._carefully(owned, fresh[0])
        elif fresh:
            if owned.fresh:
                await self._write_note(owned, fresh[0], owned.notes[_place(fresh[0])].beginning())
            async with self._alone():
                await owned.lane.prepare(fresh)
                outgoing = await _worked(owned.lane, fresh)
            await self._add(owned, fresh, outgoing)
        await self._upkeep(owned)
        gathered = owned.transactions.open_for()
        if gathered is not None and (not records or gathered * 1000 >= self._settings.commit_ms):
            await owned.transactions.commit()

    async def _upkeep(self, owned: _Owned) -> None:
        now = asyncio.get_running_loop().time()
        if now >= owned.upkeep_at:
            owned.upkeep_at = now + UPKEEP_EVERY_S
            async with self._alone():
                outgoing = list(await owned.lane.upkeep())
            if outgoing:
                await owned.transactions.add(outgoing, {})

    async def _carefully(self, owned: _Owned, record: Record) -> None:
        note = owned.notes[_place(record)]
        async with self._alone():
            outgoing = owned.lane.convict(record) if note.convicts else await self._in_hand(owned, record)
        await self._add(owned, [record], outgoing)
        await owned.transactions.commit()
        owned.notes[_place(record)] = Note(begun=note.begun)
        owned.careful_for -= 1

    async def _in_hand(self, owned: _Owned, record: Record) -> Iterable[Outgoing]:
        note = owned.notes[_place(record)].taking()
        await self._write_note(owned, record, note)
        try:
            async with asyncio.timeout(LONGEST_S):
                await owned.lane.prepare([record])
        except (KafkaError, TimeoutError):  # that is not the record's fault
            await self._write_note(owned, record, note.worked())
            raise
        outgoing = list(owned.lane.work([record]))
        await self._write_note(owned, record, note.worked())
        return outgoing

    def _alone(self) -> AbstractAsyncContextManager[None]:
        """Return what keeps others from working while a lane takes one at a time: none dies in its hand."""
        careful = any(owned.careful_for for owned in self._taken)
        return self._working if careful else nullcontext()

    async def _add(self, owned: _Owned, records: list[Record], outgoing: Iterable[Outgoing]) -> None:
        offsets = {_place(record): record.offset + 1 for record in records}
        await owned.transactions.add(outgoing, offsets)
        owned.next_offset.update(offsets)
        owned.fresh = False

    async def _write_note(self, owned: _Owned, record: Record, note: Note) -> None:
        place = _place(record)
        try:
            await self._consumer.commit({place: OffsetAndMetadata(record.offset, str(note))})
        except CommitFailedError:
            # Carried out or not: the record was not begun, or has been worked on.
            self._unheard[place] = record.offset, note.milder(owned.notes[place])
            raise
        self._unheard.pop(place, None)
        owned.notes[place] = note

    def _notes(self, noted: Noted, next_offset: dict[TopicPartition, int]) -> dict[TopicPartition, Note]:
        """Return the note about the next record of each input; one about another record says nothing."""
        notes = {}
        for place, offset in next_offset.items():
            found = noted.get(place)
            note = Note.read(found.metadata) if found is not None and found.offset == offset else Note()
            at, known = self._unheard.get(place, (-1, note))
            notes[place] = note.milder(known) if at == offset else note
        begun = max(note.begun for note in notes.values())
        return {place: replace(note, begun=begun) for place, note in notes.items()}

    def _places(self, number: int) -> tuple[TopicPartition, ...]:
        return tuple(TopicPartition(topic, number) for topic in self._settings.inputs)


async def _worked(lane: Lane, records: Sequence[Record]) -> list[Outgoing]:
    """Return all that a batch causes; other lanes' requests to Kafka get their turn in between."""
    outgoing: list[Outgoing] = []
    for start in range(0, len(records), AT_ONCE):
        outgoing += lane.work(records[start : start + AT_ONCE])
        await asyncio.sleep(0)
    return outgoing


def _place(record: Record) -> TopicPartition:
    return TopicPartition(record.topic, record.partition)


def committing_once(consumer: AIOKafkaConsumer) -> None:
    """Let a commit of unknown fate fail with ``CommitFailedError``; aiokafka would send it again.

    The first request, held up on its way, could arrive after the lane's next transaction and set
    the lane back, and all since then would be published twice. So the consumer joins anew, as after
    a refusal: it is then another member, and the group refuses the late request. The process must
    live on, for it alone knows that the record of the note has killed nobody. Needs aiokafka 0.14's
    ``client.send`` and ``reset_generation``.
    """
    send = consumer._client.send  # noqa: SLF001 - the consumer has no other door to its requests

    async def once(node: Any, request: Any, **more: Any) -> Any:  # noqa: ANN401 - aiokafka's own types
        try:
            return await send(node, request, **more)
        except KafkaError as error:
            if isinstance(request, OffsetCommitRequest):
                consumer._coordinator.reset_generation()  # noqa: SLF001 - nor another way out of the group
                raise CommitFailedError from error
            raise

    consumer._client.send = once  # noqa: SLF001


def whole_lanes(assigned: Iterable[TopicPartition], inputs: tuple[str, ...]) -> frozenset[int]:
    """Return the lanes in an assignment; raise ``ValueError`` when it splits one over members."""
    topics_of: dict[int, set[str]] = {}
    for place in assigned:
        topics_of.setdefault(place.partition, set()).add(place.topic)
    split = sorted(lane for lane, topics in topics_of.items() if topics != set(inputs))
    if split:
        raise ValueError(f"lanes {split} are split over members; every member needs the range assignor")
    return frozenset(topics_of)
