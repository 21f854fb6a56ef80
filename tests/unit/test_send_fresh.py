"""Samples made fresh: times move, everything that tells one event from another stays."""

import copy
import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest.admit import Admitted, admit
from sinergi_ops.places import SAMPLES
from sinergi_ops.sending.fresh import freshened
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.event import EXAMPLE
from tests.kit.oracle import encoded, sample_sources

NOW = datetime(2026, 11, 25, 4, 0, 0, 500_000, tzinfo=UTC)
ENVELOPE, DATA = ("time", "recordedtime"), ("observedAt", "reportedAt")
DAY = [json.loads(line) for line in (SAMPLES / "day_events.jsonl").read_text().splitlines()]

moments = st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants them naive
offsets = st.sampled_from(["Z", "+07:00", "+08:00"])


@st.composite
def messages(draw):
    event = copy.deepcopy(EXAMPLE)
    for part, names in ((event, ENVELOPE), (event["data"], DATA)):
        for name in names:
            part[name] = draw(moments).strftime("%Y-%m-%dT%H:%M:%S") + draw(offsets)
    event["source"] += draw(st.sampled_from("ab"))
    event["data"]["eventNumber"] = f"PRS-20260310-{draw(st.integers(1000, 1003))}"
    return event


def times(event):
    return [parse_time(event[name]) for name in ENVELOPE if name in event] + [
        parse_time(event["data"][name]) for name in DATA
    ]


def timeless(event):
    told = {name: value for name, value in event.items() if name not in ENVELOPE}
    return told | {"data": {name: value for name, value in event["data"].items() if name not in DATA}}


def events(told):
    found = {}
    for one in told:
        found.setdefault((one["source"], one["data"]["eventNumber"]), []).append(one)
    return found


@given(st.lists(messages(), min_size=1, max_size=8))
def test_an_event_moves_as_a_whole_until_its_last_message_was_reported_just_now(told):
    before, kept = copy.deepcopy(told), events(freshened(told, NOW))
    assert told == before
    for key, old in events(told).items():
        new = kept[key]
        assert [timeless(one) for one in new] == [timeless(one) for one in old]
        shifts = {
            later - was
            for a, b in zip(old, new, strict=True)
            for was, later in zip(times(a), times(b), strict=True)
        }
        assert len(shifts) == 1
        last = max(parse_time(one["data"]["reportedAt"]) for one in new)
        assert timedelta(0) <= NOW - last < timedelta(seconds=1)


@given(messages())
def test_a_time_keeps_the_offset_of_its_clock(event):
    [moved] = freshened([event], NOW)
    for part, names in (("", ENVELOPE), ("data", DATA)):
        old, new = (event[part], moved[part]) if part else (event, moved)
        for name in names:
            assert new[name][19:] == old[name][19:]


def test_repeats_of_the_day_stay_repeats():
    moved = freshened(DAY, NOW)
    repeats = [index for index, one in enumerate(DAY) if one in DAY[:index]]
    assert len(repeats) == 5  # as the samples' README says
    for index in repeats:
        assert moved[index] == moved[DAY.index(DAY[index])]


def test_what_is_no_time_stays_as_it_is_and_stops_nothing():
    odd = [
        EXAMPLE | {"time": "kemarin"},
        EXAMPLE
        | {"time": None, "data": EXAMPLE["data"] | {"observedAt": 7, "reportedAt": "2026-03-10T09:00:00"}},
        EXAMPLE | {"data": EXAMPLE["data"] | {"observedAt": "9999-12-31T23:59:59Z"}},
        {"data": "teks"},
        {"id": [1], "source": {}, "data": {"eventNumber": []}},
        {},
    ]
    moved = freshened(odd, NOW)
    assert moved[0]["time"] == "kemarin"
    assert moved[1]["data"]["reportedAt"] == "2026-03-10T09:00:00"
    assert moved[2]["data"]["observedAt"] == "9999-12-31T23:59:59Z"
    assert moved[3:] == odd[3:]


def test_a_fresh_day_is_admitted_and_refused_as_the_day_itself():
    def verdict(event, now):
        found = admit(encoded(event), sample_sources(), now)
        return "admitted" if isinstance(found, Admitted) else (found.reason, found.fields)

    then = parse_time("2026-03-10T23:59:00+07:00")
    assert [verdict(one, NOW) for one in freshened(DAY, NOW)] == [verdict(one, then) for one in DAY]
