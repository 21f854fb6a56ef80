"""A service with a fault planted in it: ``python -m tests.chaos.broken SERVICE FAULT...``.

Each fault is a mistake that somebody could make in good faith, and must turn a scenario red.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import redis.asyncio as redis
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from sinergi_ingest import app as ingest_app
from sinergi_ingest import budget, outbox
from sinergi_ingest.receipts import Place
from sinergi_router import app, handlers, reload
from sinergi_shared.contracts import topics
from sinergi_shared.runtime import kafka, lanes, transactions

CRASH_MARK: Final = b"crashes-every-router"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a fault of the lanes is planted: on the real client, or on the simulation's."""

    consumer: Any
    member: Callable[[], str]  # name of the member at work


REAL: Final = Ground(AIOKafkaConsumer, lambda: os.environ["SINERGI_INSTANCE"])


def commit_before_work(ground: Ground) -> None:
    """Commit what was fetched before anything is done about it."""
    fetch = ground.consumer.getmany

    async def committing(self: Any, *places: Any, **more: Any) -> Any:
        batch = await fetch(self, *places, **more)
        if self._group_id is not None and batch:
            await self.commit({place: records[-1].offset + 1 for place, records in batch.items()})
        return batch

    ground.consumer.getmany = committing


def no_seek(ground: Ground) -> None:
    """Let one loop feed all lanes and trust that records come after the callback (aiokafka #738)."""
    seek, assigned = ground.consumer.seek, lanes.Lanes.on_partitions_assigned

    def seeking(self: Any, place: Any, offset: int) -> None:
        if self._group_id is None:
            seek(self, place, offset)

    async def drop(consumer: Any) -> None:
        while True:  # what the loop does with records of a lane that is not owned yet
            await consumer.getmany(timeout_ms=lanes.POLL_MS, max_records=lanes.MAX_BATCH)

    async def trusting(self: lanes.Lanes, places: Any) -> None:
        await assigned(self, places)
        if self._taking is not None:
            loop = asyncio.create_task(drop(self._consumer))
            self._taking.add_done_callback(lambda _taken: loop.cancel())

    ground.consumer.seek = seeking
    lanes.Lanes.on_partitions_assigned = trusting  # type: ignore[method-assign,assignment] # the fault


def guard_off(_ground: Ground) -> None:
    """Keep a producer after a request of unknown fate."""
    assert callable(transactions.guarded)
    assert callable(transactions.tainted)
    transactions.guarded = lambda producer: producer
    transactions.tainted = lambda producer: False  # noqa: ARG005 - as it is called


def repeated_note(_ground: Ground) -> None:
    """Let the client send a note anew whose answer was lost, as aiokafka does."""
    assert callable(lanes.committing_once)
    lanes.committing_once = lambda consumer: None  # noqa: ARG005 - as it is called


def wrong_assignor(_ground: Ground) -> None:
    """Deal partitions in turn, as aiokafka does by default."""
    room: Any = lanes
    assert room.RangePartitionAssignor is not None
    room.RangePartitionAssignor = RoundRobinPartitionAssignor


def shared_txn_id(ground: Ground) -> None:
    """Share one transactional id between all lanes of a member."""
    _rename(lambda _id: f"router-{ground.member()}")


def own_txn_id(ground: Ground) -> None:
    """Give a lane an id that its next owner does not share, and a transaction aiokafka's usual time."""
    kafka.TRANSACTION_TIMEOUT_MS = 60_000  # type: ignore[misc] # that is half of the fault
    _rename(lambda name: f"{ground.member()}-{name}")


def reload_flips_back(ground: Ground) -> None:
    """Start with the settings' pack, look for an activated one later, and let no lane remember it."""
    catch_up, started = reload.Reload.catch_up, False

    async def later(self: reload.Reload) -> None:
        nonlocal started
        if started:
            await asyncio.sleep(12)  # long enough to get lanes of a killed member
            await catch_up(self)
        started = True

    reload.Reload.catch_up = later  # type: ignore[method-assign] # that is the fault
    policy_forgotten(ground)  # and that


def policy_forgotten(_ground: Ground) -> None:
    """Let a lane's next owner decide by whatever pack it has, though the lane has decided by a later one."""

    async def forgetful(_self: handlers.RouterLane) -> None:
        pass

    handlers.RouterLane.rebuilt = forgetful  # type: ignore[method-assign,assignment] # that is the fault


def request_forgotten(_ground: Ground) -> None:
    """Keep in memory alone that a thread has had a request: its next owner does not know."""
    on_request = handlers.RouterLane._on_request

    def forgetful(self: handlers.RouterLane, *more: Any) -> Any:
        return [out for out in on_request(self, *more) if out.topic != topics.THREADS]

    handlers.RouterLane._on_request = forgetful  # type: ignore[method-assign,assignment] # that is the fault


