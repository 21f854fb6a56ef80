"""The gate, whole, in memory: limits, rates, test keys, signatures, heartbeats, a directory that changes."""

import asyncio
import gzip
import json
from base64 import b64encode
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from sinergi_ingest import patience
from sinergi_ingest.heartbeat import HEARTBEAT_TYPE
from sinergi_ingest.land import read_land
from sinergi_ingest.records import Origin
from sinergi_ops.places import PACK
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.directory import Directory
from sinergi_shared.region.pack import read_pack
from tests.flow.test_ingest_http import DIRECTORY, KEY, LINES, NOW, ONE, OTHER, Door, event
from tests.kit.cap_messages import info, message, parameters

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HEARTBEAT = {
    "specversion": "1.0",
    "id": "019cd550-3750-7e84-a16f-91c183b034a5",
    "source": EXAMPLE["source"],
    "type": HEARTBEAT_TYPE,
    "time": NOW.isoformat(),
    "data": {"intervalS": 60, "at": NOW.isoformat()},
}


@pytest.fixture
async def door():
    opened = Door()
    yield opened
    await opened.client.aclose()


def limited(key=None, **more):
    """The directory with the first source held to these limits, its key to those."""
    first, second = DIRECTORY.sources
    entry = first.keys[0].model_dump(mode="json", exclude_none=True) | (key or {})
    told = {"urn": first.urn, "keys": [entry]} | more
    return Directory.model_validate({"sources": [told, second.model_dump()], "recipients": {}})


ABROAD = {"kind": "abroad"}


@pytest.mark.parametrize(
    ("limits", "data", "pointers"),
    [
        ({"areas": ["61.03"]}, {"adminCode": "61.03.21"}, None),
        ({"areas": ["61.03"]}, {"adminCode": "61.03"}, None),
        ({"areas": ["61.03"]}, {}, None),
        ({"areas": ["61.03"]}, {"adminCode": "61"}, ["/data/location/adminCode"]),
        ({"areas": ["61.03"]}, {"adminCode": "61.01.02"}, ["/data/location/adminCode"]),
        ({"places": ["PLBN-ENT"]}, {}, None),
        ({"places": ["PLBN-ARK"]}, {}, ["/data/location/placeCode"]),
        ({"places": ["PLBN-ENT"]}, ABROAD | {"handoverPlaceCode": "PLBN-ENT"}, None),
        (
            {"places": ["PLBN-ENT"]},
            ABROAD | {"handoverPlaceCode": "PLBN-ARK"},
            ["/data/location/handoverPlaceCode"],
        ),
        ({"situations": ["TPPO_AT_POST"]}, {}, None),
        ({"situations": ["SEA_LANDING"]}, {}, ["/data/situation"]),
        (
            {"situations": ["SEA_LANDING"], "areas": ["61.01"]},
            {"adminCode": "61.03"},
            ["/data/situation", "/data/location/adminCode"],
        ),
    ],
    ids=str,
)
async def test_a_limited_source_speaks_of_its_own_areas_and_situations_only(door, limits, data, pointers):
    door.directory = limited(**limits)
    location = {"kind": "post", "placeCode": "PLBN-ENT"} | data
    answer = await door.post(event(location=location))
    if pointers is None:
        assert answer.status_code == 202
    else:
        assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_ALLOWED")
        assert answer.json()["pointers"] == pointers
        assert door.producer.sent == []


ENTIKONG = {"lat": 0.9835, "lon": 110.348}  # in 61.03.21
PONTIANAK = {"lat": -0.026, "lon": 109.342}  # in 61.71
TEBEDU = {"lat": 1.005, "lon": 110.36}  # in Sarawak
POINT = ["/data/location/lat", "/data/location/lon"]
ADMIN, PLACE, HANDOVER = (
    "/data/location/adminCode",
    ["/data/location/placeCode"],
    ["/data/location/handoverPlaceCode"],
)


@pytest.fixture(scope="module")
def land():
    return read_land(read_pack(PACK))


