"""What time alone does to threads: 30, 60, 90 and 180 days, each to the second (architecture, 3)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from sinergi_ingest.admit import admit
from sinergi_ingest.records import event_record
from sinergi_router.handlers import CARED_FOR_AT_ONCE, RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.policy.facts import Thread
from sinergi_router.policy.followup import MOST_SEEN
from sinergi_router.policy.upkeep import Care, care, expired
from sinergi_router.rules import Rules
from sinergi_router.threads import from_record
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.codes import RequestVerb, Status, ThreadState
from sinergi_shared.contracts.ids import derived_uuid, thread_id
from sinergi_shared.runtime.transactions import MAX_BATCH_BYTES
from tests.kit.decisions import NOW, kalbar, nothing_kept, sample

LANES = 4
A_SECOND = timedelta(seconds=1)
OPEN, CLOSED = ThreadState.OPEN, ThreadState.CLOSED


def days(count):
    return timedelta(days=count)


@pytest.mark.parametrize(
    ("state", "age", "carried", "wanted"),
    [
        (OPEN, days(30), False, Care.REWRITE),
        (OPEN, days(60) - A_SECOND, False, Care.REWRITE),
        (OPEN, days(60), False, Care.CARRY_EVENT),
        (OPEN, days(90), True, Care.REWRITE),
        (OPEN, days(180) - A_SECOND, True, Care.REWRITE),
        (OPEN, days(180), True, Care.EXPIRE),
        (CLOSED, days(90) - A_SECOND, False, Care.NOTHING),
        (CLOSED, days(90), False, Care.FORGET),
        (ThreadState.EXPIRED, days(90) - A_SECOND, False, Care.NOTHING),
        (ThreadState.EXPIRED, days(90), False, Care.FORGET),
    ],
)
def test_a_thread_is_cared_for_by_its_age(state, age, carried, wanted):
    thread = Thread("T" * 26, "s", "n", Status.ACTUAL, state=state, decided_at=NOW - age)
    assert care(replace(thread, carried={} if carried else None), NOW) is wanted


def test_an_expired_thread_has_no_lead_and_starts_to_age_anew():
    thread = Thread("T" * 26, "s", "n", Status.ACTUAL, lead="IMI-ENT", decided_at=NOW - days(180))
    after = expired(thread, NOW)
    assert (after.state, after.lead) == (ThreadState.EXPIRED, None)
    assert care(after, NOW + days(90) - A_SECOND) is Care.NOTHING
    assert care(after, NOW + days(90)) is Care.FORGET


class Life:
    """A lane whose clock is turned by hand, and the topics behind it."""

    def __init__(self, cap=10_000):
        self.now = datetime.fromisoformat("2026-03-10T09:00:00+07:00").astimezone(UTC)
        self.events = []
        self.events_kept = True
        self.threads = []
        self._cap = cap
        self._take_lane()

    def _take_lane(self):
        metrics, threads = RouterMetrics(CollectorRegistry(), LANES), Threads(self._cap)
        self.lane = RouterLane(0, Rules(kalbar()), metrics, lambda: self.now, self._reread, threads)

    async def _reread(self, _partition, offset):
        return self.events[offset] if self.events_kept else None

    def send(self, **changed):
        event = json.loads(json.dumps(sample("01")))
        event["data"] |= changed.pop("data", {})
        event |= changed
        admitted = admit(json.dumps(event).encode(), {event["source"]}, self.now)
        out = event_record(admitted, LANES)
        record = SimpleNamespace(
            topic=topics.EVENTS,
            partition=0,
            offset=len(self.events),
            timestamp=int(self.now.timestamp() * 1000),
            key=out.key,
            value=out.value,
            headers=out.headers,
        )
        self.events.append(record)
        outgoing = list(self.lane.work([record]))
        self.threads += [(out, record.timestamp) for out in of(topics.THREADS, outgoing)]
        return outgoing

    def send_others(self, count):
        for number in range(count):
            name, event_id = f"PRS-20260310-9{number:03d}", f"019cd550-3750-7e84-a16f-91c183b034{number:02x}"
            self.send(id=event_id, subject=name, data={"eventNumber": name})

    def restart(self):
        self._take_lane()
        for out, written_ms in self.threads:
            self.lane.restore(SimpleNamespace(key=out.key, value=out.value, timestamp=written_ms))

    async def ask(self, **data):
        thread = thread_id(sample("01")["source"], sample("01")["data"]["eventNumber"])
        request = {
            "specversion": "1.0",
            "id": derived_uuid("test", str(data), str(self.now)),
            "source": "urn:sinergi:layanan:notifier",
            "type": f"id.sinergi.request.{data['verb']}.v1",
            "subject": thread,
            "time": "2026-03-10T09:00:00+07:00",
            "dataschema": "https://schema.sinergi.example/request/1-0-0.json",
            "partitionkey": thread,
            "data": {"threadId": thread, "at": "2026-03-10T09:00:00+07:00", **data},
        }
        record = SimpleNamespace(
            topic=topics.REQUESTS, partition=0, offset=0, timestamp=0, key=b"", headers=(),
            value=json.dumps(request).encode(),
        )  # fmt: skip
        await self.lane.prepare([record])
        outgoing = list(self.lane.work([record]))
        self.threads += [(out, int(self.now.timestamp() * 1000)) for out in of(topics.THREADS, outgoing)]
        return outgoing


def of(topic, outgoing):
    return [out for out in outgoing if out.topic == topic]


async def test_an_open_event_is_written_anew_then_carries_itself_then_expires():
    life = Life()
    life.send()
    states = []
    for _ in range(6):
        life.now += days(30) + A_SECOND
        [record] = of(topics.THREADS, await life.lane.upkeep())
        thread = from_record(record.value)
        states.append((thread.state, thread.carried is not None))
    assert states == [(OPEN, False), *[(OPEN, True)] * 4, (ThreadState.EXPIRED, False)]


async def test_nothing_is_done_before_its_day():
    life = Life()
    life.send()
    life.now += days(30)
    assert await life.lane.upkeep() == []
    life.now += A_SECOND
    assert len(await life.lane.upkeep()) == 1
    assert await life.lane.upkeep() == []


async def test_who_is_expired_learns_nothing_new_but_the_source_and_the_audit_do():
    life = Life()
    life.send()
    life.now += days(180) + A_SECOND
    outgoing = await life.lane.upkeep()
    names = sorted(out.topic for out in outgoing)
    assert names == sorted([topics.THREADS, topics.status("imi-ent.tpi"), topics.AUDIT])
    told = json.loads(of(topics.status("imi-ent.tpi"), outgoing)[0].value)["data"]
    assert told["reason"] == "EVENT_EXPIRED"


async def test_a_closed_event_is_forgotten_after_90_days_and_not_before():
    life = Life()
    life.send()
    life.send(id="019cd550-3750-7e84-a16f-91c183b034a6", data={"revision": 2, "msgType": "Cancel"})
    tombstones = []
    for _ in range(3):
        life.now += days(30) + A_SECOND
        tombstones.append([out.value for out in of(topics.THREADS, await life.lane.upkeep())])
    assert tombstones == [[], [], [None]]
    life.now = life.now.replace(year=2026, month=3, day=10)  # the event's own day, so that ingest admits it
    assert of(topics.JOBS, life.send())  # told again, for nobody remembers


async def test_a_restart_puts_no_end_off():
    life = Life()
    life.send()
    life.send(id="019cd550-3750-7e84-a16f-91c183b034a6", data={"revision": 2, "msgType": "Cancel"})
    life.now += days(70)
    life.send_others(CARED_FOR_AT_ONCE + 5)  # younger ones do not hide it
    life.restart()
    life.now += days(5)
    assert await life.lane.upkeep() == []
    life.now += days(15) - A_SECOND
    assert await life.lane.upkeep() == []
    life.now += 2 * A_SECOND
    assert [out.value for out in await life.lane.upkeep()] == [None]


async def test_a_request_about_an_event_that_its_topic_has_dropped_is_decided_from_the_thread():
    life = Life()
    life.send()
    for _ in range(2):
        life.now += days(30) + A_SECOND
        await life.lane.upkeep()
    life.events_kept = False
    outgoing = await life.ask(verb=RequestVerb.ESCALATE, step=1, by="IMI-ENT")
    [audit] = of(topics.AUDIT, outgoing)
    assert json.loads(audit.value)["data"].get("reason") is None
    assert of(topics.JOBS, outgoing)


async def test_requests_make_no_event_younger():
    life = Life()
    life.send()
    life.now += days(40)
    await life.ask(verb=RequestVerb.OWNED, by="IMI-ENT")
    life.now += days(30) + A_SECOND
    [record] = await life.lane.upkeep()
    assert from_record(record.value).carried is not None


async def test_a_request_that_puts_the_next_look_off_leaves_the_event_with_its_thread():
    life = Life()
    life.send()
    for until, by in ((29, "IMI-ENT"), (31, "BNPP-ENT")):
        life.now += days(until)
        outgoing = await life.ask(verb=RequestVerb.OWNED, by=by)
    assert from_record(of(topics.THREADS, outgoing)[0].value).carried is not None
    life.events_kept = False
    life.now += days(40)
    outgoing = await life.ask(verb=RequestVerb.REFER, by="IMI-ENT", to="POL-61.03")
    assert [json.loads(out.value)["data"].get("reason") for out in of(topics.AUDIT, outgoing)] == [None]


async def test_an_event_that_nobody_can_read_any_more_is_told_to_the_province_desk():
    life = Life()
    life.send()
    life.events_kept = False
    life.now += days(91)
    outgoing = await life.ask(verb=RequestVerb.ESCALATE, step=1, by="IMI-ENT")
    assert json.loads(of(topics.AUDIT, outgoing)[0].value)["data"]["reason"] == "EVENT_EXPIRED"
    assert of(topics.alerts("IMI-KANWIL"), outgoing)


async def test_no_sender_can_fill_a_thread_beyond_what_a_record_may_be():
    life = Life()
    life.send()
    for number in range(MOST_SEEN + 20):
        outgoing = life.send(id=f"019cd550-3750-7e84-a16f-{number:012x}")
        record = of(topics.THREADS, outgoing)[0]  # then the totals
        assert not of(topics.JOBS, outgoing)
    assert len(record.value) < MAX_BATCH_BYTES / 2
    first_again = life.send()
    assert not of(topics.JOBS, first_again)
    [status] = of(topics.status("imi-ent.tpi"), first_again)
    assert json.loads(status.value)["data"]["reason"] == "STALE"


async def test_a_repeat_of_an_event_that_is_only_in_the_file_is_merged():
    life = Life(cap=1)
    life.send()
    for number in range(3):
        event_id, name = f"019cd550-3750-7e84-a16f-91c183b034{number:02x}", f"PRS-20260310-{number:04d}"
        life.send(id=event_id, subject=name, data={"eventNumber": name})
    assert not of(topics.JOBS, life.send())


async def test_no_more_is_done_at_once_than_alerts_can_wait_for():
    life = Life()
    life.send_others(CARED_FOR_AT_ONCE + 5)
    life.now += days(31)
    assert len(await life.lane.upkeep()) == CARED_FOR_AT_ONCE
    assert len(await life.lane.upkeep()) == 5


async def test_without_a_readable_event_the_thread_is_kept_all_the_same():
    life = Life()
    life.lane._reread = nothing_kept
    life.send()
    life.now += days(61)
    [record] = await life.lane.upkeep()
    assert from_record(record.value).carried is None
