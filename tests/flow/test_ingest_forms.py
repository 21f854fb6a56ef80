"""The other forms at the HTTP door: binary mode, gzip, CAP; each ends like a structured event."""

import asyncio
import copy
import gzip
import json
import os
import time
import tracemalloc
import zlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest import binary, inflate
from sinergi_ingest.admit import Admitted, admit
from sinergi_ingest.records import Origin
from sinergi_ingest.request_body import MAX_REQUEST_BYTES
from sinergi_ingest.submitted import event_bytes
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.strict_json import body_digest
from tests.flow.test_ingest_http import KEY, LINES, NOW, ONE, Door
from tests.kit.cap_messages import info, message

CAP = "application/cap+xml"


@pytest.fixture
async def door():
    opened = Door()
    yield opened
    await opened.client.aclose()


def headers_of(event, prefix, encoded):
    told = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
    return {f"{prefix}{name}": encoded(value) for name, value in told.items()}


def in_binary(event):
    """The event's headers and body in binary mode over HTTP."""
    return headers_of(event, "ce-", lambda value: quote(str(value), safe="")), json.dumps(
        event["data"]
    ).encode()


async def post_binary(door, event, media="application/json", **more):
    headers, body = in_binary(event)
    return await door.post(body, media=media, **headers, **more)


async def test_a_binary_event_is_stored_like_a_structured_one(door):
    assert (await post_binary(door, EXAMPLE)).status_code == 202
    assert (await door.post(EXAMPLE)).status_code == 202
    first, second = door.producer.values(topics.EVENTS)
    assert body_digest(first) == body_digest(second)


async def test_a_binary_event_is_checked_too(door):
    assert (await post_binary(door, EXAMPLE, path="/v1/events:check")).status_code == 200
    assert door.producer.sent == []


class Record:
    """A Kafka record in binary mode."""

    def __init__(self, headers, value):
        self.headers = headers
        self.value = value


FAULTS = st.sampled_from(
    [
        {},
        {"id": "besar"},
        {"source": "urn:sinergi:sumber:orang:lain"},
        {"type": "id.sinergi.movement.suspicious.v9"},
        {"dataschema": "https://x.example/2-0-0.json"},
        {"time": "kemarin"},
        {"subject": "peristiwa"},
        {"baru": 'tambahan é % " \\'},
        {"data": EXAMPLE["data"] | {"severity": "besar"}},
        {"data": EXAMPLE["data"] | {"nik": "6171012345670001"}},
        {"data": []},
        {"data": None},
    ]
)


@given(FAULTS, st.dictionaries(st.from_regex(r"[a-z]{3,9}x", fullmatch=True), st.text(max_size=20)))
def test_binary_and_structured_of_one_event_have_one_verdict(fault, extensions):
    event = copy.deepcopy(EXAMPLE) | extensions | fault
    expected = admit(json.dumps(event).encode(), {EXAMPLE["source"]}, NOW)
    headers, body = in_binary(event) if _sendable(event) else ({}, b"")
    if not headers:
        return
    typed = [("content-type", b"application/json")]
    http = binary.from_http([*((name, value.encode()) for name, value in headers.items()), *typed], body)
    plain = headers_of(event, "ce_", lambda value: str(value).encode())
    kafka = event_bytes(Record([*plain.items(), *typed], body))
    for found in (admit(http, {EXAMPLE["source"]}, NOW), admit(kafka, {EXAMPLE["source"]}, NOW)):
        assert type(found) is type(expected)
        if isinstance(found, Admitted):
            assert (found.document, found.thread_id) == (expected.document, expected.thread_id)
            assert body_digest(found.document) == body_digest(expected.document)
        else:
            assert (found.reason, found.rule, found.fields) == (
                expected.reason,
                expected.rule,
                expected.fields,
            )


def _sendable(event):
    return all(isinstance(value, str) for name, value in event.items() if name != "data")


