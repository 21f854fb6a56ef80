"""A service with a fault planted in it: ``python -m tests.chaos.broken SERVICE FAULT...``.

Each fault is a mistake that somebody could make in good faith, and must turn a scenario red.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from sinergi_ingest import app as ingest_app
from sinergi_ingest import outbox
from sinergi_router import app, handlers
from sinergi_shared.runtime import kafka, lanes, transactions

CRASH_MARK: Final = b"crashes-every-router"


def commit_before_work() -> None:
    """Commit what was fetched before anything is done about it."""
    fetch = AIOKafkaConsumer.getmany

    async def committing(self: AIOKafkaConsumer, *places: Any, **more: Any) -> Any:
        batch = await fetch(self, *places, **more)
        if self._group_id is not None and batch:
            await self.commit({place: records[-1].offset + 1 for place, records in batch.items()})
        return batch

    AIOKafkaConsumer.getmany = committing


def no_seek() -> None:
    """Let one loop feed all lanes and trust that records come after the callback (aiokafka #738)."""
    seek, assigned = AIOKafkaConsumer.seek, lanes.Lanes.on_partitions_assigned

    def seeking(self: AIOKafkaConsumer, place: Any, offset: int) -> None:
        if self._group_id is None:
            seek(self, place, offset)

    async def drop(consumer: AIOKafkaConsumer) -> None:
        while True:  # what the loop does with records of a lane that is not owned yet
            await consumer.getmany(timeout_ms=lanes.POLL_MS, max_records=lanes.MAX_BATCH)

    async def trusting(self: lanes.Lanes, places: Any) -> None:
        loop = asyncio.create_task(drop(self._consumer))
        await assigned(self, places)
        loop.cancel()

    AIOKafkaConsumer.seek = seeking
    lanes.Lanes.on_partitions_assigned = trusting  # type: ignore[method-assign] # that is the fault


def guard_off() -> None:
    """Keep a producer after a request of unknown fate."""
    assert callable(transactions.guarded)
    assert callable(transactions.tainted)
    transactions.guarded = lambda producer: producer
    transactions.tainted = lambda _producer: False


def wrong_assignor() -> None:
    """Deal partitions in turn, as aiokafka does by default."""
    assert lanes.RangePartitionAssignor is not None
    lanes.RangePartitionAssignor = RoundRobinPartitionAssignor


def shared_txn_id() -> None:
    """Share one transactional id between all lanes of a member."""
    _rename(lambda _id: f"router-{os.environ['SINERGI_INSTANCE']}")


def own_txn_id() -> None:
    """Give a lane an id that its next owner does not share, and a transaction aiokafka's usual time."""
    kafka.TRANSACTION_TIMEOUT_MS = 60_000  # type: ignore[misc] # that is half of the fault
    _rename(lambda name: f"{os.environ['SINERGI_INSTANCE']}-{name}")


def crash_on_mark() -> None:
    """Die hard whenever one certain record is worked on: for ``poison``, not a fault of ours."""
    work = handlers.RouterLane.work

    def dying(self: handlers.RouterLane, records: Any, *more: Any) -> Any:
        if any(record.value is not None and CRASH_MARK in record.value for record in records):
            os._exit(70)
        return work(self, records, *more)

    handlers.RouterLane.work = dying  # type: ignore[method-assign] # that is the fault


def ack_early() -> None:
    """Answer ``202`` before the brokers have the event."""
    send = outbox.Outbox._send
    on_their_way: set[asyncio.Task[Any]] = set()

    async def trusting(self: outbox.Outbox, record: Any) -> "asyncio.Future[Any]":
        task = asyncio.create_task(send(self, record))
        on_their_way.add(task)
        task.add_done_callback(on_their_way.discard)
        trusted = asyncio.get_running_loop().create_future()
        trusted.set_result(SimpleNamespace(partition=record.partition, offset=0))
        return trusted

    outbox.Outbox._send = trusting  # type: ignore[method-assign] # that is the fault


def _rename(named: Callable[[str], str]) -> None:
    make = kafka.producer

    def renamed(bootstrap: list[str], **more: Any) -> Any:
        if "transactional_id" in more:
            more["transactional_id"] = named(more["transactional_id"])
        return make(bootstrap, **more)

    kafka.producer = renamed


FAULTS: Final[dict[str, Callable[[], None]]] = {
    "commit-before-work": commit_before_work,
    "no-seek": no_seek,
    "guard-off": guard_off,
    "wrong-assignor": wrong_assignor,
    "shared-txn-id": shared_txn_id,
    "own-txn-id": own_txn_id,
    "ack-early": ack_early,
}
_MAIN: Final = {"router": app.main, "ingest": ingest_app.main}
_ALL: Final = {**FAULTS, "crash-on-mark": crash_on_mark}


if __name__ == "__main__":
    service, *faults = sys.argv[1:]
    for fault in faults:
        _ALL[fault]()
    _MAIN[service]()
