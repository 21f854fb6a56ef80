"""The router's shell: one short straight function a topic, everything in the lane's transaction."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from time import perf_counter
from typing import Final

from sinergi_router.activations import applied
from sinergi_router.arrivals import Asked, Unread, read_carried, read_record, read_records, read_request
from sinergi_router.decide import case_of, decide
from sinergi_router.ledger import Ledger
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.outbox.decisions import of_decision, of_expiry
from sinergi_router.outbox.refusals import of_rejection, of_unread
from sinergi_router.outbox.requests import of_request
from sinergi_router.outbox.written import of_thread
from sinergi_router.policy.facts import Arrived, Thread
from sinergi_router.policy.requests import apply_request
from sinergi_router.policy.upkeep import LOOKED_AT_EVERY, Care, care, expired, resting_since
from sinergi_router.rules import Rules
from sinergi_router.threads import to_record
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.reasons import Outcome, Reason, Stage
from sinergi_shared.contracts.thread import POLICY_KEY, TOTALS_KEY, EventPointer
from sinergi_shared.contracts.topics import EVENTS, THREADS
from sinergi_shared.runtime.breaker import CONVICTING_DEATHS, SUSPICIOUS_DEATHS
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing

Reread = Callable[[int, int], Awaitable[Record | None]]
"""Reads an accepted event again by partition and offset."""

CARED_FOR_AT_ONCE: Final = 20
"""So many threads a second: 50 million a month, and no alert waits for them."""


class RouterLane:
    """One lane of the router; ``now`` gives the aware time of a decision."""

    def __init__(
        self,
        lane: int,
        rules: Rules,
        metrics: RouterMetrics,
        now: Callable[[], datetime],
        reread: Reread,
        threads: Threads,
    ) -> None:
        self._lane = lane
        self._rules = rules
        self._policy = rules.current.policy
        self._activation: Activation | None = None  # by which the lane has decided, as its topic knows
        self._metrics = metrics
        self._now = now
        self._reread = reread
        self._threads = threads
        self._ledger = Ledger()
        self._accepted: dict[EventPointer, Arrived] = {}  # what the requests in hand are about

    def restore(self, record: Record) -> None:
        """Take one record of ``sinergi.threads.v1``."""
        if record.key == TOTALS_KEY and record.value is not None:
            self._ledger.restore(record.value)
        elif record.key == POLICY_KEY and record.value is not None:
            self._activation = Activation.model_validate_json(record.value)
        else:
            self._threads.keep(record.key or b"", record.value, record.timestamp)

    async def rebuilt(self) -> None:
        """Wait for the policy by which the lane has decided, or a later one: it never goes back."""
        if self._activation is not None:
            await self._rules.reached(self._activation)

    async def prepare(self, records: Sequence[Record]) -> None:
        """Read the accepted events again that requests are about; threads only point to them."""
        self._accepted.clear()
        asked = [one for one in map(read_request, _of_requests(records)) if isinstance(one, Asked)]
        for thread in self._threads.of({one.request.threadId for one in asked}).values():
            arrived = read_carried(thread) or await self._again(thread.pointer)
            if arrived is not None and thread.pointer is not None:
                self._accepted[thread.pointer] = arrived

    async def _again(self, pointer: EventPointer | None) -> Arrived | None:
        record = await self._reread(pointer.partition, pointer.offset) if pointer is not None else None
        arrived = read_record(record) if record is not None else None
        return arrived if isinstance(arrived, Arrived) else None

    def work(self, records: Sequence[Record]) -> Iterable[Outgoing]:
        """Return alerts, jobs, threads, status, audit and rejections of a batch."""
        started, now = perf_counter(), self._now()
        outgoing = self._newest_policy(now)
        events = [record for record in records if record.topic == EVENTS]
        outgoing += self._on_events(events, now) if events else []
        for record in _of_requests(records):
            outgoing += self._on_request(record, now)
        self._metrics.remembered(self._lane, len(self._threads))
        self._metrics.batch.observe(perf_counter() - started)
        return outgoing

    async def upkeep(self) -> Iterable[Outgoing]:
        """Return what time alone does to threads that were not written for long; a few at once."""
        now = self._now()
        before_ms = _ms(now - LOOKED_AT_EVERY)
        outgoing: list[Outgoing] = []
        for thread in self._threads.oldest(before_ms, CARED_FOR_AT_ONCE):
            outgoing += await self._cared_for(thread, now)
        return outgoing

    async def _cared_for(self, thread: Thread, now: datetime) -> list[Outgoing]:
        outgoing = [of_thread(thread, self._lane)]
        match care(thread, now):
            case Care.NOTHING:
                as_if = resting_since(thread, now)
                self._threads.put_by(thread.thread_id.encode(), to_record(thread), _ms(as_if))
                return []
            case Care.FORGET:
                outgoing = [outgoing[0]._replace(value=None)]
            case Care.EXPIRE:
                self._metrics.expired.inc()
                outgoing = list(of_expiry(expired(thread, now), now, self._lane))
            case Care.CARRY_EVENT:
                arrived = await self._again(thread.pointer)
                carried = arrived.document if arrived is not None else None
                outgoing = [of_thread(replace(thread, carried=carried), self._lane)]
            case Care.REWRITE:
                pass
        self._remember(outgoing, now)
        return outgoing

    def convict(self, record: Record) -> Iterable[Outgoing]:
        """Return the rejection of a record that kills whoever works on it."""
        self._metrics.unread([Reason.CRASH_LOOP])
        deaths = SUSPICIOUS_DEATHS + CONVICTING_DEATHS
        guilty = Unread(record, Reason.CRASH_LOOP, Stage.ROUTE, attempts=deaths)
        outgoing = [of_unread(guilty, self._now(), self._lane)]
        if record.topic == EVENTS:
            outgoing.append(self._account([Outcome.REJECTED], [record]))
        return outgoing

    def _newest_policy(self, now: datetime) -> list[Outgoing]:
        """Take what is in force, between two batches only; the lane's topic knows in the same transaction."""
        in_force = self._rules.current
        self._policy = in_force.policy
        if in_force.activation is None or in_force.activation == self._activation:
            return []
        self._activation = in_force.activation
        return list(applied(in_force.activation, self._lane, now))

    def _on_events(self, records: Sequence[Record], now: datetime) -> list[Outgoing]:
        arrived, unread = read_records(records)
        known = self._threads.of({one.thread_id for one in arrived})
        decisions = decide(arrived, known, self._policy, now)
        by_offset = {record.offset: record for record in records}
        outgoing = [out for decision in decisions for out in of_decision(decision, self._lane)]
        for decision in decisions:
            if decision.outcome is Outcome.REJECTED and decision.arrived.pointer is not None:
                record = by_offset[decision.arrived.pointer.offset]
                outgoing.append(of_rejection(decision, record, self._lane))
            if decision.outcome is Outcome.ROUTED and decision.arrived.pointer is not None:
                # Its thread points to it now, and a request in the same batch may be about it.
                self._accepted[decision.arrived.pointer] = decision.arrived
        self._remember(outgoing, now)
        outgoing += [of_unread(one, now, self._lane) for one in unread]
        outcomes = [*(decision.outcome for decision in decisions), *(Outcome.REJECTED for _ in unread)]
        outgoing.append(self._account(outcomes, records))
        self._metrics.decided(decisions)
        self._metrics.unread(one.reason for one in unread)
        return outgoing

    def _on_request(self, record: Record, now: datetime) -> list[Outgoing]:
        asked = read_request(record)
        if isinstance(asked, Unread):
            self._metrics.requested(Outcome.REJECTED)
            return [of_unread(asked, now, self._lane)]
        before = self._threads.of([asked.request.threadId]).get(asked.request.threadId)
        accepted = self._accepted.get(before.pointer) if before and before.pointer else None
        case = case_of(accepted, self._policy) if accepted else None
        decision = apply_request(asked.request, asked.request_id, before, case, self._policy, now)
        if accepted is not None and decision.thread is not None:
            decision = replace(decision, thread=_carrying(decision.thread, accepted, now))
        self._metrics.requested(decision.outcome)
        outgoing = list(of_request(decision, decision.thread or before, self._lane))
        self._remember(outgoing, now)
        return outgoing

    def _remember(self, outgoing: Iterable[Outgoing], now: datetime) -> None:
        written_ms = _ms(now)
        for out in outgoing:
            if out.topic == THREADS and out.key is not None:
                self._threads.keep(out.key, out.value, written_ms)

    def _account(self, outcomes: Sequence[Outcome], records: Sequence[Record]) -> Outgoing:
        self._ledger.count(outcomes, max(record.offset for record in records) + 1)
        self._metrics.unreconciled.labels(str(self._lane)).set(self._ledger.unreconciled)
        return self._ledger.record(self._lane)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _carrying(thread: Thread, accepted: Arrived, now: datetime) -> Thread:
    # A request puts the next look at its thread off, perhaps until the event is gone: now it is in hand.
    if care(thread, now) is Care.CARRY_EVENT:
        return replace(thread, carried=accepted.document)
    return thread


def _of_requests(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.topic != EVENTS]