def reload_mid_batch(_ground: Ground) -> None:
    """Name the new pack at once in what is still decided by the old one, for some batches."""
    newest = handlers.RouterLane._newest_policy
    torn: dict[int, tuple[int, Any]] = {}  # lane to the batches left, and the rules of before

    def halfway(self: handlers.RouterLane, now: Any) -> Any:
        before = self._policy
        outgoing = newest(self, now)
        if outgoing:
            torn[self._lane] = 20, before
        left, old = torn.get(self._lane, (0, before))
        if left:
            torn[self._lane] = left - 1, old
            self._policy = replace(old, version=self._policy.version)
        return outgoing

    handlers.RouterLane._newest_policy = halfway  # type: ignore[method-assign] # that is the fault


def crash_on_mark(_ground: Ground) -> None:
    """Die hard whenever one certain record is worked on: for ``poison``, not a fault of ours."""
    work = handlers.RouterLane.work

    def dying(self: handlers.RouterLane, records: Any, *more: Any) -> Any:
        if any(record.value is not None and CRASH_MARK in record.value for record in records):
            os._exit(70)
        return work(self, records, *more)

    handlers.RouterLane.work = dying  # type: ignore[method-assign] # that is the fault


def crash_on_eviction(_ground: Ground) -> None:
    """Die hard right after threads have gone from memory to the file: for a test, not a fault of ours."""
    work = handlers.RouterLane.work

    def dying(self: handlers.RouterLane, records: Any, *more: Any) -> Any:
        in_file = len(self._threads._far)
        outgoing = list(work(self, records, *more))
        if len(self._threads._far) > in_file:
            os.kill(os.getpid(), signal.SIGKILL)
        return outgoing

    handlers.RouterLane.work = dying  # type: ignore[method-assign] # that is the fault


def ack_early(_ground: Ground) -> None:
    """Answer ``202`` before the brokers have the event."""
    publish = outbox.Outbox.publish
    on_their_way: set[asyncio.Task[Any]] = set()

    async def trusting(self: outbox.Outbox, records: Any) -> list[Any]:
        task = asyncio.create_task(publish(self, records))
        on_their_way.add(task)
        task.add_done_callback(on_their_way.discard)
        return [Place(record.partition, 0) for record in records]

    outbox.Outbox.publish = trusting  # type: ignore[method-assign] # that is the fault


def redis_needed(_ground: Ground) -> None:
    """Keep the rates in Redis alone, and have a request fail when it does not answer."""
    assert callable(budget.Budget._wait)

    async def trusting(self: budget.Budget, source: Any, events: int) -> float:
        shared, rate = self._redis, source.rate
        assert shared is not None
        key = f"sinergi:rate:{source.name}"
        return float(await shared.eval(budget.SCRIPT, 1, key, rate.perSecond, rate.burst, events))

    budget.Budget._wait = trusting  # type: ignore[method-assign] # that is the fault


def redis_waited_for(_ground: Ground) -> None:
    """Wait for Redis for as long as it takes."""
    assert callable(ingest_app._redis)

    def patient(settings: Any) -> Any:
        return redis.Redis.from_url(settings.redis.get_secret_value())

    ingest_app._redis = patient


def redis_for_ready(_ground: Ground) -> None:
    """Say that ingest is not ready for as long as Redis does not answer."""
    look = ingest_app.Ingest._look

    async def strict(self: ingest_app.Ingest) -> None:
        self.health.problem("redis", None if self._budget.shared else "Redis does not answer")
        await look(self)

    ingest_app.Ingest._look = strict  # type: ignore[method-assign] # that is the fault


def _rename(named: Callable[[str], str]) -> None:
    make = kafka.producer

    def renamed(bootstrap: list[str], **more: Any) -> Any:
        if "transactional_id" in more:
            more["transactional_id"] = named(more["transactional_id"])
        return make(bootstrap, **more)

    kafka.producer = renamed


OF_LANES: Final[dict[str, Callable[[Ground], None]]] = {
    "commit-before-work": commit_before_work,
    "no-seek": no_seek,
    "guard-off": guard_off,
    "repeated-note": repeated_note,
    "wrong-assignor": wrong_assignor,
    "shared-txn-id": shared_txn_id,
    "own-txn-id": own_txn_id,
    "policy-forgotten": policy_forgotten,
    "request-forgotten": request_forgotten,
}
FAULTS: Final[dict[str, Callable[[Ground], None]]] = {
    **OF_LANES,
    "reload-flips-back": reload_flips_back,
    "reload-mid-batch": reload_mid_batch,
    "ack-early": ack_early,
    "redis-needed": redis_needed,
    "redis-waited-for": redis_waited_for,
    "redis-for-ready": redis_for_ready,
}
_MAIN: Final = {"router": app.main, "ingest": ingest_app.main}
_ALL: Final = {**FAULTS, "crash-on-mark": crash_on_mark, "crash-on-eviction": crash_on_eviction}


if __name__ == "__main__":
    service, *faults = sys.argv[1:]
    for fault in faults:
        _ALL[fault](REAL)
    _MAIN[service]()