@pytest.mark.parametrize(
    ("data", "pointers"),
    [
        (ENTIKONG, None),
        (ENTIKONG | {"kind": "inland"}, None),
        (TEBEDU, None),
        (TEBEDU | ABROAD | {"handoverPlaceCode": "PLBN-ENT"}, None),
        (PONTIANAK, POINT),
        (PONTIANAK | {"kind": "inland", "adminCode": "61.03"}, POINT),
        (PONTIANAK | {"adminCode": "61.71"}, ["/data/location/adminCode", *POINT]),
        (PONTIANAK | {"accuracyM": 200_000}, None),
        ({"placeCode": "PLBN-ARK"}, PLACE),
        ({"kind": "inland", "placeCode": "TWN-PTK"}, PLACE),
        ({"placeCode": "PLBN-NEW"}, None),
        (ABROAD | {"handoverPlaceCode": "PLBN-ENT"}, None),
        (ABROAD | {"handoverPlaceCode": "PLBN-ARK"}, HANDOVER),
        (ABROAD | {"handoverPlaceCode": "PLBN-NEW"}, None),
        (PONTIANAK | {"placeCode": "PLBN-ARK", "adminCode": "61.01"}, [ADMIN, *PLACE, *POINT]),
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["one", "lines", "check", "kafka"])
async def test_a_limited_source_names_nothing_in_anothers_area_by_any_way(door, land, way, data, pointers):
    door.directory, door.land = limited(areas=["61.03"]), land
    told = event(location={"kind": "post", "placeCode": "PLBN-ENT"} | data)
    if way == "kafka":
        await door.intake.take_submitted(*submitted(told))
        refusals = [one["data"] for one in door.producer.values(topics.status(DIRECTORY.sources[0].name))]
        found = [(one["reason"], one["fields"]) for one in refusals]
        assert found == ([("SOURCE_UNKNOWN", pointers)] if pointers else [])
    elif way == "lines":
        (item,) = (await door.post(json.dumps(told).encode(), media=LINES)).json()["items"]
        found = item.get("problem", item)
        assert item["status"] == (403 if pointers else 202)
        assert pointers is None or (found["reason"], found["pointers"]) == ("NOT_ALLOWED", pointers)
    else:
        answer = await door.post(told, path="/v1/events" if way == "one" else "/v1/events:check")
        assert answer.status_code == (403 if pointers else 202 if way == "one" else 200)
        found = answer.json()
        assert pointers is None or (found["reason"], found["pointers"]) == ("NOT_ALLOWED", pointers)
    stored = 0 if pointers or way == "check" else 1
    assert len(door.producer.values(topics.EVENTS)) == stored


CAP = "application/cap+xml"
AWAY = {"sinergi.locationKind": "abroad"}


def circle(told):
    return f"<area><areaDesc>di sini</areaDesc><circle>{told}</circle></area>"


@pytest.mark.parametrize(
    ("area", "named", "pointers"),
    [
        (circle("0.9835,110.348 0.1"), {}, None),
        (circle("-0.026,109.342 0.1"), {}, POINT),
        ("", {"sinergi.placeCode": "PLBN-ENT"}, None),
        ("", {"sinergi.placeCode": "PLBN-ARK"}, PLACE),
        ("", AWAY | {"sinergi.handoverPlaceCode": "PLBN-ENT"}, None),
        ("", AWAY | {"sinergi.handoverPlaceCode": "PLBN-ARK"}, HANDOVER),
    ],
    ids=str,
)
@pytest.mark.parametrize("way", ["http", "kafka"])
async def test_a_limited_source_names_nothing_in_anothers_area_by_cap(door, land, way, area, named, pointers):
    door.directory, door.land = limited(areas=["61.03"]), land
    told = message([info(area=area, parameters=parameters(named))])
    if way == "kafka":
        await door.intake.take_submitted(*submitted(told, headers=(("content-type", CAP.encode()),)))
        refusals = [one["data"] for one in door.producer.values(topics.status(DIRECTORY.sources[0].name))]
        found = [(one["reason"], one["fields"]) for one in refusals]
        assert found == ([("SOURCE_UNKNOWN", pointers)] if pointers else [])
    else:
        answer = await door.post(told, media=CAP)
        assert answer.status_code == (403 if pointers else 202)
        assert pointers is None or answer.json()["pointers"] == pointers
    assert len(door.producer.values(topics.EVENTS)) == (0 if pointers else 1)


async def test_a_source_of_kafka_is_held_to_its_own_areas_beside_another_in_the_same_batch(door, land):
    door.land = land
    first, second = (
        source.model_copy(update={"areas": frozenset({area})})
        for source, area in zip(DIRECTORY.sources, ("61.03", "61.71"), strict=True)
    )
    door.directory = Directory(sources=(first, second), recipients={})
    here, there = ({"kind": "inland"} | point for point in (ENTIKONG, PONTIANAK))
    origins, raw = [], []
    for place in (here, there):
        for source in (first, second):
            more = submitted(event(location=place) | {"source": source.urn}, source=source)
            origins += more[0]
            raw += more[1]
    await door.intake.take_submitted(origins, raw)
    stored = [(one["source"], one["data"]["location"]["lat"]) for one in door.producer.values(topics.EVENTS)]
    assert sorted(stored) == sorted([(first.urn, ENTIKONG["lat"]), (second.urn, PONTIANAK["lat"])])


async def test_one_item_that_may_not_be_said_loses_none_of_the_others(door):
    door.directory = limited(situations=["TPPO_AT_POST"])
    bodies = [event(), event(situation="SEA_LANDING"), event(), HEARTBEAT]
    answer = await door.post("\n".join(map(json.dumps, bodies)).encode(), media=LINES)
    assert [item["status"] for item in answer.json()["items"]] == [202, 403, 202, 202]


@pytest.mark.parametrize("status", ["Actual", "Exercise", "Test"])
async def test_a_test_key_sends_tests_and_refuses_all_else_with_a_reason(door, status):
    door.directory = limited({"scopes": ["send", "check", "test"]})
    answer = await door.post(event(status=status))
    if status == "Test":
        assert answer.status_code == 202
        return
    told = answer.json()
    assert (answer.status_code, told["reason"], told["pointers"]) == (403, "NOT_ALLOWED", ["/data/status"])
    assert "test key" in told["titleEn"]
    assert door.producer.sent == []


async def test_a_key_does_what_its_scopes_say(door):
    door.directory = limited({"scopes": ["check"]})
    assert (await door.post(event(), path="/v1/events:check")).status_code == 200
    answer = await door.post(event())
    assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_ALLOWED")


async def test_a_rate_is_told_with_the_seconds_to_wait_and_holds_up_no_other_source(door):
    door.directory = limited(rate={"perSecond": 0.1, "burst": 2})
    answers = [await door.post(event()) for _ in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 429]
    told = answers[2].json()
    assert (told["reason"], told["retryable"], told["retryAfterS"]) == ("RATE_LIMITED", True, 10)
    assert answers[2].headers["retry-after"] == "10"
    other = event() | {"source": OTHER}
    assert (await door.post(other, key="sng_two_" + "b" * 24)).status_code == 202
    assert door.counted("sinergi_ingest_turned_away_total", reason="RATE_LIMITED") == 1
    # While it lasts not a byte of a body is read.
    assert (await door.post(b"x" * 9, media="text/plain")).status_code == 429


async def test_a_large_batch_is_taken_whole_and_then_paid_for(door):
    door.directory = limited(rate={"perSecond": 1, "burst": 5})
    body = "\n".join(json.dumps(event()) for _ in range(30)).encode()
    answer = await door.post(body, media=LINES)
    assert {item["status"] for item in answer.json()["items"]} == {202}
    assert (await door.post(event())).json()["retryAfterS"] == 26


async def test_keys_that_leave_the_directory_are_refused_from_the_next_request_on(door):
    assert (await door.post(event())).status_code == 202
    door.directory = limited({"notAfter": NOW.isoformat()})
    assert (await door.post(event())).status_code == 401
    door.directory = Directory(sources=(), recipients={})
    assert (await door.post(event())).status_code == 401
    door.directory = DIRECTORY
    assert (await door.post(event())).status_code == 202


async def test_every_failure_looks_the_same_whatever_is_wrong(door):
    door.directory = limited({"notAfter": NOW.isoformat()})
    answers = [await door.post(event(), key=key) for key in (None, "x", KEY, KEY + "x")]
    assert len({(one.status_code, one.text, one.headers["www-authenticate"]) for one in answers}) == 1
    counted = {
        kind: door.counted("sinergi_ingest_auth_failures_total", kind=kind)
        for kind in ("nothing_shown", "key_unknown", "key_ended")
    }
    assert counted == {"nothing_shown": 1, "key_unknown": 2, "key_ended": 1}


async def test_a_spray_of_bad_keys_holds_few_answers_and_no_good_key(door, monkeypatch):
    monkeypatch.setattr(patience, "ALL_FREE", 0)
    monkeypatch.setattr(patience, "MOST_HELD", 5)
    over = asyncio.Event()

    async def hold(seconds):
        if seconds:
            await over.wait()

    monkeypatch.setattr("sinergi_ingest.gate.asyncio.sleep", hold)
    spray = [asyncio.create_task(door.post(event(), key="x")) for _ in range(40)]
    async with asyncio.timeout(20):
        while (left := {one for one in spray if not one.done()}) and len(left) > 5:
            await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
    assert len(left) == 5
    assert (await door.post(event())).status_code == 202
    over.set()
    assert {(await one).status_code for one in spray} == {401}


async def test_guesses_are_slow_and_a_good_key_from_the_same_address_is_not(door, monkeypatch):
    monkeypatch.setattr(patience, "FREE", 1)
    monkeypatch.setattr(patience, "STEP_S", 0.3)
    held = []

    async def hold(seconds):
        held.append(seconds)

    monkeypatch.setattr("sinergi_ingest.gate.asyncio.sleep", hold)
    for _ in range(3):
        assert (await door.post(event(), key="x")).status_code == 401
    assert held[0] == pytest.approx(0, abs=0.01)
    assert 0 < held[1] < held[2] <= patience.LONGEST_S
    count = len(held)
    assert (await door.post(event())).status_code == 202
    assert [seconds for seconds in held[count:] if seconds] == []


def signature(body, at=NOW, path="/v1/events", method="POST", more=None):
    """Headers that sign a request; ``more`` are headers that it covers too."""
    covered = ("@method", "@path", *(more or {}))
    message = SimpleNamespace(method=method, url=f"http://door{path}", headers=dict(more or {}))
    resolver = MappingKeyResolver(public_keys={}, private_keys={"ed": PRIVATE})
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=resolver).sign(
        message, key_id="ed", created=at, covered_component_ids=covered, body=body
    )
    return {name.lower(): value for name, value in message.headers.items()}


