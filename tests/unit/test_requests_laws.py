"""Laws of requests: in whatever order and however often they come, one leads and none knows too much."""

import csv
import json
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_ops.places import PACK
from sinergi_router.policy.requests import apply_request
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.codes import AlertMsgType, RequestVerb, Resolution, Status, ThreadState
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.reasons import Outcome, Reason
from sinergi_shared.contracts.request import Request
from tests.kit.decisions import NOW, arrived, decided, kalbar, sample
from tests.unit.test_requests import case_of

STRANGERS = ("POL-61.06", "LPSK", "SOS-61.03", "PPA-PROV", "KJRI-KCH", "GT-PROV", "BNPP-SKL", "NOBODY")
VERBS = tuple(verb for verb in RequestVerb if verb is not RequestVerb.ASK)
FOLLOW_UPS = ("Update", "Cancel", "FalsePositive")


def rows(table):
    with (PACK / f"{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


CAPS = {row["code"]: (row["kind"], row["max_disclosure"]) for row in rows("recipients")}
MANDATES = rows("mandates")


def ceiling(code, situation, first_levels):
    """What the tables give at most to an office: read from the files, by none of our code."""
    kind, cap = CAPS[code]
    of_kind = [
        row["disclosure"]
        for row in MANDATES
        if (row["situation"], row["recipient_kind"]) == (situation, kind)
    ]
    return min(cap, max([*of_kind, first_levels.get(code, "L1"), "L1"]))


asks = st.fixed_dictionaries(
    {
        "verb": st.sampled_from(VERBS),
        "who": st.integers(0, 20),
        "to": st.integers(0, 20) | st.none(),
        "step": st.integers(1, 8) | st.none(),
        "id": st.integers(0, 12),
        "readable": st.sampled_from([True, True, True, True, False]),
    }
)
follow_ups = st.sampled_from(FOLLOW_UPS)


class Watched:
    """One event, and what each recipient reads as the newest of its alerts."""

    def __init__(self, name, status=Status.ACTUAL):
        document = json.loads(json.dumps(sample(name)))
        document["data"]["status"] = status
        self.document, self.threads, self.newest = document, {}, {}
        self.applied, self.numbers, self.minute, self.escalations = set(), set(), 0, 0
        self.event = arrived(document)
        [first] = decided([self.event], self.threads)
        self.levels = {one.notice.recipient.code: one.notice.level for one in first.alerts}
        self.read(first.alerts)

    @property
    def thread(self):
        return self.threads[self.event.thread_id]

    def code(self, number):
        known = [self.thread.lead or "IMI-ENT", *self.thread.informed, *STRANGERS]
        return known[number % len(known)]

    def follow(self, kind):
        document = json.loads(json.dumps(self.document))
        self.minute += 1
        document["id"] = f"019cd550-3750-7e84-a16f-{self.minute:012x}"
        document["data"] |= {"revision": self.thread.revision + 1, "msgType": kind}
        self.event = arrived(document)
        was_closed = self.thread.state is ThreadState.CLOSED
        [done] = decided([self.event], self.threads)
        assert done.outcome is Outcome.ROUTED
        if was_closed and kind == "Update":
            self.escalations = 0
        self.read(done.alerts)

    def ask(self, ask):
        before = self.thread
        self.minute += 1
        to = None if ask["to"] is None else self.code(ask["to"])
        if ask["verb"] is RequestVerb.REFER and to is None:
            to = self.code(ask["who"] + 1)
        step = ask["step"] or min(before.step + 1, 8)
        outcome = Resolution.ASSISTED if ask["verb"] is RequestVerb.RESOLVED else None
        request = Request(
            threadId=before.thread_id,
            verb=ask["verb"],
            step=step,
            by=self.code(ask["who"]),
            to=to,
            outcome=outcome,
            at=NOW,
        )
        id_ = derived_uuid("request", str(ask["id"]))
        case = case_of(self.event) if ask["readable"] else None
        now = NOW + timedelta(minutes=self.minute)
        done = apply_request(request, id_, before, case, kalbar(), now)
        self.judge(request, id_, done, before)
        if done.thread is not None:
            self.threads[before.thread_id] = done.thread
            again = apply_request(request, id_, done.thread, case, kalbar(), now)
            assert (again.reason, again.thread, again.alerts) == (Reason.DUPLICATE, None, ())
        self.read(done.alerts)

    def judge(self, request, id_, done, before):
        if done.outcome is not Outcome.ROUTED:
            assert (done.thread, done.alerts, done.alarm) == (None, (), False)
            return
        assert id_ not in self.applied
        self.applied.add(id_)
        assert before.state is ThreadState.OPEN
        if request.verb is RequestVerb.ESCALATE:
            assert request.step == before.step + 1
            assert request.by == before.lead
            assert before.owner is None
        self.escalations += any(
            one.full["data"]["msgType"] == AlertMsgType.ESCALATION and one.notice.lead for one in done.alerts
        )

    def read(self, alerts):
        for alert in alerts:
            data, code = alert.full["data"], alert.notice.recipient.code
            for form in (alert.full, alert.thin):
                AlertEvent.model_validate_json(json.dumps(form))
            situation = self.document["data"]["situation"]
            assert data["disclosureLevel"] <= ceiling(code, situation, self.levels), code
            assert data["alertNumber"] not in self.numbers
            self.numbers.add(data["alertNumber"])
            held = self.newest.get(code)
            assert data["alertRevision"] == (held["alertRevision"] + 1 if held else 1)
            self.newest[code] = data
        self.one_leads()

    def one_leads(self):
        leads = [code for code, data in self.newest.items() if data["lead"]]
        assert leads == ([self.thread.lead] if self.thread.state is ThreadState.OPEN else [])
        assert self.thread.step <= 8
        assert self.escalations <= 9  # 8 steps, and the desk once when the event cannot be read
        if leads:
            assert not self.thread.informed[leads[0]].recalled
            assert self.newest.keys() == self.thread.informed.keys()


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(["01", "02", "03", "04", "05", "06", "07", "08"]),
    asked=st.lists(asks | follow_ups, max_size=25),
)
def test_one_leads_and_each_is_applied_once_whatever_is_asked(name, asked):
    event = Watched(name)
    for one in asked:
        if isinstance(one, str):
            event.follow(one)
        else:
            event.ask(one)


