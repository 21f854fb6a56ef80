"""Requests in the router's pure core: each verb, what it tells, and to whom at which level."""

import dataclasses
import json
from datetime import timedelta

import pytest
from pydantic import ValidationError

from sinergi_router.decide import competent
from sinergi_router.policy.jurisdiction import settle
from sinergi_router.policy.neighbour import near_areas
from sinergi_router.policy.request_facts import Case
from sinergi_router.policy.requests import apply_request
from sinergi_router.threads import from_record, to_record
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.codes import AlertMsgType, Level, RequestVerb, Role, Standing, ThreadState
from sinergi_shared.contracts.ids import alert_number, derived_uuid
from sinergi_shared.contracts.reasons import Outcome, Reason
from sinergi_shared.contracts.request import Request
from tests.kit.decisions import NOW, arrived, decided, kalbar, sample


def case_of(one, policy=None):
    policy = policy or kalbar()
    data, [area] = one.event.data, settle([one], policy)
    [near] = near_areas([data], [area], policy)
    return Case(one, area, competent(data, area, near, policy).matched)


class Story:
    """One event through alerts and requests, as the router would keep it."""

    def __init__(self, document):
        self.event = arrived(document)
        self.threads = {}
        [self.first] = decided([self.event], self.threads)
        self.asked = 0

    @property
    def thread(self):
        return self.threads[self.event.thread_id]

    def ask(self, verb, by=None, *, to=None, step=None, name=None, readable=True, outcome=None):
        self.asked += 1
        by = by or self.thread.lead or "IMI-ENT"
        if verb == "escalate" and step is None:
            step = min(self.thread.step + 1, 8)
        request = Request(
            threadId=self.event.thread_id,
            verb=RequestVerb(verb),
            step=step,
            by=by,
            to=to,
            outcome=outcome,
            at=NOW,
        )
        id_ = derived_uuid("request", name or str(self.asked))
        case = case_of(self.event) if readable else None
        thread = self.threads.get(self.event.thread_id)
        done = apply_request(request, id_, thread, case, kalbar(), NOW + timedelta(minutes=self.asked))
        if done.thread is not None:
            self.threads[self.event.thread_id] = done.thread
        return done

    def later(self, event_id, revision, **data):
        document = json.loads(json.dumps(self.event.document))
        document["id"] = event_id
        document["data"] |= {"revision": revision} | data
        self.event = arrived(document)
        [done] = decided([self.event], self.threads)
        return done


@pytest.fixture
def post():
    """Suspected trafficking at the Entikong post, severity ``tinggi``: IMI-ENT leads, POL-61.03 is next."""
    return Story(sample("01"))


def told(decision):
    return {
        alert.notice.recipient.code: (alert.full["data"]["msgType"], alert.notice.lead)
        for alert in decision.alerts
    }


def fits(decision):
    for alert in decision.alerts:
        for form in (alert.full, alert.thin):
            AlertEvent.model_validate_json(json.dumps(form))


def test_the_ladder_is_the_other_primary_then_who_is_above_each(post):
    assert post.thread.lead == "IMI-ENT"
    leads = []
    for _ in range(3):
        done = post.ask("escalate")
        assert done.outcome is Outcome.ROUTED
        leads.append(post.thread.lead)
    assert leads == ["POL-61.03", "IMI-KANWIL", "POL-POLDA"]
    assert (post.thread.step, post.thread.led) == (3, ("IMI-ENT", "POL-61.03", "IMI-KANWIL"))


def test_an_overdue_copy_says_escalation_and_who_led_is_told_that_it_leads_no_longer(post):
    done = post.ask("escalate")
    assert told(done) == {"POL-61.03": ("Escalation", True), "IMI-ENT": ("Update", False)}
    fits(done)
    copy = done.alerts[0]
    assert copy.full["type"] == "id.sinergi.alert.escalated.v1"
    assert copy.notice.role is Role.PRIMARY
    assert copy.full["data"]["ackDueAt"] == "2026-03-11T00:30:00+07:00"  # M002, tinggi: 30 min
    assert copy.full["data"]["otherRecipients"] == ["IMI-ENT"]


def test_a_desk_above_is_told_at_the_level_role_and_deadline_of_its_row_though_its_condition_fails(post):
    post.ask("escalate")
    done = post.ask("escalate")
    copy = next(one for one in done.alerts if one.notice.recipient.code == "IMI-KANWIL")
    assert (copy.notice.role, copy.notice.level, copy.notice.rule) == (Role.ESCALATION, Level.L3, "M010")
    assert copy.notice.ack_minutes == 30