@pytest.fixture
def signer(door):
    """The door to a source that signs."""
    public = b64encode(PRIVATE.public_key().public_bytes_raw()).decode()
    door.directory = limited(signing=[{"id": "ed", "ed25519": public}])
    return door


async def test_a_signed_request_is_taken_and_its_repeat_is_the_same_event(signer):
    door = signer
    body = json.dumps(event()).encode()
    answers = [await door.post(body, ONE, None, **signature(body)) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    # Replayed within the window it is a repeat by source and id, which the router merges.
    assert len({json.dumps(one) for one in door.producer.values(topics.EVENTS)}) == 1
    for wrong in (
        await door.post(body + b" ", ONE, None, **signature(body)),
        await door.post(body, ONE, None, "/v1/events:check", **signature(body)),
        await door.post(body, ONE, None, **(signature(body) | {"signature": "pyhms=:AAAA:"})),
    ):
        assert (wrong.status_code, wrong.json()["reason"]) == (401, "SIGNATURE_INVALID")
    assert door.counted("sinergi_ingest_auth_failures_total", kind="digest") == 1


def headers_of(event):
    """The event's attributes as headers of binary mode."""
    told = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
    return {f"ce-{name}": quote(str(value), safe="") for name, value in told.items()}


async def test_a_signature_is_of_the_compressed_bytes_as_they_travel(signer):
    plain = json.dumps(event()).encode()
    packed = gzip.compress(plain)
    encoded = {"content-encoding": "gzip"}
    assert (await signer.post(packed, ONE, None, **encoded, **signature(packed))).status_code == 202
    wrong = await signer.post(packed, ONE, None, **encoded, **signature(plain))
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "SIGNATURE_INVALID")


