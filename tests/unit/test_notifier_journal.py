"""Writes that wait at the same moment share a transaction, and each hears what became of it."""

import asyncio

from sinergi_notifier.journal import Journal
from sinergi_shared.runtime.transactions import Outgoing


class Lanes:
    """Keeps what is published; ``hold`` keeps a transaction open."""

    def __init__(self, *, ours=True):
        self.batches, self.ours, self.hold = [], ours, asyncio.Event()
        self.hold.set()

    async def publish(self, lane, records, committed):
        await self.hold.wait()
        self.batches.append((lane, [record.value for record in records]))
        if self.ours:
            committed()
        return self.ours


def write(journal, lane, text, told):
    return journal.write(lane, Outgoing("t", None, text.encode(), lane), lambda: told.append(text))


async def test_what_waits_together_is_written_together_and_lanes_apart():
    lanes, told = Lanes(), []
    journal = Journal(lanes.publish)
    lanes.hold.clear()
    first = asyncio.create_task(write(journal, 0, "a", told))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the first transaction is open now
    rest = [
        asyncio.create_task(write(journal, lane, text, told)) for lane, text in ((0, "b"), (0, "c"), (1, "d"))
    ]
    await asyncio.sleep(0)
    lanes.hold.set()
    assert await asyncio.gather(first, *rest) == [True] * 4
    assert sorted(lanes.batches) == [(0, [b"a"]), (0, [b"b", b"c"]), (1, [b"d"])]
    assert sorted(told) == ["a", "b", "c", "d"]


async def test_a_lane_that_is_not_ours_any_more_takes_nothing():
    told = []
    assert await write(Journal(Lanes(ours=False).publish), 0, "a", told) is False
    assert told == []


async def test_a_failed_transaction_reaches_every_writer_and_leaves_the_journal_usable():
    lanes, told = Lanes(), []

    async def publish(lane, records, committed):
        if not lanes.batches:
            lanes.batches.append("failed")
            raise ConnectionError
        return await lanes.publish(lane, records, committed)

    journal = Journal(publish)
    results = await asyncio.gather(
        write(journal, 0, "a", told), write(journal, 0, "b", told), return_exceptions=True
    )
    assert [type(one) for one in results] == [ConnectionError] * 2
    assert told == []
    assert await write(journal, 0, "c", told)