def test_ids_derive_from_the_request(post):
    done = post.ask("escalate", name="one")
    for alert in done.alerts:
        code = alert.notice.recipient.code
        number = alert_number(post.event.thread_id, derived_uuid("request", "one"), code)
        assert alert.full["subject"] == number == post.thread.informed[code].alert_number


def test_the_end_of_the_ladder_is_told_to_operators_once_and_moves_nothing_more(post):
    alarms = [post.ask("escalate").alarm for _ in range(3)]
    assert alarms == [False, False, True]
    beyond = post.ask("escalate")
    assert (beyond.outcome, beyond.reason, beyond.alerts) == (Outcome.MERGED, Reason.STALE, ())
    assert (post.thread.lead, post.thread.unanswered) == ("POL-POLDA", True)
    post.ask("owned", "POL-POLDA")
    assert post.thread.unanswered is False


@pytest.mark.parametrize("step", [2, 3, 8])
def test_a_step_that_is_not_the_next_is_refused_and_may_come_again(post, step):
    before = post.thread
    done = post.ask("escalate", step=step, name="early")
    assert (done.outcome, done.reason, done.alerts, done.thread) == (Outcome.MERGED, Reason.STALE, (), None)
    assert post.thread == before
    for _ in range(step - 1):
        post.ask("escalate")
    if step < 4:
        assert post.ask("escalate", step=step, name="early").outcome is Outcome.ROUTED


def test_a_step_behind_and_a_repeat_move_nothing(post):
    post.ask("escalate", name="one")
    before = post.thread
    assert post.ask("escalate", "IMI-ENT", step=1, name="one").reason is Reason.DUPLICATE
    assert post.ask("escalate", "IMI-ENT", step=1, name="another").reason is Reason.STALE
    assert post.ask("escalate", "POL-61.03", step=1, name="again").reason is Reason.STALE
    assert post.thread == before


def test_only_the_lead_s_own_deadline_moves_the_lead(post):
    assert post.ask("escalate", "BP3MI", step=1).reason is Reason.STALE


def test_a_late_event_is_never_escalated():
    document = json.loads(json.dumps(sample("01")))
    document["time"] = document["data"]["observedAt"] = document["data"]["reportedAt"] = (
        "2026-03-01T08:00:00+07:00"
    )
    late = Story(document)
    assert late.first.late
    assert late.ask("escalate").reason is Reason.STALE
    moved = late.ask("declined")
    assert late.thread.lead == "POL-61.03"
    assert all(alert.notice.ack_minutes is None for alert in moved.alerts)


def test_who_owns_leads_and_a_later_deadline_moves_nothing(post):
    done = post.ask("owned", "POL-61.03")
    assert told(done) == {"POL-61.03": ("Update", True), "IMI-ENT": ("Update", False)}
    fits(done)
    assert post.thread.owner == post.thread.lead == "POL-61.03"
    assert post.ask("escalate").reason is Reason.STALE
    assert post.ask("owned", "POL-61.03").reason is Reason.DUPLICATE


def test_the_lead_that_owns_is_told_nothing_new(post):
    done = post.ask("owned", "IMI-ENT")
    assert (done.outcome, done.alerts) == (Outcome.ROUTED, ())
    assert post.thread.owner == "IMI-ENT"


def test_a_second_own_assists_and_leads_nothing(post):
    post.ask("owned", "IMI-ENT")
    done = post.ask("owned", "POL-61.03")
    assert (done.outcome, done.alerts, post.thread.lead) == (Outcome.ROUTED, (), "IMI-ENT")
    assert post.thread.informed["POL-61.03"].standing is Standing.ASSISTING


def test_own_and_deadline_in_either_order_leave_the_owner_leading(post):
    other = Story(sample("01"))
    post.ask("owned", "IMI-ENT", name="own")
    post.ask("escalate", "IMI-ENT", step=1, name="due")
    other.ask("escalate", "IMI-ENT", step=1, name="due")
    other.ask("owned", "IMI-ENT", name="own")
    assert post.thread.owner == other.thread.owner == "IMI-ENT"


def test_who_holds_no_alert_can_neither_own_nor_decline_nor_refer(post):
    for verb, to in (("owned", None), ("declined", None), ("refer", "POL-61.03")):
        assert post.ask(verb, "POL-61.06", to=to).reason is Reason.STALE


