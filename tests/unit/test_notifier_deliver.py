"""What is to be delivered, and what an answer means: laws of the pure room."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_notifier.channels.result import DeliveryResult, Trouble
from sinergi_notifier.deliver import end, expired, intend, plan, settle
from sinergi_notifier.followup import FollowUps, party_of
from sinergi_notifier.records import read_follow_up, write_follow_up
from sinergi_notifier.retry import SCHEDULE
from sinergi_shared.contracts.codes import Channel, DeliveryState
from sinergi_shared.contracts.followup import JobPointer
from sinergi_shared.contracts.topics import FOLLOWUP
from sinergi_shared.directory import Contact
from tests.kit.jobs import NOW, job, key_of

CONTACTS = {
    "IMI-ENT": (
        Contact(id="ent-mail", channel="email", address="duty@ent.example"),
        Contact(id="ent-hook", channel="webhook", address="https://ent.example/h", secret=key_of("ent")),
        Contact(id="ent-drill", channel="email", address="drill@ent.example", drill=True),
    ),
    "POL-61.03": (Contact(id="pol-mail", channel="email", address="duty@pol.example"),),
}
TEMPORARY = DeliveryResult(DeliveryState.TEMPORARY, Trouble.BUSY, 503)


def planned(event, known=None, now=NOW, offset=0):
    known = FollowUps() if known is None else known
    pointer = JobPointer(id=event.id, partition=0, offset=offset)
    states = plan(event.data, pointer, CONTACTS, known, now)
    for state in states:
        known.remember(state)
    return states


def outline(states):
    return [(one.receipt.channel.value, one.contact, one.receipt.state.value) for one in states]


def of(states, contact):
    return next(one for one in states if one.contact == contact)


def test_a_real_alert_goes_to_its_own_topic_and_to_real_contacts_only():
    assert outline(planned(job("IMI-ENT"))) == [
        ("kafka", None, "sent"),
        ("email", "ent-mail", "queued"),
        ("webhook", "ent-hook", "queued"),
    ]


def test_an_exercise_goes_to_drill_contacts_only():
    states = planned(job("IMI-ENT", "POL-61.03", status="Exercise"))
    assert outline(states) == [
        ("kafka", None, "sent"),
        ("email", "ent-drill", "queued"),
        ("kafka", None, "sent"),
    ]


def test_a_recipient_without_contacts_is_told_on_its_topic_alone():
    assert outline(planned(job("BNPP-ENT"))) == [("kafka", None, "sent")]


def test_a_replayed_job_plans_nothing_new():
    known = FollowUps()
    planned(job("IMI-ENT", "POL-61.03"), known)
    assert planned(job("IMI-ENT", "POL-61.03"), known) == ()


def test_a_repeat_has_the_ids_of_the_first_time():
    ids = [state.deliveryId for state in planned(job("IMI-ENT"))]
    assert [state.deliveryId for state in planned(job("IMI-ENT"), now=NOW + timedelta(hours=1))] == ids
    assert len(set(ids)) == len(ids)


def test_an_alert_past_its_end_is_expired_and_not_sent():
    states = planned(job("IMI-ENT", expires=NOW))
    assert of(states, "ent-mail").receipt.state is DeliveryState.EXPIRED
    assert of(states, "ent-mail").expiresAt == NOW
    assert of(states, None).receipt.state is DeliveryState.SENT
    assert not expired(of(planned(job("IMI-ENT", expires=NOW + timedelta(seconds=1))), "ent-mail"), NOW)


@pytest.mark.parametrize(
    ("msg_type", "ending"),
    [
        ("Update", "superseded"),
        ("Cancel", "cancelled"),
        ("FalsePositive", "cancelled"),
        ("Recall", "cancelled"),
    ],
)
def test_a_newer_alert_ends_what_still_waits_and_says_how(msg_type, ending):
    known = FollowUps()
    planned(job("IMI-ENT", "POL-61.03"), known)
    states = planned(job("IMI-ENT", revision=2, msgType=msg_type), known)
    ended, begun = outline(states)[:2], outline(states)[2:]
    assert sorted(ended) == [("email", "ent-mail", ending), ("webhook", "ent-hook", ending)]
    assert begun == [
        ("kafka", None, "sent"),
        ("email", "ent-mail", "queued"),
        ("webhook", "ent-hook", "queued"),
    ]
    assert outline(known.waiting_of((states[0].threadId, "POL-61.03"))) == [("email", "pol-mail", "queued")]


def test_an_alert_that_arrives_after_a_newer_one_is_not_sent():
    known = FollowUps()
    planned(job("IMI-ENT", revision=2), known)
    late = planned(job("IMI-ENT", revision=1), known)
    assert of(late, "ent-mail").receipt.state is DeliveryState.SUPERSEDED


def test_another_thread_is_not_touched():
    known = FollowUps()
    planned(job("IMI-ENT", number=1), known)
    planned(job("IMI-ENT", number=2, revision=5, msgType="Cancel"), known)
    assert known.count_waiting() == 4


def test_a_failure_is_tried_again_until_the_schedule_ends():
    record, attempts = of(planned(job("IMI-ENT")), "ent-mail"), 0
    now = NOW
    while record.receipt.state in {DeliveryState.QUEUED, DeliveryState.TEMPORARY}:
        intent = intend(record, now)
        record = settle(intent, TEMPORARY, None, now, SCHEDULE)
        attempts += 1
        now = record.nextAt or now
    assert record.receipt.state is DeliveryState.PERMANENT
    assert attempts == record.receipt.attempt == len(SCHEDULE.waits) + 1
    assert (record.receipt.httpStatus, record.receipt.errorCode) == (503, "BUSY")


def test_an_attempt_that_was_overtaken_ends_as_overtaken_unless_it_arrived():
    intent = intend(of(planned(job("IMI-ENT")), "ent-mail"), NOW)
    failed = settle(intent, TEMPORARY, DeliveryState.CANCELLED, NOW, SCHEDULE)
    arrived = settle(intent, DeliveryResult(DeliveryState.SENT), DeliveryState.CANCELLED, NOW, SCHEDULE)
    assert failed.receipt.state is DeliveryState.CANCELLED
    assert failed.nextAt is None
    assert arrived.receipt.state is DeliveryState.SENT


def test_an_intent_without_an_outcome_is_repeated_under_the_same_id_and_marked():
    first = intend(of(planned(job("IMI-ENT")), "ent-mail"), NOW)
    again = intend(read_follow_up(write_follow_up(first, 0).value), NOW)
    assert not first.possibleRepeat
    assert again.possibleRepeat
    assert again.deliveryId == first.deliveryId
    assert (first.receipt.attempt, again.receipt.attempt) == (1, 2)


@pytest.mark.parametrize("in_doubt", [True, False], ids=["no answer came", "refused"])
def test_a_retry_is_marked_only_when_the_attempt_before_may_have_arrived(in_doubt):
    intent = intend(of(planned(job("IMI-ENT")), "ent-mail"), NOW)
    result = DeliveryResult(DeliveryState.TEMPORARY, Trouble.TIMEOUT, in_doubt=in_doubt)
    assert intend(settle(intent, result, None, NOW, SCHEDULE), NOW).possibleRepeat is in_doubt


def test_a_state_survives_its_topic_and_tells_no_address_and_no_content():
    record = intend(of(planned(job("IMI-ENT")), "ent-mail"), NOW)
    out = write_follow_up(record, 3)
    assert read_follow_up(out.value) == record
    assert (out.topic, out.partition) == (FOLLOWUP, 3)
    assert out.key.decode() == f"{record.threadId}/{record.deliveryId}"
    for secret in (b"duty@", b"CANARY", b"action", b"situation", b"Entikong"):
        assert secret not in out.value


@given(st.permutations([1, 2, 3, 4]))
def test_in_whatever_order_alerts_come_only_the_newest_waits(revisions):
    known = FollowUps()
    for offset, revision in enumerate(revisions):
        planned(job("POL-61.03", revision=revision), known, offset=offset)
    assert [record.alertRevision for record in known.all_waiting()] == [4]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=8))
def test_restoring_every_state_gives_what_was_in_memory(revisions):
    known, written = FollowUps(), []
    for offset, revision in enumerate(revisions):
        written += planned(job("IMI-ENT", revision=revision), known, offset=offset)
    restored = FollowUps()
    for record in written:
        restored.remember(read_follow_up(write_follow_up(record, 0).value))
    assert set(map(party_of, restored.all_waiting())) == set(map(party_of, known.all_waiting()))
    assert sorted(one.deliveryId for one in restored.all_waiting()) == sorted(
        one.deliveryId for one in known.all_waiting()
    )


def test_an_end_keeps_the_original_expiry_apart_from_the_cancel():
    record = of(planned(job("IMI-ENT", expires=NOW + timedelta(days=3))), "ent-mail")
    ended = end(record, DeliveryState.CANCELLED, NOW + timedelta(hours=1))
    assert ended.expiresAt == NOW + timedelta(days=3)
    assert ended.receipt.at == NOW + timedelta(hours=1)
    assert ended.receipt.channel is Channel.EMAIL