async def test_a_signed_event_in_binary_mode_has_its_attributes_signed(signer):
    body, attributes = json.dumps(event()["data"]).encode(), headers_of(event())
    signed = signature(body, more=attributes)
    assert (await signer.post(body, "application/json", None, **signed)).status_code == 202
    changed = signed | {"ce-id": "019cd550-3750-7e84-a16f-91c183b034a6"}
    unsigned = signature(body) | attributes
    for wrong in (changed, unsigned, signed | {"ce-more": "x"}):
        answer = await signer.post(body, "application/json", None, **wrong)
        assert (answer.status_code, answer.json()["reason"]) == (401, "SIGNATURE_INVALID")
    assert len(signer.producer.sent) == 1


async def test_a_cap_message_is_held_to_limits_and_test_keys_like_any_other(door):
    door.directory = limited({"scopes": ["send", "test"]})
    answer = await door.post(message(), media="application/cap+xml")
    assert (answer.status_code, answer.json()["pointers"]) == (403, ["/data/status"])
    assert door.producer.sent == []


async def test_a_state_is_told_to_whoever_may_read_by_key_or_signature(signer):
    number = EXAMPLE["data"]["eventNumber"]
    path = f"/v1/events/imi-ent.tpi/{number}"
    assert (await signer.post(event())).status_code == 202
    signed = signature(b"", path=path, method="GET")
    for headers in (signed, {"authorization": f"Bearer {KEY}"}):
        answer = await signer.client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["state"]) == (200, "accepted")
    signer.directory = limited({"scopes": ["send"]})
    answer = await signer.client.get(path, headers={"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["reason"]) == (403, "NOT_ALLOWED")


async def test_a_heartbeat_is_taken_kept_on_no_topic_and_counts_as_life(door):
    answer = await door.post(HEARTBEAT)
    assert (answer.status_code, answer.json()) == (202, {"id": HEARTBEAT["id"], "noteWithheld": False})
    assert door.producer.sent == []
    assert door.counted("sinergi_ingest_heartbeats_total", way="http") == 1
    assert (await door.post(HEARTBEAT | {"source": OTHER})).status_code == 403
    assert (await door.post(HEARTBEAT | {"data": {}})).status_code == 422
    now = door.clock()
    source = door.directory.sources[:1]
    assert door.vigil.look(source, now + 100) == []
    assert len(door.vigil.look(source, now + 121)) == 1


async def test_any_event_even_a_refused_one_counts_as_life(door):
    door.directory = limited(heartbeatS=60)
    source = door.directory.sources[:1]
    later = door.clock() + 1000
    assert len(door.vigil.look(source, later)) == 1
    await door.post(b"{}")
    assert len(door.vigil.look(source, door.clock())) == 1
    assert door.vigil.look(source, door.clock() + 100) == []


def submitted(*bodies, source=None, headers=()):
    """Records of a Kafka sender, as the subscriber hands them over; bytes are sent as they are."""
    raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
    told = source or DIRECTORY.sources[0]
    origins = [
        Origin(told, body, NOW, headers, topic=topics.submitted(told.name), partition=0, offset=offset)
        for offset, body in enumerate(raw)
    ]
    return origins, raw


async def test_a_kafka_sender_is_held_to_its_limits_and_told_on_its_status_topic(door):
    door.directory = limited(situations=["TPPO_AT_POST"])
    await door.intake.take_submitted(*submitted(event(), event(situation="SEA_LANDING"), HEARTBEAT))
    assert len(door.producer.values(topics.EVENTS)) == 1
    (told,) = door.producer.values(topics.status(DIRECTORY.sources[0].name))
    assert (told["data"]["reason"], told["data"]["fields"]) == ("SOURCE_UNKNOWN", ["/data/situation"])
    assert door.counted("sinergi_ingest_heartbeats_total", way="kafka") == 1


async def test_a_kafka_sender_that_left_the_directory_is_refused(door):
    door.directory = Directory(sources=(), recipients={})
    await door.intake.take_submitted(*submitted(event()))
    assert door.producer.values(topics.EVENTS) == []
    (kept,) = door.producer.values(topics.REJECTED)
    assert kept["data"]["reason"] == "SOURCE_UNKNOWN"


async def test_a_kafka_sender_lives_by_whatever_it_sends(door):
    door.directory = limited(heartbeatS=60)
    source = door.directory.sources[:1]
    assert len(door.vigil.look(source, door.clock() + 1000)) == 1
    await door.intake.take_submitted(*submitted({}))
    assert len(door.vigil.look(source, door.clock())) == 1