def test_the_lead_that_declines_hands_the_lead_to_the_next(post):
    done = post.ask("declined")
    assert told(done) == {"POL-61.03": ("Update", True), "IMI-ENT": ("Update", False)}
    assert done.alerts[0].notice.ack_minutes == 30
    new = post.ask("declined")
    assert told(new)["IMI-KANWIL"] == ("Alert", True)
    assert post.thread.step == 2


def test_another_that_declines_is_noted_and_is_not_asked_on_the_ladder(post):
    done = post.ask("declined", "POL-61.03")
    assert (done.alerts, post.thread.lead) == ((), "IMI-ENT")
    post.ask("escalate")
    assert post.thread.lead == "IMI-KANWIL"


def test_when_all_have_declined_the_last_keeps_the_lead_and_operators_know(post):
    alarms = [post.ask("declined").alarm for _ in range(4)]
    assert alarms == [False, False, True, False]
    assert post.thread.lead == "POL-POLDA"


def test_a_referral_is_told_at_the_target_s_own_level_and_the_lead_stays_until_it_owns(post):
    post.ask("owned", "IMI-ENT")
    done = post.ask("refer", "IMI-ENT", to="LPSK")
    assert told(done) == {"LPSK": ("Alert", False)}
    fits(done)
    [alert] = done.alerts
    assert (alert.notice.level, alert.notice.role, alert.notice.rule) == (Level.L1, Role.SUPPORT, "REFER")
    assert alert.notice.ack_minutes == 15  # no row of its own: the first lead's
    assert post.thread.lead == "IMI-ENT"
    post.ask("owned", "LPSK")
    assert (post.thread.owner, post.thread.lead) == ("LPSK", "LPSK")
    assert post.thread.informed["IMI-ENT"].standing is Standing.ASSISTING


def test_a_referral_to_a_kind_with_a_row_takes_level_role_and_deadline_from_it(post):
    [alert] = post.ask("refer", to="SOS-61.03").alerts
    assert (alert.notice.level, alert.notice.role, alert.notice.rule) == (Level.L2, Role.PROTECTION, "M004")
    assert alert.notice.ack_minutes == 60


def test_a_referral_declined_changes_no_lead(post):
    post.ask("refer", to="LPSK")
    post.ask("declined", "LPSK")
    assert post.thread.lead == "IMI-ENT"


@pytest.mark.parametrize("to", ["GT-PROV", "BNPP-SKL"])
def test_nobody_without_a_topic_is_referred_to(post, to):
    assert post.ask("refer", to=to).reason is Reason.NOT_ALLOWED


def test_the_originator_s_word_is_needed_where_it_asked_for_that():
    document = json.loads(json.dumps(sample("01")))
    document["data"]["handling"] = {"onward": "ask"}
    kept = Story(document)
    done = kept.ask("refer", to="LPSK")
    assert (done.outcome, done.reason) == (Outcome.REJECTED, Reason.NOT_ALLOWED)


def test_a_recall_tells_nothing_of_the_event_and_its_holder_hears_of_no_update(post):
    done = post.ask("recall", to="BNPP-ENT")
    [alert] = done.alerts
    fits(done)
    assert alert.full["type"] == "id.sinergi.alert.recalled.v1"
    assert (alert.full["data"]["disclosureLevel"], alert.full["data"]["routing"]["rule"]) == ("L1", "RECALL")
    absent = {"location", "people", "needs", "indicators", "note", "vehicles", "certainty", "suspicion"}
    assert not absent & alert.full["data"].keys()
    text = json.dumps(alert.full)
    assert "TPPO" not in text
    assert "Entikong" not in text
    assert "61.03" not in text
    assert post.thread.informed["BNPP-ENT"].standing is Standing.RECALLED
    update = post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2, severity="kritis")
    assert "BNPP-ENT" not in {one.notice.recipient.code for one in update.alerts}
    end = post.later("019cd550-3750-7e84-a16f-91c183b034b2", 3, msgType="Cancel")
    assert "BNPP-ENT" in {one.notice.recipient.code for one in end.alerts}


def test_a_recalled_lead_is_followed_by_the_next(post):
    done = post.ask("recall", to="IMI-ENT")
    assert told(done) == {"IMI-ENT": ("Recall", False), "POL-61.03": ("Update", True)}
    update = post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2)
    assert [one.notice.recipient.code for one in update.alerts if one.notice.lead] == ["POL-61.03"]