@settings(max_examples=40, deadline=None)
@given(asked=st.lists(asks, max_size=15))
def test_an_exercise_reaches_nobody_above_and_alarms_nobody(asked):
    event = Watched("03", Status.EXERCISE)
    assert event.thread.status is Status.EXERCISE
    for one in asked:
        event.ask(one | {"readable": True, "verb": one["verb"]})
    primaries = {code for code, held in event.thread.informed.items() if held.role == "primary"}
    assert not event.thread.unanswered or event.thread.lead in primaries
    assert not event.thread.unanswered
    assert {data["msgType"] for data in event.newest.values()} <= {"Alert", "Update", "Recall"}


@settings(max_examples=60, deadline=None)
@given(order=st.permutations(range(4)), cut=st.integers(1, 3))
def test_own_wins_over_deadlines_in_any_order_and_with_any_repeat(order, cut):
    """Law 9: the steps of the ladder and an own, shuffled and repeated, end with the owner leading."""
    event = Watched("01")
    steps = {0: ("escalate", 1), 1: ("escalate", 2), 2: ("owned", None), 3: ("declined", None)}
    for number in [*order, *order[:cut]]:
        verb, step = steps[number]
        thread = event.thread
        by = {2: "POL-61.03", 3: "BP3MI"}.get(number, thread.lead)
        request = Request(threadId=thread.thread_id, verb=verb, step=step, by=by, at=NOW)
        done = apply_request(
            request, derived_uuid("any", str(number)), thread, case_of(event.event), kalbar(), NOW
        )
        if done.thread is not None:
            event.threads[thread.thread_id] = done.thread
        event.read(done.alerts)
    assert event.thread.owner == "POL-61.03"


@settings(max_examples=40, deadline=None)
@given(step=st.integers(1, 8), taken=st.integers(0, 3))
def test_a_wrong_step_is_refused_and_the_right_one_is_not(step, taken):
    event = Watched("01")
    for number in range(taken):
        event.ask(
            {"verb": RequestVerb.ESCALATE, "who": 0, "to": None, "step": None, "id": number, "readable": True}
        )
    before = event.thread
    request = Request(threadId=before.thread_id, verb="escalate", step=step, by=before.lead, at=NOW)
    done = apply_request(
        request, derived_uuid("request", "wrong"), before, case_of(event.event), kalbar(), NOW
    )
    applies = step == taken + 1 and taken < 3  # IMI-ENT, POL-61.03, IMI-KANWIL, POL-POLDA: three steps
    assert (done.outcome is Outcome.ROUTED) == applies
    assert applies or (done.reason, done.thread, done.alerts) == (Reason.STALE, None, ())


def message(revision, kind):
    document = json.loads(json.dumps(sample("03")))
    document["id"] = f"019cd550-3750-7e84-a16f-{revision:012x}"
    document["data"] |= {"revision": revision, "msgType": kind}
    return arrived(document)


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(6)), end=st.sampled_from(["Cancel", "FalsePositive"]), data=st.data())
def test_update_end_escalate_and_recall_in_any_order_end_alike_and_repeats_tell_nobody(order, end, data):
    """Law 9: the newest revision ends the event, one leads until then, and nothing is told twice."""
    events = [message(1, "Alert"), message(2, "Update"), message(3, end)]
    thread_id, threads, newest = events[0].thread_id, {}, {}

    def asked(number):
        thread = threads.get(thread_id)
        verb, step = (("escalate", 1), ("escalate", 2), ("recall", None))[number - 3]
        by = thread.lead if thread is not None and thread.lead is not None else "IMI-ENT"
        request = Request(threadId=thread_id, verb=verb, step=step, by=by, at=NOW)
        case = case_of(events[0]) if thread is not None else None
        return apply_request(request, derived_uuid("any", str(number)), thread, case, kalbar(), NOW)

    def take(number):
        if number < 3:
            [done] = decided([events[number]], threads)
            alerts = done.alerts
        else:
            done = asked(number)
            if done.thread is not None:
                threads[thread_id] = done.thread
            alerts = done.alerts
        for alert in alerts:
            told = alert.full["data"]
            code = alert.notice.recipient.code
            assert told["alertRevision"] == newest.get(code, {"alertRevision": 0})["alertRevision"] + 1
            newest[code] = told
        thread = threads.get(thread_id)
        leads = [code for code, told in newest.items() if told["lead"]]
        assert leads == ([thread.lead] if thread is not None and thread.state is ThreadState.OPEN else [])
        return alerts

    for number in order:
        take(number)
    thread = threads[thread_id]
    assert (thread.revision, thread.state, thread.lead) == (3, ThreadState.CLOSED, None)
    for number in data.draw(st.lists(st.integers(0, 5), max_size=6)):
        assert not take(number)
    again = threads[thread_id]
    assert (again.revision, again.state, again.informed) == (3, ThreadState.CLOSED, thread.informed)
