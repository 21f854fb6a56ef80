"""``sinergi rejected``: what is chosen, what goes back and where, what cannot and why."""

import base64
import hashlib
import json

import pytest
import typer

from sinergi_ops.rejected import _moment
from sinergi_ops.rejected_records import Hindrance, Wanted, chosen, returns
from sinergi_ops.rejected_view import card, told
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.ids import derived_uuid, thread_id
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.contracts.rejected import REJECTED_TYPE, RejectedEvent
from tests.kit.decisions import sample

SOURCE = "urn:sinergi:sumber:imi-ent:tpi"


def refused(body=None, reason=Reason.POLICY_MISSING, *, at="2026-03-10T08:30:00+07:00", kept=True, **data):
    """A refusal as a service publishes it; by default an event that the router could not route."""
    body = json.dumps(sample("01")).encode() if body is None else body
    data = {"topic": topics.EVENTS, "partition": 3, "offset": 18, "retryable": reason.retryable} | data
    place = f"{data['topic']}/{data['partition']}/{data['offset']}"
    return RejectedEvent(
        id=derived_uuid("rejected", place, at),
        source="urn:sinergi:layanan:router",
        type=REJECTED_TYPE,
        subject="unread",
        time=parse_time(at),
        dataschema="https://schema.sinergi.example/rejected/1-0-0.json",
        partitionkey=data.pop("door", SOURCE),
        data={
            "rejectedId": "unread",
            "rejectedSource": SOURCE,
            "rejectedType": "unread",
            "reason": reason,
            "stage": "route",
            "payload": base64.b64encode(body).decode() if kept else None,
            "firstSeen": at,
            "payloadSha256": hashlib.sha256(body).hexdigest(),
            "payloadKept": kept,
            "action": {"id": "Perbaiki", "en": "Mend"},
            **data,
        },
    )


def only(*events, force=False):
    [one] = returns(events, force=force)
    return one


def test_an_event_goes_back_to_its_lane_with_the_same_bytes_and_its_thread_as_key():
    record = only(refused()).record
    event = sample("01")
    assert (record.topic, record.partition) == (topics.EVENTS, 3)
    assert record.value == json.dumps(event).encode()
    assert record.key == thread_id(event["source"], event["data"]["eventNumber"]).encode()


def test_a_request_goes_back_to_its_lane_with_its_thread_as_key():
    body = json.dumps({"data": {"threadId": "A" * 26, "verb": "owned"}}).encode()
    record = only(refused(body, Reason.CRASH_LOOP, topic=topics.REQUESTS, partition=2)).record
    assert (record.topic, record.partition, record.key) == (topics.REQUESTS, 2, b"A" * 26)


def test_what_a_source_submitted_goes_back_to_its_own_topic_with_its_headers():
    headers = {"content-type": "application/json", "ce_id": "x", "ce_source": SOURCE}
    topic = topics.submitted("imi-ent.tpi")
    record = only(
        refused(b'{"a":1}', Reason.VERSION_UNKNOWN, topic=topic, partition=0, headers=headers)
    ).record
    assert (record.topic, record.value) == (topic, b'{"a":1}')
    assert dict(record.headers) == {name: value.encode() for name, value in headers.items()}


def test_what_was_posted_goes_by_the_topic_of_the_source_that_the_door_knew_not_of_the_one_it_claims():
    posted = refused(
        reason=Reason.VERSION_UNKNOWN,
        topic=None,
        partition=None,
        offset=None,
        door="urn:sinergi:sumber:pamtas:a",
    )
    record = only(posted).record
    assert (record.topic, record.partition) == ("sinergi.submitted.v1.pamtas.a", 0)
    assert record.key == sample("01")["data"]["eventNumber"].encode()


@pytest.mark.parametrize(
    ("event", "hindrance"),
    [
        (refused(kept=False), Hindrance.PAYLOAD_NOT_KEPT),
        (refused(kept=False, reason=Reason.PII_DETECTED), Hindrance.PAYLOAD_NOT_KEPT),
        (refused(reason=Reason.SCHEMA_INVALID), Hindrance.NOT_RETRYABLE),
        (refused(topic="sinergi.alerts.v1.IMI-ENT"), Hindrance.NO_WAY_BACK),
        (refused(topic=None, partition=None, offset=None, door="unread"), Hindrance.NO_WAY_BACK),
    ],
    ids=["not kept", "personal data", "at fault itself", "an agency's topic", "unknown source"],
)
def test_what_cannot_go_back_says_why(event, hindrance):
    one = only(event)
    assert (one.record, one.hindrance) == (None, hindrance)


def test_force_puts_back_what_is_at_fault_but_makes_no_content_up():
    assert only(refused(reason=Reason.SCHEMA_INVALID), force=True).record is not None
    assert only(refused(kept=False), force=True).hindrance is Hindrance.PAYLOAD_NOT_KEPT


def test_bytes_that_cannot_be_read_go_back_as_they_are():
    record = only(refused(b"\xff{", Reason.CRASH_LOOP)).record
    assert (record.value, record.key, record.partition) == (b"\xff{", None, 3)


def test_the_same_message_refused_twice_goes_back_once():
    first, again = refused(), refused(at="2026-03-10T09:00:00+07:00", offset=25)
    other = refused(b"{}", offset=30)
    plan = returns([first, other, again], force=False)
    assert [one.event.data.offset for one in plan] == [30, 25]


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        (Wanted(), True),
        (Wanted(reasons=frozenset({Reason.POLICY_MISSING, Reason.CRASH_LOOP})), True),
        (Wanted(reasons=frozenset({Reason.CRASH_LOOP})), False),
        (Wanted(sources=frozenset({"imi-ent.tpi"})), True),
        (Wanted(sources=frozenset({SOURCE})), True),
        (Wanted(sources=frozenset({"imi-ent"})), False),
        (Wanted(since=parse_time("2026-03-10T01:30:00Z")), True),
        (Wanted(since=parse_time("2026-03-10T01:30:01Z")), False),
        (Wanted(until=parse_time("2026-03-10T01:30:00Z")), False),
        (Wanted(ids=(refused().id[:8], "ffff")), True),
        (Wanted(ids=("zz",)), False),
    ],
)
def test_what_is_meant_is_chosen(wanted, holds):
    assert bool(chosen([refused()], wanted)) == holds


def test_a_listing_never_holds_the_content():
    event = refused(b'{"note":"CANARY"}')
    hidden = json.dumps(told(event, with_payload=False)) + "\n".join(card(event))
    assert 'payload"' not in hidden
    assert base64.b64encode(b'{"note":"CANARY"}').decode() not in hidden
    assert "CANARY" not in hidden
    assert "payload" in told(event, with_payload=True)


@pytest.mark.parametrize(
    ("text", "moment"),
    [("2026-03-10", "2026-03-09T17:00:00Z"), ("2026-03-10T08:00:00+08:00", "2026-03-10T00:00:00Z")],
)
def test_a_day_is_meant_in_wib_and_a_time_by_its_offset(text, moment):
    assert _moment(text) == parse_time(moment)


@pytest.mark.parametrize("text", ["yesterday", "2026-03-10T08:00:00", "2w", "", "1773102600"])
def test_a_time_that_could_mean_two_things_is_refused(text):
    with pytest.raises(typer.BadParameter):
        _moment(text)
