"""When: how far a clock may be ahead, what is late, and that the zone of a clock changes neither."""

import json
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest

from sinergi_ingest.admit import Admitted, admit
from sinergi_shared.contracts.base import MYT, WIB, format_time
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.reasons import Reason, Rule
from tests.kit.decisions import arrived, decided, sample

# 23.58 in Kalbar is 00.58 of the next day in Sarawak, and 16.58 of the same in UTC.
NOW = datetime(2026, 3, 10, 23, 58, tzinfo=WIB)
ZONES = {"WIB": WIB, "MYT": MYT, "UTC": UTC, "behind": timezone(timedelta(hours=-11))}
each_zone = pytest.mark.parametrize("zone", ZONES.values(), ids=ZONES)
MAX_AGE = timedelta(hours=72)


def judged(moment, zone, path="time"):
    told = format_time(moment.astimezone(zone))
    data = {"observedAt": told} if path == "observedAt" else {}
    more = {"time": told} if path == "time" else {}
    event = EXAMPLE | more | {"data": EXAMPLE["data"] | data}
    return admit(json.dumps(event).encode(), {EXAMPLE["source"]}, NOW)


@each_zone
@pytest.mark.parametrize("path", ["time", "observedAt"])
@pytest.mark.parametrize(
    ("seconds", "fits"), [(599, True), (600, True), (601, False), (540, True), (660, False)]
)
def test_ten_minutes_ahead_are_taken_and_a_second_more_is_not_across_midnight(zone, path, seconds, fits):
    verdict = judged(NOW + timedelta(seconds=seconds), zone, path)
    if fits:
        assert isinstance(verdict, Admitted)
    else:
        assert (verdict.reason, verdict.rule) == (Reason.TIME_OUT_OF_RANGE, Rule.FUTURE_TIME)


@each_zone
@pytest.mark.parametrize("days", [0, 1, 3, 30, 3650])
def test_no_event_is_refused_for_being_old(zone, days):
    assert isinstance(judged(NOW - timedelta(days=days), zone), Admitted)


def routed(age, zone=WIB, **data):
    """The one decision on the first sample as it happened this long ago."""
    event = json.loads(json.dumps(sample("01")))
    happened = format_time((NOW - age).astimezone(zone))
    event["time"] = happened
    event["data"] |= {"observedAt": happened, **data}
    (decision,) = decided([arrived(event)], now=NOW)
    assert decision.alerts
    return decision


@each_zone
@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(0), False),
        (timedelta(hours=9), False),
        (MAX_AGE, False),
        (MAX_AGE + timedelta(seconds=1), True),
        (timedelta(hours=80), True),
        (timedelta(days=400), True),
    ],
    ids=str,
)
def test_what_is_older_than_three_days_is_marked_late(zone, age, late):
    assert routed(age, zone).late is late


@pytest.mark.parametrize("severity", ["rendah", "kritis"])
def test_nobody_is_chased_at_night_for_a_late_event(severity):
    """No deadline: no reminder, nobody to escalate to; the same event of today has both."""
    late, today = (routed(age, severity=severity) for age in (timedelta(hours=80), timedelta(0)))
    for alert in late.alerts:
        assert "ackDueAt" not in alert.full["data"]
        assert "escalatesTo" not in alert.full["data"]
        assert alert.notice.ack_minutes is None
    assert any("ackDueAt" in alert.full["data"] for alert in today.alerts)


def test_the_same_recipients_learn_of_a_late_event():
    late, today = (
        {alert.notice.recipient.code for alert in routed(age).alerts}
        for age in (timedelta(hours=80), timedelta(0))
    )
    assert late == today


@pytest.mark.parametrize(
    "told", [1773105150, 1773105150000, "1773105150", "2026-03-10T23:58:00", "2026-03-10"]
)
@pytest.mark.parametrize("path", ["time", "observedAt", "reportedAt"])
def test_a_time_is_told_with_its_offset_or_not_taken(path, told):
    event = EXAMPLE | ({"time": told} if path == "time" else {})
    event |= {"data": EXAMPLE["data"] | ({} if path == "time" else {path: told})}
    verdict = admit(json.dumps(event).encode(), {EXAMPLE["source"]}, NOW)
    pointer = "/time" if path == "time" else f"/data/{path}"
    assert (verdict.reason, verdict.fields) == (Reason.SCHEMA_INVALID, (pointer,))


@each_zone
@pytest.mark.parametrize("fraction", [0, 1, 120_000])
def test_the_encoder_spells_a_time_as_we_do(zone, fraction):
    """Alerts and threads leave their times to it."""
    moment = NOW.replace(microsecond=fraction).astimezone(zone)
    assert orjson.loads(orjson.dumps(moment, option=orjson.OPT_UTC_Z)) == format_time(moment)
