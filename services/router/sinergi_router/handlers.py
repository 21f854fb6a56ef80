"""The router's shell: one short straight function, everything it does in the lane's transaction."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from time import perf_counter

from sinergi_router.arrivals import Unread, read_records
from sinergi_router.decide import decide
from sinergi_router.ledger import Ledger
from sinergi_router.metrics import RouterMetrics
from sinergi_router.outbox import of_decision, of_rejection, of_unread
from sinergi_router.policy.book import Policy
from sinergi_router.threads import Threads
from sinergi_shared.contracts.reasons import Outcome, Reason, Stage
from sinergi_shared.contracts.thread import TOTALS_KEY
from sinergi_shared.runtime.breaker import CONVICTING_DEATHS, SUSPICIOUS_DEATHS
from sinergi_shared.runtime.lanes import Record
from sinergi_shared.runtime.transactions import Outgoing


class RouterLane:
    """One lane of the router; ``now`` gives the aware time of a decision."""

    def __init__(
        self, lane: int, policy: Policy, metrics: RouterMetrics, now: Callable[[], datetime]
    ) -> None:
        self._lane = lane
        self._policy = policy
        self._metrics = metrics
        self._now = now
        self._threads = Threads()
        self._ledger = Ledger()

    def restore(self, record: Record) -> None:
        """Take one record of ``sinergi.threads.v1``."""
        if record.key == TOTALS_KEY and record.value is not None:
            self._ledger.restore(record.value)
        else:
            self._threads.restore(record.key or b"", record.value)

    def work(self, records: Sequence[Record]) -> Iterable[Outgoing]:
        """Return alerts, jobs, threads, status, audit and rejections of a batch of events."""
        started, now = perf_counter(), self._now()
        arrived, unread = read_records(records)
        decisions = decide(arrived, self._threads.known, self._policy, now)
        by_place = {(record.partition, record.offset): record for record in records}
        outgoing = [out for decision in decisions for out in of_decision(decision, self._lane)]
        for decision in decisions:
            if decision.outcome is Outcome.REJECTED and decision.arrived.pointer is not None:
                pointer = decision.arrived.pointer
                record = by_place[pointer.partition, pointer.offset]
                outgoing.append(of_rejection(decision, record, self._lane))
        outgoing += [of_unread(one, now, self._lane) for one in unread]
        outgoing.append(self._account([decision.outcome for decision in decisions], unread, records))
        for decision in decisions:
            if decision.thread is not None:
                self._threads.remember(decision.thread)
        self._metrics.threads.labels(str(self._lane)).set(len(self._threads.known))
        self._metrics.decided(decisions)
        self._metrics.unread(one.reason for one in unread)
        self._metrics.batch.observe(perf_counter() - started)
        return outgoing

    def convict(self, record: Record) -> Iterable[Outgoing]:
        """Return the rejection of a record that kills whoever works on it."""
        self._metrics.unread([Reason.CRASH_LOOP])
        deaths = SUSPICIOUS_DEATHS + CONVICTING_DEATHS
        guilty = Unread(record, Reason.CRASH_LOOP, Stage.ROUTE, attempts=deaths)
        return [of_unread(guilty, self._now(), self._lane), self._account([], [guilty], [record])]

    def _account(
        self, outcomes: list[Outcome], unread: Sequence[Unread], records: Sequence[Record]
    ) -> Outgoing:
        position = max(record.offset for record in records) + 1
        self._ledger.count([*outcomes, *[Outcome.REJECTED for _ in unread]], position)
        self._metrics.unreconciled.labels(str(self._lane)).set(self._ledger.unreconciled)
        return self._ledger.record(self._lane)