def test_a_recall_from_all_leaves_one_that_answers(post):
    holders = set(post.thread.informed)
    done = post.ask("recall")
    recalled = {code for code, (kind, _) in told(done).items() if kind == "Recall"}
    assert recalled == holders
    assert post.thread.lead == "IMI-KANWIL"
    assert not post.thread.informed["IMI-KANWIL"].recalled


def test_an_update_keeps_the_lead_that_the_ladder_has_made(post):
    post.ask("escalate")
    post.ask("escalate")
    update = post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2)
    assert post.thread.lead == "IMI-KANWIL"
    assert [one.notice.recipient.code for one in update.alerts if one.notice.lead] == ["IMI-KANWIL"]


def test_an_update_keeps_who_took_over_by_referral(post):
    post.ask("refer", to="LPSK")
    post.ask("owned", "LPSK")
    post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2)
    assert post.thread.owner == "LPSK"


def test_what_is_opened_again_climbs_from_the_first_step(post):
    post.ask("escalate")
    post.ask("declined", "BP3MI")
    post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2, msgType="Cancel")
    assert post.ask("escalate", "POL-61.03", step=2).reason is Reason.STALE
    post.later("019cd550-3750-7e84-a16f-91c183b034b2", 3, msgType="Update")
    assert (post.thread.step, post.thread.led, post.thread.lead) == (0, (), "IMI-ENT")
    assert post.thread.informed["BP3MI"].standing is None
    post.ask("escalate")
    assert post.thread.lead == "POL-61.03"


def test_a_request_on_a_closed_or_unknown_thread_tells_nobody(post):
    post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2, msgType="Cancel")
    for verb in ("escalate", "owned", "declined", "recall"):
        done = post.ask(verb, "IMI-ENT")
        assert (done.outcome, done.reason, done.alerts) == (Outcome.MERGED, Reason.STALE, ())
    assert post.thread.state is ThreadState.CLOSED
    post.threads.clear()
    done = apply_request(
        Request(threadId=post.event.thread_id, verb="owned", by="IMI-ENT", at=NOW),
        derived_uuid("request", "unknown"),
        None,
        case_of(post.event),
        kalbar(),
        NOW,
    )
    assert (done.outcome, done.reason, done.thread) == (Outcome.MERGED, Reason.STALE, None)


def test_an_event_that_cannot_be_read_goes_to_the_desk_of_the_province(post):
    done = post.ask("escalate", readable=False)
    assert (done.outcome, done.reason, done.alarm) == (Outcome.ROUTED, Reason.EVENT_EXPIRED, True)
    assert told(done) == {"IMI-KANWIL": ("Escalation", True), "IMI-ENT": ("Update", False)}
    fits(done)
    assert post.thread.lead == "IMI-KANWIL"
    assert {alert.full["data"]["disclosureLevel"] for alert in done.alerts} == {"L1"}
    assert post.ask("escalate", readable=False).reason is Reason.STALE
    post.ask("owned", "IMI-KANWIL", readable=False)
    assert (post.thread.owner, post.thread.unanswered) == ("IMI-KANWIL", False)


def test_what_cannot_be_read_can_still_be_taken_back(post):
    done = post.ask("recall", to="BNPP-ENT", readable=False)
    assert (done.reason, told(done)) == (None, {"BNPP-ENT": ("Recall", False)})


def test_an_exercise_escalates_to_nobody():
    document = json.loads(json.dumps(sample("01")))
    document["data"]["status"] = "Exercise"
    drill = Story(document)
    assert drill.ask("escalate").reason is Reason.STALE
    drill.ask("declined")
    assert drill.thread.lead == "POL-61.03"
    last = drill.ask("declined")
    assert (last.alerts, last.alarm, drill.thread.lead) == ((), False, "POL-61.03")


def test_whoever_is_away_for_good_does_not_hold_up_the_ladder(post):
    tables = kalbar().tables
    gone = dataclasses.replace(tables.recipients["IMI-KANWIL"], active=False, escalates_to="POL-POLDA")
    policy = dataclasses.replace(
        kalbar(), tables=dataclasses.replace(tables, recipients=tables.recipients | {"IMI-KANWIL": gone})
    )
    thread, leads = post.thread, []
    for step in (1, 2):
        request = Request(threadId=thread.thread_id, verb="escalate", step=step, by=thread.lead, at=NOW)
        id_ = derived_uuid("request", str(step))
        thread = apply_request(request, id_, thread, case_of(post.event, policy), policy, NOW).thread
        leads.append(thread.lead)
    assert leads == ["POL-61.03", "POL-POLDA"]