@pytest.mark.parametrize(
    ("headers", "body", "rule"),
    [
        ([("ce-id", b"a"), ("CE-ID", b"b")], b"{}", "DUPLICATE_KEY"),
        ([("ce-id", b"%ff")], b"{}", "UTF8"),
        ([("ce-id", b"\xff")], b"{}", "UTF8"),
        ([("ce-id", b"%00")], b"{}", "CONTROL"),
        ([("ce-data", b"a")], b"{}", "DUPLICATE_KEY"),
        ([("ce-id", b"a")], b'{},"source":"x"', "JSON"),
        ([("ce-id", b"a")], b'{}}{"a":{}', "JSON"),
        ([("ce-id", b"a")], b"", "JSON"),
        ([("ce-id", b"a")], b'{"a":NaN}', "NUMBER"),
        ([("ce-id", b"a")], b"[" * 9_000, "DEPTH"),
        ([("ce-id", b"a")], b"{" + b" " * 70_000 + b"}", "SIZE"),
    ],
    ids=str,
)
def test_binary_mode_is_read_as_strictly(headers, body, rule):
    for prefix, put in (("-", binary.from_http), ("_", binary.from_kafka)):
        if b"%" in headers[0][1] and prefix == "_":
            continue
        named = [(name.replace("-", prefix), value) for name, value in headers]
        verdict = admit(put(named, body), {EXAMPLE["source"]}, NOW)
        assert verdict.rule == rule


@pytest.mark.parametrize("media", [ONE, LINES, "application/cap+xml"])
async def test_gzip_is_inflated(door, media):
    body = message() if media == CAP else json.dumps(EXAMPLE).encode()
    packed = await door.post(gzip.compress(body), media=media, **{"content-encoding": "GZIP"})
    plain = await door.post(body, media=media)
    assert packed.status_code == plain.status_code
    first, second = door.producer.values(topics.EVENTS)
    assert first == second


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "compress", ""])
async def test_another_encoding_is_not_read_and_told_which_is(door, encoding):
    answer = await door.post(gzip.compress(b"{}"), **{"content-encoding": encoding})
    assert (answer.status_code, answer.json()["reason"]) == (415, "MEDIA_UNSUPPORTED")
    assert answer.headers["accept-encoding"] == "gzip"


