"""Laws of admission: which reason, in which order, with which pointers; and never an exception."""

import copy
import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_ingest.admit import MAX_POINTERS, Admitted, Refused, admit, stored_bytes
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.reasons import Reason, Rule
from sinergi_shared.contracts.strict_json import body_digest
from tests.kit import pace

SAMPLES = Path(__file__).parents[2] / "deploy/samples"
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
SOURCE = EXAMPLE["source"]
KNOWN = frozenset({SOURCE})
PII_NOTE = {"text": "NIK 6171012345670001", "lang": "id", "screened": True}


def changed(path=(), value=None, **top):
    """The example event with one place changed; a value of ``...`` removes it."""
    document = copy.deepcopy(EXAMPLE) | top
    here = document
    for step in path[:-1]:
        here = here.setdefault(step, {}) if isinstance(here, dict) else here[step]
    if path and value is ...:
        del here[path[-1]]
    elif path:
        here[path[-1]] = value
    return document


def judge(document, now=NOW, known=KNOWN):
    body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    return admit(body, known, now)


def reason_of(document, **more):
    verdict = judge(document, **more)
    return (verdict.reason, verdict.rule, verdict.fields) if isinstance(verdict, Refused) else "admitted"


def test_the_example_is_admitted_under_its_thread():
    verdict = judge(EXAMPLE)
    assert isinstance(verdict, Admitted)
    assert verdict.thread_id == thread_id(SOURCE, "PRS-20260310-0001")


def test_the_stored_event_is_the_senders_but_for_the_partition_key():
    document = changed(
        ("data", "future"), {"x": [1, 2.5]}, dataschema="https://x.example/1-9-0.json", ext="a"
    )
    stored = json.loads(stored_bytes(judge(document)))
    assert stored == document | {"partitionkey": judge(document).thread_id}
    assert body_digest(stored) == body_digest(document)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (None, Rule.NULL_VALUE),
        (b"", Rule.JSON),
        (b'{"id":', Rule.JSON),
        (b"[]", Rule.NOT_OBJECT),
        (b'"text"', Rule.NOT_OBJECT),
        (b"\xff\xfe{}", Rule.UTF8),
        (b"\xef\xbb\xbf{}", Rule.JSON),
        (b'{"a":"\\ud800"}', Rule.UTF8),
        (b'{"a":1,"a":1}', Rule.DUPLICATE_KEY),
        (b'{"a":{"b":1,"b":2}}', Rule.DUPLICATE_KEY),
        (b'{"a":NaN}', Rule.NUMBER),
        (b'{"a":-Infinity}', Rule.NUMBER),
        (b'{"a":1e400}', Rule.NUMBER),
        (b'{"a":9007199254740993}', Rule.NUMBER),
        (b'{"a":1' + b"0" * 30 + b"}", Rule.NUMBER),
        (b'{"a":' + b"7" * 5000 + b"}", Rule.NUMBER),
        (b'{"a":"\\u0000"}', Rule.CONTROL),
        (b'{"a":"\xe2\x80\xae"}', Rule.CONTROL),
        (b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", Rule.DEPTH),
        (b"[" * 60_000, Rule.DEPTH),
        (b"{" + b",".join(b'"%d":0' % i for i in range(513)) + b"}", Rule.KEYS),
    ],
)
def test_bytes_that_are_no_strict_object_are_schema_invalid(body, rule):
    verdict = admit(body, KNOWN, NOW)
    assert isinstance(verdict, Refused)
    assert (verdict.reason, verdict.rule, verdict.unreadable) == (Reason.SCHEMA_INVALID, rule, True)


def test_over_64_kib_is_too_large_before_anything_is_read():
    assert admit(b"\xff" * 65_537, KNOWN, NOW).reason is Reason.TOO_LARGE
    assert admit(b"\xff" * 65_536, KNOWN, NOW).reason is Reason.SCHEMA_INVALID


