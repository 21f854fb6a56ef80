"""A source is silent after two intervals, once; any word of it ends that."""

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from sinergi_ingest.admit import Refused, admit
from sinergi_ingest.heartbeat import HEARTBEAT_TYPE, Beat, is_heartbeat, read_heartbeat, silent
from sinergi_ingest.records import files_record, silence_record, topics_record
from sinergi_ingest.vigil import Change, Vigil
from sinergi_ops.places import ROOT
from sinergi_shared.contracts.audit import AlarmKind
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Source

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
AHEAD = (NOW + timedelta(seconds=601)).isoformat()
URN = "urn:sinergi:sumber:imi-ent:tpi"
WATCHED = Source(urn=URN, heartbeatS=60)
UNWATCHED = Source(urn=URN)


@pytest.mark.parametrize(("now", "is_silent"), [(100.0, False), (219.9, False), (220.0, True), (9e9, True)])
def test_silence_begins_after_two_intervals(now, is_silent):
    assert silent(100.0, 60, now) is is_silent


def test_operators_are_told_once_and_told_when_it_is_over():
    vigil = Vigil(started=0.0)
    assert vigil.look([WATCHED], 119.9) == []
    assert vigil.look([WATCHED], 120.0) == [Change(URN, is_silent=True)]
    assert vigil.look([WATCHED], 500.0) == []
    vigil.heard(URN, 501.0)
    assert vigil.look([WATCHED], 502.0) == [Change(URN, is_silent=False)]
    assert vigil.look([WATCHED], 620.0) == []
    assert vigil.look([WATCHED], 621.0) == [Change(URN, is_silent=True)]


def test_a_source_that_leaves_the_directory_is_missed_no_more():
    vigil = Vigil(started=0.0)
    vigil.look([WATCHED], 120.0)
    assert vigil.look([], 121.0) == [Change(URN, is_silent=False)]


def test_nobody_is_expected_who_never_said_how_often_it_speaks():
    vigil = Vigil(started=0.0)
    assert vigil.look([UNWATCHED], 1e6) == []
    vigil.heard(URN, 1e6, interval_s=30)
    assert vigil.look([UNWATCHED], 1e6 + 60) == [Change(URN, is_silent=True)]


def test_a_source_cannot_talk_itself_out_of_being_watched():
    vigil = Vigil(started=0.0)
    vigil.heard(URN, 0.0, interval_s=86_400)
    assert vigil.look([WATCHED], 120.0) == [Change(URN, is_silent=True)]


def test_the_record_for_the_audit_fits_its_schema():
    schema = json.loads((ROOT / "deploy/schemas/alarm.json").read_text())
    for record in (
        silence_record(Change(URN, is_silent=True), NOW, 4),
        topics_record(URN, NOW, 4, missing=True),
        files_record(AlarmKind.DIRECTORY, NOW, 4, wrong=True),
        files_record(AlarmKind.CERTIFICATES, NOW, 4, wrong=False),
    ):
        jsonschema.Draft202012Validator(schema).validate(json.loads(record.value))
        assert record.topic == "sinergi.audit.v1"


def heartbeat(**data):
    return {
        "specversion": "1.0",
        "id": "019cd550-3750-7e84-a16f-91c183b034a5",
        "source": URN,
        "type": HEARTBEAT_TYPE,
        "time": NOW.isoformat(),
        "data": {"intervalS": 60, "at": NOW.isoformat()} | data,
    }


def judged(message):
    body = json.dumps(message).encode()
    refused = admit(body, {URN}, NOW)
    assert isinstance(refused, Refused)
    return read_heartbeat(body, refused, {URN}, NOW) if is_heartbeat(refused) else refused


def test_a_heartbeat_needs_no_event_number_and_is_no_event():
    beat = judged(heartbeat())
    assert isinstance(beat, Beat)
    assert (beat.source, beat.interval_s) == (URN, 60)
    assert isinstance(judged(heartbeat() | {"subject": "PRS-20260310-0001", "partitionkey": "x"}), Beat)


@pytest.mark.parametrize(
    ("message", "reason", "fields"),
    [
        (heartbeat(intervalS="60"), Reason.SCHEMA_INVALID, ("/data/intervalS",)),
        (heartbeat(intervalS=0), Reason.SCHEMA_INVALID, ("/data/intervalS",)),
        (heartbeat(at=1773108000), Reason.SCHEMA_INVALID, ("/data/at",)),
        (heartbeat(note="anything"), Reason.SCHEMA_INVALID, ("/data/note",)),
        (
            heartbeat() | {"time": AHEAD},
            Reason.TIME_OUT_OF_RANGE,
            ("/time",),
        ),
    ],
    ids=["text", "zero", "epoch", "unknown field", "clock ahead"],
)
def test_a_heartbeat_is_read_as_strictly_as_an_event(message, reason, fields):
    refused = judged(message)
    assert (refused.reason, refused.fields) == (reason, fields)


def test_personal_data_in_a_heartbeat_is_not_kept():
    refused = judged(heartbeat(nik="6171012345670001"))
    assert isinstance(refused, Refused)
    assert not refused.payload_kept


def test_a_heartbeat_of_an_unknown_source_is_of_nobody():
    refused = judged(heartbeat() | {"source": "urn:sinergi:sumber:orang:lain"})
    assert isinstance(refused, Refused)
