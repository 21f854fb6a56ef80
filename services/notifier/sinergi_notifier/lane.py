"""The lane's part of the shell: jobs are taken over into states, and lined up to be sent."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sinergi_notifier.channels import email, webhook
from sinergi_notifier.deliver import Contacts, contacts_for, plan
from sinergi_notifier.followup import OPEN, FollowUps
from sinergi_notifier.metrics import Alarm, Metrics
from sinergi_notifier.queue import Queue, Waiting
from sinergi_notifier.records import Unreadable, read_follow_up, read_job, refuse_job, write_follow_up
from sinergi_shared.contracts.codes import Channel, DeliveryState, Severity
from sinergi_shared.contracts.followup import FollowUp, JobPointer
from sinergi_shared.contracts.job import Job
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing

MAX_HELD: Final = 2_000
"""Jobs kept in memory per lane; what waits beyond that is read again from Kafka when its turn comes."""

_NEVER_DUE: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Held:
    """A job in memory, until the last of its deliveries has ended."""

    job: Job
    waiting: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Setup:
    """What every lane needs of the service."""

    contacts: Contacts
    metrics: Metrics
    now: Callable[[], datetime]
    wake: Callable[[], None]


class NotifierLane:
    """State and queue of one lane; nothing here waits for anybody."""

    def __init__(self, number: int, setup: Setup) -> None:
        self.number = number
        self.followups = FollowUps()
        self.queue = Queue()
        self.under_way = 0
        self._setup = setup
        self._held: dict[int, _Held] = {}  # by offset
        self._resumed = False

    def restore(self, record: Record) -> None:
        """Take a state from the compacted topic, oldest first."""
        if record.value is not None:
            self.followups.remember(read_follow_up(record.value))

    async def rebuilt(self) -> None:
        """Nothing: what is left to be done is lined up by ``resume``."""

    async def prepare(self, records: Sequence[Record]) -> None:
        """Nothing: a job holds all that its take-over needs."""

    def work(self, records: Sequence[Record]) -> list[Outgoing]:
        """Return the states and refusals that these jobs cause."""
        self.resume()
        outgoing = [out for record in records for out in self._take_over(record)]
        self._setup.wake()
        return outgoing

    async def upkeep(self) -> Iterable[Outgoing]:
        """Nothing: deliveries have a clock of their own."""
        return ()

    def convict(self, record: Record) -> list[Outgoing]:
        """Return the refusal of a job that kills whoever works on it."""
        self._setup.metrics.alarm(Alarm.JOB_UNREADABLE, f"{record.partition}/{record.offset}", on=True)
        return [refuse_job(record, (), self._setup.now(), Reason.CRASH_LOOP)]

    def resume(self) -> None:
        """Line up what a former owner of the lane left to be done; only the first call does."""
        if not self._resumed:
            self._resumed = True
            for record in list(self.followups.all_waiting()):
                self.line_up(record)
            self._setup.metrics.pending(self.number, self.followups.count_waiting())

    def line_up(self, record: FollowUp) -> None:
        """Put a delivery in line for its next attempt."""
        channel, contact = record.receipt.channel, record.contact
        waiting = Waiting(
            rank=Severity.KRITIS.rank - record.severity.rank,
            due=record.ackDueAt or _NEVER_DUE,
            queued=record.receipt.at,
            delivery=record.deliveryId,
            # All mail goes through one relay; each webhook is an endpoint of its own.
            endpoint="email" if channel is Channel.EMAIL else f"{record.receipt.recipient}/{contact}",
            at_once=email.AT_ONCE if channel is Channel.EMAIL else webhook.AT_ONCE,
        )
        self.queue.put(waiting, record.nextAt or record.receipt.at)

    def job(self, pointer: JobPointer) -> Job | None:
        """Return a job that is still in memory."""
        held = self._held.get(pointer.offset)
        return held.job if held else None

    def oldest_s(self) -> float:
        """Return for how many seconds the oldest delivery has waited, 0 when none does."""
        oldest = self.followups.oldest_waiting()
        return max((self._setup.now() - oldest).total_seconds(), 0.0) if oldest else 0.0

    def wrote(self, record: FollowUp) -> None:
        """Take a state that is on Kafka, and count it."""
        self.followups.remember(record)
        self._setup.metrics.told(record)
        self._setup.metrics.pending(self.number, self.followups.count_waiting())
        if record.receipt.state not in OPEN:
            self._let_go(record)

    def _take_over(self, record: Record) -> Iterator[Outgoing]:
        now = self._setup.now()
        event = read_job(record.value)
        if isinstance(event, Unreadable):
            self._setup.metrics.alarm(Alarm.JOB_UNREADABLE, f"{record.partition}/{record.offset}", on=True)
            yield refuse_job(record, event.fields, now)
            return
        pointer = JobPointer(id=event.id, partition=record.partition, offset=record.offset)
        states = plan(event.data, pointer, self._setup.contacts, self.followups, now)
        for state in states:
            self._note(event.data, state)
            yield write_follow_up(state, self.number)
        if states:
            self._count_silent(event.data)

    def _note(self, job: Job, state: FollowUp) -> None:
        self.wrote(state)
        if state.receipt.state is DeliveryState.QUEUED:
            self._hold(job, state)
            self.line_up(state)
        elif state.receipt.state is DeliveryState.SENT:
            self._setup.metrics.took(state, job.receivedAt, job.decidedAt)

    def _hold(self, job: Job, state: FollowUp) -> None:
        offset = state.job.offset
        if offset in self._held or len(self._held) < MAX_HELD:
            self._held.setdefault(offset, _Held(job)).waiting.add(state.deliveryId)

    def _let_go(self, record: FollowUp) -> None:
        held = self._held.get(record.job.offset)
        if held is not None:
            held.waiting.discard(record.deliveryId)
            if not held.waiting:
                del self._held[record.job.offset]

    def _count_silent(self, job: Job) -> None:
        for entry in job.entries:
            if not contacts_for(job.status, self._setup.contacts.get(entry.recipient, ())):
                self._setup.metrics.without_contact()
