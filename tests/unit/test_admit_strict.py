"""Strictness of the contracts, sections 1 and 5: what other readers let pass, and where the limits lie."""

import copy
import json
from datetime import UTC, datetime, timedelta

import pytest

from sinergi_ingest.admit import Admitted, Refused, admit
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.reasons import Reason, Rule

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
KNOWN = frozenset({EXAMPLE["source"]})


def event(data=None, **envelope):
    made = copy.deepcopy(EXAMPLE) | envelope
    made["data"] |= data or {}
    return made


def judge(document):
    body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    return admit(body, KNOWN, NOW)


def refusal(document):
    verdict = judge(document)
    assert isinstance(verdict, Refused), "admitted"
    return verdict.reason, verdict.rule, verdict.fields


LOOSE_TIMES = {
    "small t": "2026-03-10t08:12:30+07:00",
    "small z": "2026-03-10T01:12:30z",
    "blank for T": "2026-03-10 08:12:30+07:00",
    "no offset": "2026-03-10T08:12:30",
    "offset without a colon": "2026-03-10T08:12:30+0700",
    "offset of hours": "2026-03-10T08:12:30+07",
    "offset over a day": "2026-03-10T08:12:30+25:00",
    "offset of sixty minutes": "2026-03-10T08:12:30+07:60",
    "no seconds": "2026-03-10T08:12+07:00",
    "basic form": "20260310T081230+07:00",
    "comma in the seconds": "2026-03-10T08:12:30,5+07:00",
    "ten decimals": "2026-03-10T08:12:30.1234567890+07:00",
    "week date": "2026-W11-2T08:12:30+07:00",
    "day of the year": "2026-069T08:12:30+07:00",
    "hour 24": "2026-03-09T24:00:00+07:00",
    "leap second": "2026-03-09T23:59:60Z",
    "no such day": "2026-02-30T08:12:30+07:00",
    "full-width digit": "\uff12026-03-10T08:12:30+07:00",
    "blank before": " 2026-03-10T08:12:30+07:00",
    "line end behind": "2026-03-10T08:12:30+07:00\n",
    "epoch seconds": 1773105150,
    "epoch with a fraction": 1773105150.5,
    "epoch as text": "1773105150",
    "epoch in milliseconds": "1773105150000",
    "true": True,
    "nothing": None,
    "a list": [2026, 3, 10],
}


@pytest.mark.parametrize("value", LOOSE_TIMES.values(), ids=LOOSE_TIMES)
def test_a_loose_time_is_refused_in_every_place(value):
    assert refusal(event(time=value)) == (Reason.SCHEMA_INVALID, Rule.TIME, ("/time",))
    for name in ("observedAt", "reportedAt"):
        assert refusal(event({name: value})) == (Reason.SCHEMA_INVALID, Rule.TIME, (f"/data/{name}",))


@pytest.mark.parametrize("value", [value for value in LOOSE_TIMES.values() if value is not None], ids=repr)
def test_a_loose_recorded_time_is_a_malformed_attribute(value):
    assert refusal(event(recordedtime=value))[::2] == (Reason.ENVELOPE_INVALID, ("/recordedtime",))


@pytest.mark.parametrize(
    "text", ["2026-03-10T08:12:30+07:00", "2026-03-10T01:12:30Z", "2026-03-10T01:12:30.5-00:00"]
)
def test_a_time_with_an_offset_is_read_as_it_stands(text):
    assert isinstance(judge(event(time=text)), Admitted)
    assert parse_time(text) - datetime(2026, 3, 10, 1, 12, 30, tzinfo=UTC) <= timedelta(seconds=0.5)