# Each fault together with every later one: the first in the order of the contracts wins.
FAULTS_IN_ORDER = [
    ("ENVELOPE_INVALID", lambda d: d.update(id="not-a-uuid")),
    ("SOURCE_UNKNOWN", lambda d: d.update(source="urn:sinergi:sumber:orang:lain")),
    ("TYPE_UNSUPPORTED", lambda d: d.update(type="id.sinergi.movement.suspicious.v9")),
    ("VERSION_UNKNOWN", lambda d: d.update(dataschema="https://schema.sinergi.example/x/2-0-0.json")),
    ("PII_DETECTED", lambda d: d["data"]["people"].update(nik="6171012345670001")),
    ("PROFILE_FORBIDDEN", lambda d: d["data"]["indicators"].append({"code": "FORBIDDEN_PROFILE"})),
    ("SCHEMA_INVALID", lambda d: d["data"].update(severity="besar")),
    ("TIME_OUT_OF_RANGE", lambda d: d.update(time="2026-03-10T12:00:00+07:00")),
]


@pytest.mark.parametrize("first", range(len(FAULTS_IN_ORDER)), ids=[name for name, _ in FAULTS_IN_ORDER])
def test_the_first_fault_in_the_contracts_order_is_told(first):
    document = copy.deepcopy(EXAMPLE)
    for _, spoil in FAULTS_IN_ORDER[first:]:
        spoil(document)
    assert judge(document).reason == FAULTS_IN_ORDER[first][0]


@pytest.mark.parametrize(
    "name",
    ["specversion", "id", "source", "type", "subject", "datacontenttype", "dataschema", "partitionkey"],
)
def test_a_missing_attribute_is_named(name):
    assert reason_of(changed((name,), ...)) == (Reason.ENVELOPE_INVALID, Rule.ATTRIBUTE, (f"/{name}",))


@pytest.mark.parametrize(
    ("path", "value", "rule", "pointer"),
    [
        (("time",), ..., Rule.TIME, "/time"),
        (("time",), "2026-03-10T08:12:30", Rule.TIME, "/time"),
        (("time",), 1773105150, Rule.TIME, "/time"),
        (("time",), "1773105150000", Rule.TIME, "/time"),
        (("data", "observedAt"), 1773105150, Rule.TIME, "/data/observedAt"),
        (("data", "reportedAt"), "2026-03-10 08:12:30+07:00", Rule.TIME, "/data/reportedAt"),
        (("data",), ..., Rule.FIELD_MISSING, "/data"),
        (("data",), [], Rule.FIELD, "/data"),
        (("data", "severity"), ..., Rule.FIELD_MISSING, "/data/severity"),
        (("data", "people", "minors"), ..., Rule.FIELD_MISSING, "/data/people/minors"),
        (("data", "people", "minors"), "0", Rule.FIELD, "/data/people/minors"),
        (("data", "people", "minors"), True, Rule.FIELD, "/data/people/minors"),
        (("data", "situation"), "SOMETHING", Rule.FIELD, "/data/situation"),
        (("data", "extra"), 1, Rule.FIELD_UNKNOWN, "/data/extra"),
        (("data", "people", "extra"), 1, Rule.FIELD_UNKNOWN, "/data/people/extra"),
        (("data", "movement"), {"speedKmh": "fast"}, Rule.FIELD, "/data/movement/speedKmh"),
        (("data", "vehicles"), [{"ref": "veh_x"}], Rule.FIELD, "/data/vehicles/0/ref"),
        (
            ("data", "location"),
            {"kind": "land", "lat": "0.98", "lon": 110.3},
            Rule.FIELD,
            "/data/location/lat",
        ),
        (("data", "location"), {"kind": "land", "lat": 0.98}, Rule.FIELD, "/data/location"),
    ],
)
def test_a_faulty_field_is_schema_invalid_at_its_pointer(path, value, rule, pointer):
    assert reason_of(changed(path, value)) == (Reason.SCHEMA_INVALID, rule, (pointer,))


def test_exchanged_coordinates_are_refused_at_the_latitude():
    place = {"kind": "land", "lat": 110.348, "lon": 0.9835}
    assert reason_of(changed(("data", "location"), place))[2] == ("/data/location/lat",)


