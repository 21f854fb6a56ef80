"""Order and repeats: what a message means for the thread it belongs to (contracts, 2a).

The checks stand in the order in which the contract names them.
"""

from dataclasses import dataclass

from sinergi_router.policy.facts import Arrived, Thread
from sinergi_shared.contracts.codes import Status
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule


@dataclass(frozen=True, slots=True)
class Unrouted:
    """A message that tells nobody, and why."""

    outcome: Outcome
    reason: Reason
    rule: Rule | None = None
    fields: tuple[str, ...] = ()


def unrouted(arrived: Arrived, thread: Thread | None) -> Unrouted | None:
    """Return why a message is not routed, or nothing when it is next in its thread."""
    if arrived.event.data.status is Status.TEST:
        return Unrouted(Outcome.STOPPED, Reason.TEST_STOP)
    if thread is None:
        return None
    return _repeat(arrived, thread) or _out_of_order(arrived, thread)


def _repeat(arrived: Arrived, thread: Thread) -> Unrouted | None:
    seen = thread.seen.get(arrived.event.id)
    if seen == arrived.digest:
        return Unrouted(Outcome.MERGED, Reason.DUPLICATE)
    if seen is not None:
        return Unrouted(Outcome.REJECTED, Reason.ID_REUSED, Rule.DIGEST, ("/id",))
    return None


def _out_of_order(arrived: Arrived, thread: Thread) -> Unrouted | None:
    data = arrived.event.data
    if data.revision <= thread.revision:
        return Unrouted(Outcome.MERGED, Reason.STALE)
    if data.status is not thread.status:
        # An exercise must not close or move a real event, nor the other way round (law 8).
        return Unrouted(Outcome.REJECTED, Reason.SCHEMA_INVALID, Rule.STATUS_CHANGED, ("/data/status",))
    return None