@pytest.mark.parametrize("offset", ["Z", "+00:00"])
def test_digits_beyond_microseconds_are_cut_off(offset):
    read = parse_time(f"2026-03-10T01:12:30.123456789{offset}")
    assert read == datetime(2026, 3, 10, 1, 12, 30, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"{} {}", Rule.JSON),
        (b'{"a":1,}', Rule.JSON),
        (b"{'a':1}", Rule.JSON),
        (b'{"a":01}', Rule.JSON),
        (b'{"a":+1}', Rule.JSON),
        (b'{"a":.5}', Rule.JSON),
        (b'{"a":1.}', Rule.JSON),
        (b'{"a":0x10}', Rule.JSON),
        (b'{"a":"\t"}', Rule.JSON),
        (b'{/* */"a":1}', Rule.JSON),
        (b'{"\\u0061":1,"a":2}', Rule.DUPLICATE_KEY),
        (b'{"a":[{"b":1,"b":1}]}', Rule.DUPLICATE_KEY),
        (b'{"a":Infinity}', Rule.NUMBER),
        (b'{"a":-1e999}', Rule.NUMBER),
        (b'{"\\ud800":1}', Rule.UTF8),
        (b'{"a":"\xed\xa0\x80"}', Rule.UTF8),
        (b'{"a":"\xc0\xaf"}', Rule.UTF8),
        (b'{"a":"\\u007f"}', Rule.CONTROL),
        (b'{"a":"\\u200b"}', Rule.CONTROL),
        (b'{"\\u202e":1}', Rule.CONTROL),
        (b"null", Rule.NOT_OBJECT),
        (b"1", Rule.NOT_OBJECT),
    ],
)
def test_what_other_readers_let_pass_is_unreadable_here(body, rule):
    verdict = judge(body)
    assert (verdict.reason, verdict.rule, verdict.unreadable) == (Reason.SCHEMA_INVALID, rule, True)


@pytest.mark.parametrize("text", ["\u00e9\u4e2d", "\U0001f6a8", "a\tb", "line\nend", "pasal \u00a7 5"])
def test_ordinary_text_of_any_script_is_no_control_mark(text):
    assert isinstance(judge(event({"note": {"text": text, "lang": "id", "screened": True}})), Admitted)


def nested(levels):
    """Nested under ``data``, which is the second level itself."""
    inner = 1
    for _ in range(levels - 2):
        inner = {"a": inner}
    return event({"new": inner}, dataschema="https://x.example/1-9-0.json")


def with_keys(number):
    made = event(dataschema="https://x.example/1-9-0.json")
    body = json.dumps(made)
    more = number - body.count('":')
    return event({f"k{n}": 0 for n in range(more)}, dataschema="https://x.example/1-9-0.json")


def of_size(size):
    made = event({"new": ""}, dataschema="https://x.example/1-9-0.json")
    return json.dumps(
        event({"new": "x" * (size - len(json.dumps(made)))}, dataschema=made["dataschema"])
    ).encode()


@pytest.mark.parametrize(
    ("most", "over", "reason"),
    [
        (nested(32), nested(33), (Reason.SCHEMA_INVALID, Rule.DEPTH)),
        (with_keys(512), with_keys(513), (Reason.SCHEMA_INVALID, Rule.KEYS)),
        (of_size(65_536), of_size(65_537), (Reason.TOO_LARGE, Rule.SIZE)),
    ],
    ids=["depth", "keys", "size"],
)
def test_each_limit_holds_to_the_last_one(most, over, reason):
    assert isinstance(judge(most), Admitted)
    assert refusal(over)[:2] == reason


@pytest.mark.parametrize("version", ["1-0-0", "1-0-9", "1-1-0"])
def test_an_unknown_field_is_refused_under_a_minor_that_we_know(version):
    told = refusal(event({"new": 1}, dataschema=f"https://x.example/{version}.json"))
    assert told == (Reason.SCHEMA_INVALID, Rule.FIELD_UNKNOWN, ("/data/new",))


def test_an_unknown_field_is_kept_under_a_newer_minor_and_screened_in_both():
    newer = "https://x.example/1-2-0.json"
    assert judge(event({"new": {"a": [1]}}, dataschema=newer)).document["data"]["new"] == {"a": [1]}
    for version in ("1-0-0", "1-2-0"):
        hidden = event(
            {"new": {"a": ["6171 0115 0390 0017"]}}, dataschema=f"https://x.example/{version}.json"
        )
        assert refusal(hidden) == (Reason.PII_DETECTED, Rule.NATIONAL_ID, ("/data/new/a/0",))


def test_words_that_a_newer_minor_may_add_are_kept_and_a_situation_is_not():
    assert isinstance(judge(event({"needs": ["later"], "movement": {"mode": "balon"}})), Admitted)
    assert refusal(event({"situation": "LATER"}))[2] == ("/data/situation",)


def test_an_extension_attribute_is_kept_when_its_name_is_one():
    assert judge(event(tenant="a")).document["tenant"] == "a"
    for name in ("data_base64", "camelCase", "with-dash", "\u00e9"):
        assert refusal(event(**{name: "eA=="}))[0] is Reason.ENVELOPE_INVALID


def test_an_extension_attribute_is_screened():
    assert refusal(event(tenant="081234567890")) == (Reason.PII_DETECTED, Rule.PHONE, ("/tenant",))
    assert refusal(event(nama="x")) == (Reason.PII_DETECTED, Rule.KEY_FORBIDDEN, ("/nama",))