def test_a_thread_with_requests_is_read_back_as_it_was_written(post):
    post.ask("refer", to="LPSK")
    post.ask("escalate")
    post.ask("owned", "POL-61.03")
    post.ask("recall", to="BNPP-ENT")
    assert from_record(to_record(post.thread)) == post.thread


@pytest.mark.parametrize("missing", [{"verb": "escalate"}, {"verb": "refer"}])
def test_a_request_says_what_its_verb_needs(post, missing):
    with pytest.raises(ValidationError):
        Request(threadId=post.event.thread_id, by="IMI-ENT", at=NOW, **missing)


def test_a_question_to_the_originator_is_not_answered_here(post):
    done = post.ask("ask")
    assert (done.outcome, done.reason) == (Outcome.REJECTED, Reason.TYPE_UNSUPPORTED)


def test_every_message_type_of_a_request_has_its_words(post):
    seen = set()
    for verb, more in (("escalate", {}), ("refer", {"to": "LPSK"}), ("recall", {"to": "BNPP-ENT"})):
        seen |= {alert.full["data"]["msgType"] for alert in post.ask(verb, **more).alerts}
    assert seen == {AlertMsgType.ESCALATION, AlertMsgType.UPDATE, AlertMsgType.ALERT, AlertMsgType.RECALL}


@pytest.mark.parametrize("owned_first", [True, False])
def test_the_lead_ends_the_event_and_learns_that_it_leads_no_longer(post, owned_first):
    if owned_first:
        post.ask("owned", "IMI-ENT")
    done = post.ask("resolved", "IMI-ENT", outcome="rescued")
    assert (post.thread.state, post.thread.lead, post.thread.resolution) == ("closed", None, "rescued")
    assert told(done) == {"IMI-ENT": ("Update", False)}
    assert all(held.ack_due_at is None for held in post.thread.informed.values())
    assert from_record(to_record(post.thread)) == post.thread
    fits(done)


def test_an_event_that_cannot_be_read_any_more_is_ended_all_the_same(post):
    done = post.ask("resolved", outcome="assisted", readable=False)
    assert post.thread.resolution == "assisted"
    fits(done)


def test_who_does_not_lead_ends_nothing(post):
    done = post.ask("resolved", "POL-61.03", outcome="rescued")
    assert (done.outcome, done.reason, post.thread.state) == (Outcome.MERGED, Reason.STALE, "open")


def test_the_end_of_an_event_is_told_once_and_not_changed_by_who_comes_later(post):
    post.ask("resolved", outcome="handed_over", name="end")
    assert post.ask("resolved", "IMI-ENT", outcome="handed_over", name="end").reason is Reason.DUPLICATE
    assert post.ask("resolved", "IMI-ENT", outcome="no_contact").reason is Reason.STALE
    assert post.ask("false_positive", "POL-61.03").reason is Reason.STALE
    assert post.thread.resolution == "handed_over"


def test_a_primary_that_sees_no_threat_ends_the_event_as_not_confirmed(post):
    post.ask("false_positive", "POL-61.03")
    assert (post.thread.state, post.thread.resolution) == ("closed", "not_confirmed")


def test_a_primary_that_owns_the_event_is_not_overruled(post):
    post.ask("owned", "IMI-ENT")
    assert post.ask("false_positive", "POL-61.03").reason is Reason.STALE
    assert post.thread.state is ThreadState.OPEN
    post.ask("false_positive", "IMI-ENT")
    assert post.thread.resolution == "not_confirmed"


def test_who_only_supports_cannot_end_the_event(post):
    assert post.thread.informed["BNPP-ENT"].role is Role.SUPPORT
    assert post.ask("false_positive", "BNPP-ENT").reason is Reason.STALE


def test_an_event_that_is_opened_again_has_no_end(post):
    post.ask("resolved", outcome="no_contact")
    post.later("019cd550-3750-7e84-a16f-91c183b034b1", 2, msgType="Update")
    assert (post.thread.state, post.thread.resolution) == ("open", None)


@pytest.mark.parametrize(("verb", "outcome"), [("resolved", None), ("owned", "rescued")])
def test_only_what_ends_an_event_names_how_it_ended(verb, outcome):
    with pytest.raises(ValidationError):
        Request(threadId="A" * 26, verb=verb, by="IMI-ENT", outcome=outcome, at=NOW)
