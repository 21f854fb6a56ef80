"""The notifier's shell: what is in line goes out, intent first, outcome last."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sinergi_notifier.channels.result import (
    DeliveryChannel,
    DeliveryResult,
    Parcel,
    Trouble,
    never,
)
from sinergi_notifier.deliver import Contacts, end, expired, intend, settle
from sinergi_notifier.forms import CeilingError, Full, Thin
from sinergi_notifier.journal import Journal
from sinergi_notifier.lane import NotifierLane, Setup
from sinergi_notifier.metrics import Metrics
from sinergi_notifier.queue import Waiting
from sinergi_notifier.records import Unreadable, read_job, write_follow_up
from sinergi_notifier.retry import Schedule
from sinergi_shared.contracts.codes import Channel, DeliveryState, Status
from sinergi_shared.contracts.followup import FollowUp
from sinergi_shared.contracts.job import Job, JobEntry
from sinergi_shared.directory import Contact
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.reread import Rereader

AT_ONCE: Final = 64
"""Attempts under way per lane; each endpoint has a much lower bound of its own."""

_IDLE_S: Final = 0.5
_GOOD: Final = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})


@dataclass(frozen=True, slots=True)
class Channels:
    """The ways out, each with the only form that it can carry."""

    email: DeliveryChannel[Thin]
    webhook: DeliveryChannel[Full]


class Courier:
    """Owns the lanes' queues and makes the deliveries; ``die`` ends the process on a bug."""

    def __init__(
        self,
        *,
        channels: Channels,
        contacts: Contacts,
        metrics: Metrics,
        schedule: Schedule,
        now: Callable[[], datetime],
        die: Callable[[str, BaseException], None],
    ) -> None:
        self._channels = channels
        self._contacts = contacts
        self._metrics = metrics
        self._schedule = schedule
        self._now = now
        self._die = die
        self._lanes: dict[int, NotifierLane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._journal: Journal
        self._jobs: Rereader

    def lane(self, number: int) -> NotifierLane:
        """Return a new lane in place of the one of a former assignment."""
        lane = NotifierLane(number, Setup(self._contacts, self._metrics, self._now, self._wake.set))
        self._lanes[number] = lane
        return lane

    async def run(
        self,
        journal: Journal,
        jobs: Rereader,
        owned: Callable[[], frozenset[int]],
        health: Health,
        stop: asyncio.Event,
    ) -> None:
        """Deliver until ``stop``, then let what is under way come to its end."""
        self._journal, self._jobs = journal, jobs
        self._metrics.watch(owned, lambda number: self._lanes[number].oldest_s())
        while not stop.is_set():
            self._wake.clear()
            lanes = self._at_work(owned())
            for lane in lanes:
                self._start(lane)
            health.beat("courier")
            await self._pause([lane for lane in lanes if lane.under_way < AT_ONCE])
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _at_work(self, owned: frozenset[int]) -> list[NotifierLane]:
        for number in self._lanes.keys() - owned:
            self._metrics.pending(number, 0)
        return [self._lanes[number] for number in sorted(owned)]

    def _start(self, lane: NotifierLane) -> None:
        lane.resume()
        while lane.under_way < AT_ONCE and (waiting := lane.queue.take(self._now())) is not None:
            lane.under_way += 1
            task = asyncio.create_task(self._deliver(lane, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._die("delivery", error)

    async def _pause(self, with_room: list[NotifierLane]) -> None:
        times = [time for lane in with_room if (time := lane.queue.next_time()) is not None]
        until = min(((time - self._now()).total_seconds() for time in times), default=_IDLE_S)
        try:
            async with asyncio.timeout(min(max(until, 0.0), _IDLE_S)):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _deliver(self, lane: NotifierLane, waiting: Waiting) -> None:
        try:
            record = lane.followups.waiting(waiting.delivery)
            if record is not None:
                await self._attempt(lane, record)
        finally:
            lane.queue.done(waiting)
            lane.under_way -= 1
            self._wake.set()

    async def _attempt(self, lane: NotifierLane, record: FollowUp) -> None:
        job = await self._job(lane, record)
        contact = self._contact(record)
        trouble = Trouble.CONTENT_GONE if job is None else Trouble.CONTACT_GONE
        if job is None or contact is None:
            await self._write(lane, end(record, DeliveryState.PERMANENT, self._now(), trouble))
            return
        if await self._ended_meanwhile(lane, record):
            return
        intent = intend(record, self._now())
        if not await self._write(lane, intent) or await self._ended_meanwhile(lane, intent):
            return
        result = await self._send(intent, _entry(job, record), contact)
        ending = lane.followups.overtaken(intent)
        outcome = settle(intent, result, ending, self._now(), self._schedule)
        if await self._write(lane, outcome):
            self._follow(lane, job, outcome)

    async def _ended_meanwhile(self, lane: NotifierLane, record: FollowUp) -> bool:
        now = self._now()
        state = DeliveryState.EXPIRED if expired(record, now) else lane.followups.overtaken(record)
        if state is not None:
            await self._write(lane, end(record, state, now))
        return state is not None

    async def _send(self, intent: FollowUp, entry: JobEntry, contact: Contact) -> DeliveryResult:
        repeat, at = intent.possibleRepeat, self._now()
        match contact.channel:
            case Channel.EMAIL:
                try:
                    thin = Thin(entry.thin)
                except CeilingError:
                    return never(Trouble.CEILING)
                return await self._channels.email.send(Parcel(intent.deliveryId, contact, thin, repeat, at))
            case Channel.WEBHOOK:
                full = Full(entry.full)
                return await self._channels.webhook.send(Parcel(intent.deliveryId, contact, full, repeat, at))

    def _follow(self, lane: NotifierLane, job: Job, outcome: FollowUp) -> None:
        if outcome.receipt.state in _GOOD:
            self._metrics.took(outcome, job.receivedAt, job.decidedAt)
        elif outcome.receipt.state is DeliveryState.TEMPORARY:
            lane.line_up(outcome)

    async def _write(self, lane: NotifierLane, record: FollowUp) -> bool:
        return await self._journal.write(
            lane.number, write_follow_up(record, lane.number), lambda: lane.wrote(record)
        )

    async def _job(self, lane: NotifierLane, record: FollowUp) -> Job | None:
        job = lane.job(record.job)
        if job is not None:
            return job
        again = await self._jobs.read(record.job.partition, record.job.offset)
        event = read_job(again.value if again else None)
        return None if isinstance(event, Unreadable) or event.id != record.job.id else event.data

    def _contact(self, record: FollowUp) -> Contact | None:
        drill = record.status is Status.EXERCISE
        contacts = self._contacts.get(record.receipt.recipient, ())
        return next((one for one in contacts if one.id == record.contact and one.drill is drill), None)


def _entry(job: Job, record: FollowUp) -> JobEntry:
    return next(entry for entry in job.entries if entry.full.data.alertNumber == record.receipt.alertNumber)
