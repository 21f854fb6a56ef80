"""Laws of the pure router: cutting, replaying, one lead, the allow-list, nobody forgotten."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_router.policy.views import ANYBODY
from sinergi_router.threads import from_record, to_record
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.codes import Level, MsgType, Role, Status, ThreadState
from sinergi_shared.contracts.reasons import Outcome, Reason
from tests.kit.decisions import NOW, arrived, decided, hard_events, kalbar, sample

COUNT = len(hard_events())


def _published(decisions):
    return [(one.outcome, [alert.full for alert in one.alerts]) for one in decisions]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, COUNT - 1), max_size=6, unique=True))
def test_cutting_a_batch_anywhere_changes_nothing(cuts):
    events, whole = hard_events(), _published(decided(hard_events()))
    threads, parts = {}, []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), COUNT], strict=True):
        parts += _published(decided(events[start:end], threads))
    assert parts == whole


def test_a_replay_of_everything_tells_nobody_anything():
    threads = {}
    decided(hard_events(), threads)
    before = _but_seen(threads)
    again = decided(hard_events(), threads)
    assert {one.outcome for one in again} <= {Outcome.MERGED, Outcome.STOPPED, Outcome.REJECTED}
    # What was refused in its place is merely stale when it comes again: that one id is noted.
    assert _but_seen(threads) == before


def _but_seen(threads):
    return {key: dataclasses.replace(thread, seen={}) for key, thread in threads.items()}


def test_a_replay_from_the_start_gives_the_same_alerts_to_the_byte():
    assert json.dumps(_published(decided(hard_events()))) == json.dumps(_published(decided(hard_events())))


def test_an_open_event_has_exactly_one_lead_and_a_closed_one_none():
    for one in decided(hard_events()):
        if one.outcome is Outcome.ROUTED:
            leads = [alert for alert in one.alerts if alert.notice.lead]
            is_open = one.thread.state is ThreadState.OPEN
            assert len(leads) == int(is_open)
            assert all(alert.notice.role is Role.PRIMARY for alert in leads)


def test_every_alert_fits_its_contract_in_both_forms():
    for one in decided(hard_events()[:200]):
        for alert in one.alerts:
            for form in (alert.full, alert.thin):
                AlertEvent.model_validate_json(json.dumps(form))


def test_a_recipient_reads_ever_higher_revisions_of_one_event():
    held = {}
    for one in decided(hard_events()):
        for alert in one.alerts:
            key = (one.arrived.thread_id, alert.notice.recipient.code)
            assert alert.notice.alert_revision == held.get(key, 0) + 1
            held[key] = alert.notice.alert_revision


def test_nobody_is_told_above_the_cap_of_his_office():
    for one in decided(hard_events()):
        for alert in one.alerts:
            assert alert.notice.level <= alert.notice.recipient.cap


def _leaves(value, path=()):
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, (*path, key))
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, path)
    else:
        yield path, value


OURS = frozenset(
    {
        *("alertNumber", "alertRevision", "eventNumber", "eventRevision", "msgType", "status", "recipient"),
        *("lead", "disclosureLevel", "policyVersion", "routing", "headline", "action", "ackDueAt", "late"),
        *("escalatesTo", "otherRecipients", "withheld", "redacted", "latencyMs", "observedPrecision"),
        *("situation", "observedAt"),
    }
)


@pytest.mark.parametrize("level", [Level.L1, Level.L2, Level.L3])
def test_no_alert_holds_a_field_that_the_table_does_not_list_for_its_level(level):
    rows = {row.field: row for row in kalbar().tables.fields}
    told = 0
    for one in decided(hard_events()):
        for alert in one.alerts:
            if alert.notice.level is not level:
                continue
            kind = alert.notice.recipient.kind
            for path, _ in _leaves(alert.full["data"]):
                if path[0] in OURS:
                    continue
                row = next(rows[".".join(path[:n])] for n in (2, 1) if ".".join(path[:n]) in rows)
                public = row.field == "location.placeCode"
                assert row.level <= level or kind in row.extra_kinds or public, (path, kind)
                told += 1
    assert told > 100


def test_a_field_that_no_table_lists_is_invisible_everywhere():
    document = json.loads(json.dumps(sample("01")))
    document["dataschema"] = document["dataschema"].replace("1-0-0", "1-9-0")
    document["data"]["canaryField"] = "CANARY"
    document["data"]["people"]["canaryPart"] = "CANARY"
    document["data"]["people"]["ageBands"]["canaryBand"] = 1
    [one] = decided([arrived(document)])
    assert one.outcome is Outcome.ROUTED
    assert "canary" not in json.dumps([alert.full for alert in one.alerts]).lower()


def test_a_thin_form_is_the_same_for_every_kind_of_reader():
    fields = kalbar().views.view(Level.L1, ANYBODY).allowed
    for one in decided(hard_events()[:200]):
        for alert in one.alerts:
            event_fields = alert.thin["data"].keys() - OURS
            assert event_fields <= fields.keys()
            assert not {"vehicles", "movement", "needs", "note", "indicators"} & event_fields


def test_a_minor_is_never_named_below_level_two():
    [one] = decided([arrived(sample("04"))])
    below = [alert for alert in one.alerts if alert.notice.level < Level.L2]
    for form in [alert.thin for alert in one.alerts] + [alert.full for alert in below]:
        assert form["data"]["situation"] == "PERLU_PENDAMPINGAN"
        assert "minors" not in json.dumps(form["data"]["people"])
        assert "anak" not in form["data"]["headline"].lower()


def test_the_consulate_cannot_join_its_alert_to_ours():
    [one] = decided([arrived(sample("06"))])
    twin = next(alert.full for alert in one.alerts if alert.notice.recipient.code == "KJRI-KCH")
    ours = [alert.full for alert in one.alerts if alert.notice.recipient.code != "KJRI-KCH"]
    for name in ("id", "subject", "partitionkey", "correlationid", "causationid"):
        assert twin[name] not in {alert[name] for alert in ours}
    assert one.arrived.event.data.eventNumber not in json.dumps(twin)
    assert one.arrived.thread_id not in json.dumps(twin)
    assert all("KJRI-KCH" not in json.dumps(alert["data"].get("otherRecipients", [])) for alert in ours)


def test_causes_of_two_alerts_of_one_event_cannot_be_joined():
    [one] = decided([arrived(sample("03"))])
    causes = [alert.full["causationid"] for alert in one.alerts]
    assert len(set(causes)) == len(causes)
    assert one.arrived.event.id not in json.dumps([alert.full for alert in one.alerts])


def test_an_exercise_begins_with_latihan_and_escalates_to_nobody():
    drills = [one for one in hard_events() if one.event.data.status is Status.EXERCISE]
    alerts = [alert for one in decided(drills) for alert in one.alerts]
    assert len(alerts) > 50
    assert all(alert.full["data"]["headline"].startswith("LATIHAN") for alert in alerts)
    assert all(alert.notice.role is not Role.ESCALATION for alert in alerts)


def test_a_cancel_reaches_everyone_who_ever_held_an_alert_at_l1():
    first = sample("03")
    cancel = json.loads(json.dumps(first))
    cancel["id"] = "019cd46d-9f80-7cd4-a8c7-b8773571a2ff"
    cancel["data"] |= {"revision": 2, "msgType": "Cancel"}
    alerted, cancelled = decided([arrived(first), arrived(cancel)])
    told = {alert.notice.recipient.code: alert.notice for alert in cancelled.alerts}
    assert told.keys() == {alert.notice.recipient.code for alert in alerted.alerts}
    assert {notice.level for notice in told.values()} == {Level.L1}
    assert all(notice.ack_minutes is None for notice in told.values())


def test_an_exercise_cannot_close_a_real_event():
    first = sample("03")
    drill = json.loads(json.dumps(first))
    drill["id"] = "019cd46d-9f80-7cd4-a8c7-b8773571a2fe"
    drill["data"] |= {"revision": 2, "msgType": "Cancel", "status": "Exercise"}
    threads = {}
    _, refused = decided([arrived(first), arrived(drill)], threads)
    assert (refused.outcome, refused.unrouted.reason) == (Outcome.REJECTED, Reason.SCHEMA_INVALID)
    assert [thread.state for thread in threads.values()] == [ThreadState.OPEN]


def test_a_policy_without_a_mandate_discloses_nothing_and_can_be_replayed():
    bare = dataclasses.replace(kalbar(), mandates={})
    sea = arrived(sample("03"))
    [one] = decided([sea], policy=bare)
    assert (one.outcome, one.unrouted.reason, one.alerts) == (Outcome.REJECTED, Reason.POLICY_MISSING, ())
    assert one.thread is None


def test_a_person_at_risk_has_no_expiry_while_the_event_is_open():
    [one] = decided([arrived(sample("03"))])
    assert all("expirytime" not in alert.full for alert in one.alerts)


def test_a_thread_is_read_back_as_it_was_written():
    for one in decided(hard_events()):
        if one.thread is not None:
            assert from_record(to_record(one.thread)) == one.thread


def test_any_order_of_one_events_messages_ends_in_the_same_state():
    """Law 9: the newest revision wins, in whatever order the messages come."""
    first = sample("03")
    messages = [first]
    for revision, kind in ((2, MsgType.UPDATE), (3, MsgType.CANCEL)):
        message = json.loads(json.dumps(first))
        message["id"] = f"019cd46d-9f80-7cd4-a8c7-b8773571a20{revision}"
        message["data"] |= {"revision": revision, "msgType": kind}
        messages.append(message)
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1), (1, 0, 2)):
        threads = {}
        decided([arrived(messages[index]) for index in order], threads, now=NOW)
        [thread] = threads.values()
        assert (thread.revision, thread.state, thread.lead) == (3, ThreadState.CLOSED, None)