def test_every_faulty_field_is_told_up_to_a_bound():
    document = changed(("data",), {})
    assert "/data/eventNumber" in judge(document).fields
    assert "/data/indicators" in judge(document).fields
    many = changed(("data", "vehicles"), [{"ref": "x"}] * 60)
    assert len(judge(many).fields) == MAX_POINTERS


def test_an_unknown_major_may_be_sent_again_after_an_upgrade():
    assert judge(changed(type="id.sinergi.movement.suspicious.v2")).retryable
    assert judge(changed(dataschema="https://x.example/2-0-0.json")).retryable
    assert not judge(changed(type="com.example.other")).retryable


def test_an_unknown_field_of_a_newer_minor_is_kept():
    verdict = judge(changed(("data", "extra"), {"a": 1}, dataschema="https://x.example/1-2-0.json"))
    assert isinstance(verdict, Admitted)
    assert verdict.document["data"]["extra"] == {"a": 1}


def test_open_words_are_taken():
    assert reason_of(changed(("data", "needs"), ["something_new"])) == "admitted"
    assert reason_of(changed(("data", "movement"), {"mode": "becak"})) == "admitted"


@pytest.mark.parametrize(("minutes", "expected"), [(9, "admitted"), (10, "admitted"), (11, "refused")])
@pytest.mark.parametrize("path", [("time",), ("data", "observedAt")])
def test_a_clock_may_be_ten_minutes_ahead(minutes, expected, path):
    ahead = (NOW + timedelta(minutes=minutes)).isoformat()
    told = reason_of(changed(path, ahead))
    pointer = "/" + "/".join(path)
    assert told == (
        "admitted" if expected == "admitted" else (Reason.TIME_OUT_OF_RANGE, Rule.FUTURE_TIME, (pointer,))
    )


RISKS = [
    (("data", "danger"), True),
    (("data", "people"), {"count": 2, "minors": 1}),
    (("data", "needs"), ["medical"]),
    (("data", "situation"), "VICTIM_DISCLOSURE"),
]


@pytest.mark.parametrize(("path", "value"), RISKS, ids=["danger", "minor", "need", "situation"])
def test_a_person_at_risk_is_not_held_back_for_a_note(path, value):
    document = changed(path, value)
    document["data"]["note"] = PII_NOTE
    verdict = judge(document)
    assert isinstance(verdict, Admitted)
    assert verdict.note_withheld is Rule.NATIONAL_ID
    assert "note" not in verdict.document["data"]
    assert b"617101" not in stored_bytes(verdict)
    assert verdict.event.data.note is None


def test_a_note_is_refused_when_nobody_is_at_risk():
    told = reason_of(changed(("data", "note"), PII_NOTE))
    assert told == (Reason.PII_DETECTED, Rule.NATIONAL_ID, ("/data/note/text",))


def test_a_fault_beside_the_note_refuses_even_a_person_at_risk():
    document = changed(("data", "danger"), value=True)
    document["data"] |= {"note": PII_NOTE, "nik": "x"}
    assert judge(document).reason is Reason.PII_DETECTED


@pytest.mark.parametrize(
    "document",
    [
        changed(("data", "note"), PII_NOTE, id="no-uuid"),
        changed(("data", "nik"), "x", source="urn:sinergi:sumber:orang:lain"),
        changed(("data",), EXAMPLE["data"] | {"note": PII_NOTE, "danger": True, "severity": "besar"}),
        b'{"nik":"6171012345670001",',
        b'{"note":"hubungi 0812 3456 7890"',
    ],
    ids=["envelope", "source", "withheld note and a bad field", "broken with a key", "broken with a number"],
)
def test_a_payload_with_personal_data_is_never_kept_whatever_the_reason(document):
    verdict = judge(document)
    assert isinstance(verdict, Refused)
    assert verdict.reason is not Reason.PII_DETECTED
    assert not verdict.payload_kept


def test_a_payload_without_personal_data_is_kept():
    assert judge(changed(("data", "severity"), "besar")).payload_kept
    assert judge(b'{"id":').payload_kept


