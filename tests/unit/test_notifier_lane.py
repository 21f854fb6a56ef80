"""The lane without a broker: cutting, replaying and restoring change nothing (law 2)."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from sinergi_notifier.lane import NotifierLane, Setup
from sinergi_notifier.metrics import Metrics
from sinergi_shared.contracts.topics import FOLLOWUP, JOBS, REJECTED
from sinergi_shared.directory import Contact
from tests.kit.jobs import NOW, encoded, job, key_of

CONTACTS = {
    "IMI-ENT": (
        Contact(id="ent-mail", channel="email", address="duty@ent.example"),
        Contact(id="ent-hook", channel="webhook", address="https://ent.example/h", secret=key_of("ent")),
    ),
    "POL-61.03": (Contact(id="pol-mail", channel="email", address="duty@pol.example"),),
}


@dataclass
class Read:
    """A consumed record."""

    value: bytes | None
    offset: int
    topic: str = JOBS
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None
    headers: tuple = ()


def lane(registry=None):
    metrics = Metrics(registry or CollectorRegistry(), 4)
    return NotifierLane(0, Setup(CONTACTS, metrics, lambda: NOW, lambda: None))


def jobs():
    revisions = st.tuples(
        st.integers(1, 2), st.integers(1, 4), st.sampled_from(["Alert", "Update", "Cancel"]), st.booleans()
    )
    return st.lists(revisions, max_size=7)


def records(told):
    made = [
        job("IMI-ENT", *(["POL-61.03"] if both else []), number=number, revision=revision, msgType=kind)
        for number, revision, kind, both in told
    ]
    return [Read(encoded(event), offset) for offset, event in enumerate(made)]


def taken(one):
    """Return the deliveries in line, in the order in which they would start."""
    order = []
    while (waiting := one.queue.take(datetime.max.replace(tzinfo=UTC))) is not None:
        one.queue.done(waiting)
        if one.followups.waiting(waiting.delivery) is not None:
            order.append(waiting.delivery)
    return order


@settings(max_examples=40, deadline=None)
@given(jobs(), st.integers(0, 7))
def test_cutting_a_batch_anywhere_changes_nothing(told, cut):
    whole, parts = lane(), lane()
    batch = records(told)
    outgoing = whole.work(batch)
    assert parts.work(batch[:cut]) + parts.work(batch[cut:]) == outgoing
    assert taken(parts) == taken(whole)


@settings(max_examples=40, deadline=None)
@given(jobs())
def test_replaying_jobs_changes_nothing(told):
    one = lane()
    batch = records(told)
    one.work(batch)
    assert one.work(batch) == []


@settings(max_examples=40, deadline=None)
@given(jobs(), st.integers(0, 7))
def test_a_lane_rebuilt_from_its_topic_goes_on_as_if_nothing_had_happened(told, cut):
    steady, former = lane(), lane()
    batch = records(told)
    steady.work(batch[:cut])
    after = steady.work(batch[cut:])
    rebuilt = lane()
    for offset, out in enumerate(former.work(batch[:cut])):
        rebuilt.restore(Read(out.value, offset, FOLLOWUP))
    assert rebuilt.work(batch[cut:]) == after
    assert sorted(taken(rebuilt)) == sorted(taken(steady))


def test_a_tombstone_is_no_state():
    one = lane()
    one.restore(Read(None, 0, FOLLOWUP, key=b"thread/delivery"))
    assert one.work([]) == []


def test_a_bad_record_is_refused_by_pointer_and_the_others_are_taken_over():
    registry = CollectorRegistry()
    one = lane(registry)
    broken = json.loads(encoded(job("IMI-ENT")))
    broken["data"]["entries"][0]["full"]["data"]["note"] = {"text": 7, "secret": "CANARY-SECRET"}
    good = records([(2, 1, "Alert", False)])[0]
    outgoing = one.work(
        [Read(json.dumps(broken).encode(), 0), Read(b"\xff", 1), Read(None, 2), replace(good, offset=3)]
    )
    assert [out.topic for out in outgoing] == [REJECTED] * 3 + [FOLLOWUP] * 3
    assert b"CANARY" not in b"".join(out.value for out in outgoing)
    assert "/data/entries/0/full/data/note/text" in json.loads(outgoing[0].value)["data"]["fields"]
    assert registry.get_sample_value("sinergi_operator_alert", {"kind": "job_unreadable"}) == 3


def test_a_job_is_kept_in_memory_only_while_something_of_it_waits():
    one = lane()
    one.work(records([(1, 1, "Alert", False)]))
    waiting = list(one.followups.all_waiting())
    assert one.job(waiting[0].job) is not None
    for record in waiting:
        sent = record.receipt.model_copy(update={"state": "sent", "at": NOW + timedelta(seconds=1)})
        one.wrote(record.model_copy(update={"receipt": sent}))
    assert one.job(waiting[0].job) is None
