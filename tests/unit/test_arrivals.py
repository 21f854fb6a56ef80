"""What the router reads of ``sinergi.events.v1``: as long as an admitted event can be, not longer."""

import json
from types import SimpleNamespace

import pytest

from sinergi_ingest.admit import Admitted, admit, stored_bytes
from sinergi_router.arrivals import Unread, read_record
from sinergi_router.policy.facts import Arrived
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.contracts.strict_json import MAX_EVENT_BYTES, MAX_STORED_BYTES
from sinergi_shared.contracts.topics import EVENTS
from tests.kit.decisions import NOW, sample


def _record(value):
    at = int(NOW.timestamp() * 1000)
    return SimpleNamespace(
        topic=EVENTS, partition=0, offset=7, timestamp=at, key=b"?", value=value, headers=()
    )


def _event(**data):
    event = sample("01")
    event["dataschema"] = event["dataschema"].replace("1-0-0", "1-9-0")  # newer: keeps what it adds
    return event | {"data": event["data"] | data}


def test_the_longest_event_that_ingest_admits_is_read():
    body = json.dumps(_event()).encode()
    room = MAX_EVENT_BYTES - len(body) - len(', "numbers": []')
    numbers = b",".join([b"1e15"] * ((room + 1) // 5))
    body = json.dumps(_event(numbers=[])).encode().replace(b"[]", b"[%b]" % numbers, 1)
    assert MAX_EVENT_BYTES - 5 < len(body) <= MAX_EVENT_BYTES
    admitted = admit(body, {_event()["source"]}, NOW)
    assert isinstance(admitted, Admitted)
    stored = stored_bytes(admitted)
    assert len(stored) > 3 * MAX_EVENT_BYTES
    assert isinstance(read_record(_record(stored)), Arrived)


def test_a_longer_record_is_too_large_whatever_it_holds():
    for value in (b" " * (MAX_STORED_BYTES + 1), json.dumps(_event(pad="x" * MAX_STORED_BYTES)).encode()):
        unread = read_record(_record(value))
        assert isinstance(unread, Unread)
        assert unread.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(
    "dataschema",
    [
        "",
        "ngawur",
        "https://schema.sinergi.example/1-0.json",
        "x-1-0-0.json\n",
        "s/" + "9" * 5_000 + "-0-0.json",
        7,
        None,
    ],
)
def test_a_malformed_schema_beside_an_unknown_field_is_refused_and_stops_nobody(dataschema):
    event = _event(alamat="?") | {"dataschema": dataschema}
    unread = read_record(_record(json.dumps(event).encode()))
    assert isinstance(unread, Unread)
    assert unread.reason in {Reason.SCHEMA_INVALID, Reason.VERSION_UNKNOWN}