def test_the_samples_get_the_expected_reasons():
    files = [path.read_bytes() for path in sorted(SAMPLES.glob("0*.json"))]
    lines = (SAMPLES / "day_events.jsonl").read_bytes().splitlines()
    known = {json.loads(body)["source"] for body in files + lines}
    with (SAMPLES / "expected_rejections_day.csv").open() as rows:
        expected = {
            r["event_id"]: r["reason"] for r in csv.DictReader(rows) if r["disposition"] == "dead_letter"
        }
    verdicts = [judge(body, now=datetime(2026, 3, 11, tzinfo=UTC), known=known) for body in files + lines]
    refused = {v.claim.id: str(v.reason) for v in verdicts if isinstance(v, Refused)}
    assert refused == expected
    withheld = [v.claim.event_number for v in verdicts if isinstance(v, Admitted) and v.note_withheld]
    assert withheld == ["PRS-20260310-0266"]


MARKER = "Zz9Marker"


def places(value, path=()):
    yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, member in members:
        yield from places(member, (*path, step))


@pytest.mark.parametrize("path", [path for path in places(EXAMPLE) if path], ids=str)
def test_a_refusal_never_quotes_a_value(path):
    verdict = judge(changed(path, MARKER))
    assert MARKER not in repr(verdict) or isinstance(verdict, Admitted)


@pytest.mark.parametrize("key", ["Budi Santoso", "0812-3456-7890", "a/b~c", "x" * 60])
def test_a_key_that_is_no_field_name_is_not_quoted_in_a_pointer(key):
    verdict = judge(changed(("data", "people", key), 1))
    assert isinstance(verdict, Refused)
    assert verdict.fields == ("/data/people",)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def spoiled_events(draw):
    document = copy.deepcopy(EXAMPLE)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places(document) if path]))
        here = document
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = draw(json_values)
    return json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@given(st.binary(max_size=400) | spoiled_events())
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_a_verdict_and_never_an_exception(body):
    assert isinstance(admit(body, KNOWN, NOW), Admitted | Refused)


HOSTILE = {
    "quotes": b'"\\' * 32_768,
    "digits": b'{"x":"' + b"123456789012345 a" * 3800 + b'"}',
    "phones": b'{"x":"' + b"0 1 2 3 a" * 7000 + b'"}',
    "plates": b'{"x":"' + b"KB 1 " * 12_000 + b'"}',
    "separators": b'{"x":"' + b"0 ) " * 16_000 + b'"}',
    "decimals": b'{"x":"' + b"1." * 32_000 + b'"}',
    "hex": b'{"x":"' + b"0f" * 32_000 + b'"}',
    "strings": b'{"x":[' + b'"1a",' * 10_000 + b'"b"]}',
    "brackets": b"[" * 65_536,
    "wide": b'{"x":"' + "\uff11 \uff41".encode() * 9000 + b'"}',
    "keys": b'{"x":"' + b'"nik"' * 10_000,
    "mail": b'{"x":"' + b"a@" * 32_000 + b'"}',
    "amounts": b'{"x":"' + b"1.000.000," * 6_500 + b'"}',
    "groups": b'{"x":"' + b"123-" * 16_000 + b'"}',
    "announced": b'{"x":"' + b"ktp 1-2-3-4-5-6 " * 4_000 + b'"}',
    "brackets of mail": b'{"x":"' + b"a [at] " * 9_000 + b'"}',
    "digits in words": b'{"x":"' + b"satu dua tiga x " * 4_000 + b'"}',
    "letters as digits": b'{"x":"' + b"O1" * 32_000 + b'"}',
    "combining": b'{"x":"1' + "\u0332".encode() * 30_000 + b'"}',
    "ligatures": b'{"x":"' + "\ufdfa".encode() * 20_000 + b'"}',
    "references": b'{"x":"' + b"&#49; " * 10_000 + b'"}',
    "percent": b'{"x":"' + b"%31 " * 16_000 + b'"}',
    "clock times": b'{"x":"' + b"08.12-" * 10_000 + b'"}',
    "short strings": b'{"x":[' + b'"123456",' * 7_000 + b'"b"]}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_no_refusal_takes_over_50_ms(body):
    def refused_once():
        assert isinstance(admit(body[:65_536], KNOWN, NOW), Refused)

    assert pace.told(refused_once) < 0.05