WHOLE = gzip.compress(json.dumps(EXAMPLE).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", WHOLE[:-1], WHOLE[:40], WHOLE + b"x", WHOLE + WHOLE, WHOLE[:30] + b"\0" + WHOLE[31:],
        zlib.compress(b"{}"), gzip.compress(b"") * 1_000, os.urandom(400),
    ],
    ids=["empty", "plain", "cut", "cut early", "more", "twice", "damaged", "zlib", "many", "noise"],
)  # fmt: skip
async def test_what_is_not_one_gzip_stream_is_refused(door, body):
    answer = await door.post(body, **{"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["rule"]) == (400, "ENCODING")
    assert door.producer.sent == []


def bomb(megabytes):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(b" " * 1_048_576) for _ in range(megabytes)) + packer.flush()


async def test_a_bomb_costs_no_more_than_the_bound_and_stops_nobody(door):
    body = bomb(64)  # 64 KB that would be 64 MB
    await door.post(gzip.compress(b"{}"), **{"content-encoding": "gzip"})
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    tracemalloc.start()
    began = time.process_time()
    answer = await door.post(body, **{"content-encoding": "gzip"})
    spent = time.process_time() - began
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    beside.cancel()
    assert (answer.status_code, answer.json()["reason"]) == (413, "TOO_LARGE")
    assert most < 4 * MAX_REQUEST_BYTES
    assert spent < 1
    assert turns >= MAX_REQUEST_BYTES // inflate.SLICE


@given(st.binary(max_size=2_000), st.integers(1, 50), st.integers(0, 3_000))
def test_cutting_a_stream_anywhere_changes_nothing(body, step, bound):
    packed = gzip.compress(body)

    def inflated(chunks):
        stream, out = inflate.Inflater(bound), b""
        try:
            for chunk in chunks:
                out += b"".join(stream.feed(chunk))
            stream.end()
        except inflate.TooLongError:
            return None
        return out

    cut = [packed[at : at + step] for at in range(0, len(packed), step)]
    assert inflated(cut) == inflated([packed]) == (body if len(body) <= bound else None)


async def test_a_cap_message_is_stored_under_its_senders_source(door):
    answer = await door.post(message(), media="Application/CAP+XML; charset=utf-8", key=KEY)
    assert answer.status_code == 202
    [stored] = door.producer.values(topics.EVENTS)
    assert answer.json()["eventNumber"] == stored["data"]["eventNumber"]
    assert stored["source"] == EXAMPLE["source"]


async def test_a_refused_cap_message_is_told_and_kept_with_its_place(door):
    answer = await door.post(message([info(severity="Unknown")], sender="gempa"), media=CAP)
    assert (answer.status_code, answer.json()["pointers"]) == (422, ["/alert/info[1]/severity"])
    [kept] = door.producer.values(topics.REJECTED)
    assert (kept["data"]["reason"], kept["data"]["fields"]) == ("SCHEMA_INVALID", ["/alert/info[1]/severity"])


async def test_a_doctype_is_told_in_words_of_xml(door):
    answer = await door.post(b"<!DOCTYPE a><alert/>", media=CAP)
    assert (answer.status_code, answer.json()["rule"]) == (400, "DOCTYPE")
    assert "CAP 1.2" in answer.json()["title"]


WRAPPED = (
    b'<alerts xmlns="urn:oasis:names:tc:emergency:cap:1.2">' + message().split(b"\n", 1)[1] * 2 + b"</alerts>"
)


@pytest.mark.parametrize("body", [message() * 2, message().split(b"\n", 1)[1] * 2, WRAPPED])
async def test_several_cap_alerts_in_one_body_are_refused_and_told_to_come_one_by_one(door, body):
    """CAP has no batch: which of them was taken, a sender could not be told."""
    answer = await door.post(body, media=CAP)
    assert (answer.status_code, answer.json()["reason"], answer.json()["rule"]) == (
        400,
        "SCHEMA_INVALID",
        "XML",
    )
    assert "one alert" in answer.json()["detailEn"]
    assert door.producer.values(topics.EVENTS) == []


async def test_a_cap_alert_in_a_batch_of_events_is_refused_alone(door):
    wrapped = json.dumps([EXAMPLE, message().decode()]).encode()
    answer = await door.post(wrapped, media="application/cloudevents-batch+json")
    assert [item["status"] for item in answer.json()["items"]] == [202, 400]


def from_kafka(door, body, *headers):
    source = door.directory.source(EXAMPLE["source"])
    told = tuple((name, value) for name, value in headers)
    return [Origin(source, body or b"", NOW, told, topic="t", partition=0, offset=0)], [
        event_bytes(Record(told, body))
    ]


AS_CAP = ("content-type", b"Application/CAP+xml; charset=utf-8")


async def test_a_cap_alert_by_kafka_is_the_same_event_as_by_http(door):
    await door.post(message(), media=CAP)
    await door.intake.take_submitted(*from_kafka(door, message(), AS_CAP))
    first, second = door.producer.values(topics.EVENTS)
    assert first == second


async def test_a_refused_cap_alert_by_kafka_is_told_with_its_place_in_the_xml(door):
    bad = message([info(severity="Unknown")])
    await door.intake.take_submitted(*from_kafka(door, bad, AS_CAP))
    assert door.producer.values(topics.EVENTS) == []
    [status] = door.producer.values(topics.status("imi-ent.tpi"))
    assert (status["data"]["reason"], status["data"]["fields"]) == (
        "SCHEMA_INVALID", ["/alert/info[1]/severity"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "headers", "rule"),
    [
        (message() * 2, [AS_CAP], "XML"),
        (None, [AS_CAP], "NULL_VALUE"),
        (message(), [AS_CAP, ("ce_id", b"x")], None),  # attributes beside: an event in binary mode
        (message(), [], None),
    ],
    ids=["two", "nothing", "binary mode", "of no type"],
)
async def test_what_is_not_one_cap_alert_by_kafka_is_refused(door, body, headers, rule):
    await door.intake.take_submitted(*from_kafka(door, body, *headers))
    assert door.producer.values(topics.EVENTS) == []
    [status] = door.producer.values(topics.status("imi-ent.tpi"))
    assert rule in {None, status["data"].get("rule")}
