"""The router's shell: one short straight function a topic, everything in the lane's transaction."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from time import perf_counter

from sinergi_router.activations import applied
from sinergi_router.arrivals import Asked, Unread, read_record, read_records, read_request
from sinergi_router.decide import case_of, decide
from sinergi_router.ledger import Ledger
from sinergi_router.metrics import RouterMetrics
from sinergi_router.outbox import of_decision, of_rejection, of_request, of_unread
from sinergi_router.policy.facts import Arrived, Thread
from sinergi_router.policy.requests import apply_request
from sinergi_router.rules import Rules
from sinergi_router.threads import Threads
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.reasons import Outcome, Reason, Stage
from sinergi_shared.contracts.thread import POLICY_KEY, TOTALS_KEY, EventPointer
from sinergi_shared.contracts.topics import EVENTS
from sinergi_shared.runtime.breaker import CONVICTING_DEATHS, SUSPICIOUS_DEATHS
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing

Reread = Callable[[int, int], Awaitable[Record | None]]
"""Reads an accepted event again by partition and offset."""


class RouterLane:
    """One lane of the router; ``now`` gives the aware time of a decision."""

    def __init__(
        self,
        lane: int,
        rules: Rules,
        metrics: RouterMetrics,
        now: Callable[[], datetime],
        reread: Reread,
    ) -> None:
        self._lane = lane
        self._rules = rules
        self._policy = rules.current.policy
        self._activation: Activation | None = None  # by which the lane has decided, as its topic knows
        self._metrics = metrics
        self._now = now
        self._reread = reread
        self._threads = Threads()
        self._ledger = Ledger()
        self._accepted: dict[EventPointer, Arrived] = {}  # what the requests in hand are about

    def restore(self, record: Record) -> None:
        """Take one record of ``sinergi.threads.v1``."""
        if record.key == TOTALS_KEY and record.value is not None:
            self._ledger.restore(record.value)
        elif record.key == POLICY_KEY and record.value is not None:
            self._activation = Activation.model_validate_json(record.value)
        else:
            self._threads.restore(record.key or b"", record.value)

    async def rebuilt(self) -> None:
        """Wait for the policy by which the lane has decided, or a later one: it never goes back."""
        if self._activation is not None:
            await self._rules.reached(self._activation)

    async def prepare(self, records: Sequence[Record]) -> None:
        """Read the accepted events again that requests are about; threads only point to them."""
        self._accepted.clear()
        for asked in map(read_request, _of_requests(records)):
            thread = self._threads.known.get(asked.request.threadId) if isinstance(asked, Asked) else None
            if thread is not None and thread.pointer is not None:
                again = await self._reread(thread.pointer.partition, thread.pointer.offset)
                arrived = read_record(again) if again is not None else None
                if isinstance(arrived, Arrived):
                    self._accepted[thread.pointer] = arrived

    def work(self, records: Sequence[Record]) -> Iterable[Outgoing]:
        """Return alerts, jobs, threads, status, audit and rejections of a batch."""
        started, now = perf_counter(), self._now()
        outgoing = self._newest_policy(now)
        events = [record for record in records if record.topic == EVENTS]
        outgoing += self._on_events(events, now) if events else []
        for record in _of_requests(records):
            outgoing += self._on_request(record, now)
        self._metrics.remembered(self._lane, self._threads.known.values())
        self._metrics.batch.observe(perf_counter() - started)
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
        decisions = decide(arrived, self._threads.known, self._policy, now)
        by_offset = {record.offset: record for record in records}
        outgoing = [out for decision in decisions for out in of_decision(decision, self._lane)]
        for decision in decisions:
            if decision.outcome is Outcome.REJECTED and decision.arrived.pointer is not None:
                record = by_offset[decision.arrived.pointer.offset]
                outgoing.append(of_rejection(decision, record, self._lane))
            self._remember(decision.arrived, decision.thread)
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
        before = self._threads.known.get(asked.request.threadId)
        accepted = self._accepted.get(before.pointer) if before and before.pointer else None
        case = case_of(accepted, self._policy) if accepted else None
        decision = apply_request(asked.request, asked.request_id, before, case, self._policy, now)
        self._metrics.requested(decision.outcome)
        if decision.thread is not None:
            self._threads.remember(decision.thread)
        return list(of_request(decision, decision.thread or before, self._lane))

    def _remember(self, arrived: Arrived, thread: Thread | None) -> None:
        if thread is None:
            return
        self._threads.remember(thread)
        if thread.pointer is not None and thread.pointer == arrived.pointer:
            self._accepted[thread.pointer] = arrived  # a request in the same batch may be about it

    def _account(self, outcomes: Sequence[Outcome], records: Sequence[Record]) -> Outgoing:
        self._ledger.count(outcomes, max(record.offset for record in records) + 1)
        self._metrics.unreconciled.labels(str(self._lane)).set(self._ledger.unreconciled)
        return self._ledger.record(self._lane)


def _of_requests(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.topic != EVENTS]
