"""Laws of requests and records around admission: cutting a body, and what is kept of a refusal."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest.admit import admit
from sinergi_ingest.problem import refused as problem_of
from sinergi_ingest.records import NOTE_WITHHELD, Origin, event_record, rejected_record, status_record
from sinergi_ingest.request_body import Form, NotAnArrayError, TooManyItemsError, form_of, items
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.contracts.rejected import RejectedEvent
from sinergi_shared.contracts.status import StatusEvent
from sinergi_shared.directory import Source

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
SOURCE = Source(urn=EXAMPLE["source"])
KNOWN = {SOURCE.urn}

json_objects = st.dictionaries(
    st.text(max_size=8), st.text(max_size=8) | st.integers() | st.lists(st.integers())
)


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ("application/cloudevents+json", Form.ONE),
        ("Application/CloudEvents+JSON; charset=UTF-8", Form.ONE),
        ("application/cloudevents-batch+json;x=y", Form.BATCH),
        ("APPLICATION/X-NDJSON", Form.LINES),
        ("Application/CAP+XML; charset=utf-8", Form.CAP),
        ("application/json", None),
        ("text/plain", None),
        (None, None),
    ],
)
def test_the_media_type_counts_in_any_case_and_with_any_parameters(told, form):
    assert form_of(told, binary=False) is form
    assert form_of(told, binary=True) is Form.BINARY


@given(st.lists(json_objects, max_size=6), st.sampled_from([None, 1]))
def test_a_batch_is_cut_into_its_elements(documents, indent):
    assert [
        json.loads(one) for one in items(Form.BATCH, json.dumps(documents, indent=indent).encode())
    ] == documents


@given(st.lists(json_objects, max_size=6), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_json_lines_are_cut_at_line_ends(documents, end):
    body = end.join(map(json.dumps, documents)).encode()
    assert [json.loads(one) for one in items(Form.LINES, body)] == documents


def test_a_broken_element_loses_none_of_the_others():
    body = b'[{"a":1}, {"b" 2}, x, {"c":"]"}]'
    assert items(Form.BATCH, body) == [b'{"a":1}', b'{"b" 2}', b"x", b'{"c":"]"}']


@pytest.mark.parametrize("body", [b"", b"{}", b"[", b"[1", b"[1]]", b"[1] 2", b"[}", b"[" * 40 + b"]" * 40])
def test_what_is_no_array_is_not_cut(body):
    with pytest.raises(NotAnArrayError):
        items(Form.BATCH, body)


def test_at_most_a_thousand_items():
    assert len(items(Form.LINES, b"{}\n" * 1000)) == 1000
    with pytest.raises(TooManyItemsError):
        items(Form.LINES, b"{}\n" * 1001)
    with pytest.raises(TooManyItemsError):
        items(Form.BATCH, b"[" + b"{}," * 1001 + b"{}]")


def refusal(body, **origin):
    verdict = admit(body, KNOWN, NOW)
    return verdict, Origin(SOURCE, body, NOW, **origin)


def kept(verdict, origin):
    return RejectedEvent.model_validate_json(rejected_record(verdict, origin, NOW, 4).value).data


def spoiled(**data):
    return json.dumps(EXAMPLE | {"data": EXAMPLE["data"] | data}).encode()


def test_an_admitted_event_goes_to_the_lane_of_its_thread():
    admitted = admit(json.dumps(EXAMPLE).encode(), KNOWN, NOW)
    record = event_record(admitted, 4)
    assert (record.topic, record.key) == (topics.EVENTS, admitted.thread_id.encode())
    assert record.partition == topics.lane_of(admitted.thread_id, 4)
    assert dict(record.headers)["content-type"] == b"application/cloudevents+json; charset=UTF-8"
    assert NOTE_WITHHELD not in dict(record.headers)


def test_a_withheld_note_is_marked_for_the_status():
    note = {"text": "0812 3456 7890", "lang": "id", "screened": True}
    record = event_record(admit(spoiled(danger=True, note=note), KNOWN, NOW), 4)
    assert dict(record.headers)[NOTE_WITHHELD] == b"true"


def test_a_refusal_is_kept_with_its_bytes_and_the_same_id_each_time():
    body = spoiled(severity="besar")
    verdict, origin = refusal(body)
    told = kept(verdict, origin)
    assert base64.b64decode(told.payload) == body
    assert told.payloadSha256 == hashlib.sha256(body).hexdigest()
    assert (told.reason, told.fields) == (Reason.SCHEMA_INVALID, ("/data/severity",))
    assert rejected_record(verdict, origin, NOW, 4) == rejected_record(verdict, origin, NOW, 4)
    assert rejected_record(verdict, origin, NOW, 4).key == SOURCE.urn.encode()


@pytest.mark.parametrize(
    "body",
    [spoiled(nik="6171012345670001"), b" " * 70_000, b'{"nik":"6171012345670001"'],
    ids=["personal data", "too large", "broken, with personal data"],
)
def test_bytes_that_may_not_be_kept_are_not_kept(body):
    verdict, origin = refusal(body, headers=(("ce_subject", b"x"),))
    told = kept(verdict, origin)
    assert (told.payload, told.payloadKept, told.headers) == (None, False, {})
    assert b"6171012345670001" not in rejected_record(verdict, origin, NOW, 4).value


def test_only_known_headers_are_kept():
    headers = (
        ("content-type", b"application/json"),
        ("ce_id", b"1"),
        ("x-name", b"Budi"),
        ("ce_id", b"9" * 300),
    )
    verdict, origin = refusal(b"{}", headers=headers, topic="t", partition=0, offset=5)
    told = kept(verdict, origin)
    assert told.headers == {"content-type": "application/json", "ce_id": "1"}
    assert (told.topic, told.partition, told.offset) == ("t", 0, 5)


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        (spoiled(severity="besar"), b"k", b"PRS-20260310-0001"),
        (b"{", b"my key", b"my key"),
        (b"{", None, b"0/5"),
        (b"{", b"x" * 999, b"0/5"),
    ],
    ids=["event number", "record key", "place", "a key too long"],
)
def test_a_kafka_sender_finds_its_refusal_by_key(body, key, expected):
    verdict, origin = refusal(body, key=key, topic="t", partition=0, offset=5)
    record = status_record(verdict, origin, NOW)
    assert (record.topic, record.key) == ("sinergi.status.v1.imi-ent.tpi", expected)
    assert StatusEvent.model_validate_json(record.value).data.reason is Reason.SCHEMA_INVALID


def test_every_reason_of_admission_says_what_to_do_in_both_languages():
    bodies = [b"{", b"{}", b" " * 70_000, spoiled(nik="x"), spoiled(severity="x")]
    for body in bodies:
        told = problem_of(admit(body, KNOWN, NOW))
        assert told.title
        assert told.titleEn
        assert told.detail
        assert told.detailEn
        assert told.type.endswith(told.reason)
