"""``sinergi send`` on a real Kafka, a real ingest and router, and real HTTP servers that fail."""

import asyncio
import contextlib
import copy
import json
import os
import secrets
import sys
import time
import uuid

import httpx
import pytest
import uvicorn
from aiokafka import AIOKafkaConsumer, TopicPartition

from sinergi_ops import topics as topic_commands
from sinergi_ops.places import DIRECTORY, KEYS, PACK
from sinergi_ops.ports import Ports
from sinergi_ops.sending.patience import Patience
from sinergi_ops.sending.senders import CHECK, HttpSender, KafkaSender, read_keys
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.directory import read_directory, source_name
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables
from tests.kit.processes import eventually

TAKEN = {"id": EXAMPLE["id"], "eventNumber": EXAMPLE["data"]["eventNumber"], "noteWithheld": False}


def event(number=None, source=EXAMPLE["source"], **data):
    number = number or f"PRS-20260310-{secrets.token_hex(5).upper()}"
    raw = uuid.uuid4().hex
    made = copy.deepcopy(EXAMPLE) | {"source": source, "subject": number, "partitionkey": number}
    made["id"] = f"{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-8{raw[17:20]}-{raw[20:]}"
    made["data"] |= {"eventNumber": number} | data
    return made


def body(made):
    return json.dumps(made).encode()


@contextlib.asynccontextmanager
async def process(module, port, settings):
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env=os.environ | settings | {"SINERGI_PORT": str(port)}
    )
    try:
        yield
    finally:
        running.terminate()
        await running.wait()


def is_ready(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
async def ingest(real_parts):
    """Base URL of an ingest; a router runs behind it, with the demo's sources."""
    sources = [source.name for source in read_directory(DIRECTORY).sources]
    await topic_commands.apply([real_parts.kafka], sources, recipients_on_bus(read_tables(PACK)), 4)
    settings, ports = real_parts.settings() | {"SINERGI_DIRECTORY": str(DIRECTORY)}, Ports.free()
    async with (
        process("sinergi_ingest", ports.ingest, settings),
        process("sinergi_router", ports.router, settings),
    ):
        await eventually(lambda: is_ready(ports.ingest) and is_ready(ports.router), 40)
        yield f"http://127.0.0.1:{ports.ingest}"


async def sinergi(*arguments, stdin=b"", **settings):
    """Exit status, standard output and error of the command."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sinergi_ops", *arguments),
        env=os.environ | settings,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(running.communicate(stdin), 60)
    return running.returncode, out.decode(), err.decode()


@pytest.mark.usefixtures("ingest")
async def test_a_kafka_sender_learns_what_ingest_refused_and_what_the_router_decided(kafka):
    first = event()
    number = first["data"]["eventNumber"]
    changed = first | {"data": first["data"] | {"severity": "kritis"}}
    async with KafkaSender(kafka) as sender:
        told = [
            await sender.send(body(one))
            for one in (
                first,
                first,
                changed,
                event(number, revision=2, msgType="Update"),
                event(status="Test"),
                event(severity="besar"),
                event() | {"id": "no-uuid"},
            )
        ]
    assert [(one.answer.value, one.outcome, one.reason) for one in told] == [
        ("accepted", Outcome.ROUTED, None),
        ("accepted", Outcome.MERGED, "DUPLICATE"),
        ("refused", None, "ID_REUSED"),
        ("accepted", Outcome.ROUTED, None),
        ("accepted", Outcome.STOPPED, "TEST_STOP"),
        ("refused", None, "SCHEMA_INVALID"),
        ("refused", None, "ENVELOPE_INVALID"),
    ]
    assert [one.fields for one in told[5:]] == [("/data/severity",), ("/id",)]


@pytest.mark.usefixtures("ingest")
async def test_many_at_once_each_get_their_own_answer(kafka):
    made = [event(severity="besar" if index % 5 == 0 else "tinggi") for index in range(40)]
    async with KafkaSender(kafka) as sender:
        told = await asyncio.gather(*(sender.send(body(one)) for one in made))
    assert [one.refused for one in told] == [index % 5 == 0 for index in range(40)]


async def test_both_ways_refuse_alike_with_the_same_advice(ingest, kafka):
    faulty = [
        event(nik="x"),
        event(severity="besar"),
        event() | {"type": "id.sinergi.movement.suspicious.v2"},
    ]
    async with KafkaSender(kafka) as by_kafka, HttpSender(ingest, read_keys(KEYS)) as by_http:
        for one in faulty:
            assert await by_kafka.send(body(one)) == await by_http.send(body(one))


async def test_a_check_keeps_nothing(ingest, kafka):
    made = event()
    async with HttpSender(ingest, read_keys(KEYS), path=CHECK) as checking:
        assert (await checking.send(body(made))).accepted
    async with KafkaSender(kafka) as sender:
        assert (await sender.send(body(made))).outcome is Outcome.ROUTED  # not merged: it is new


async def test_a_key_speaks_for_its_own_source_only(ingest):
    keys = read_keys(KEYS)
    other = keys.pop(EXAMPLE["source"]), keys["urn:sinergi:sumber:imi-psb:tpi"]
    async with (
        HttpSender(ingest, keys) as without,
        HttpSender(ingest, {}, key=other[1]) as wrong,
        HttpSender(ingest, {}, key=other[0]) as right,
    ):
        told = [(await sender.send(body(event()))).reason for sender in (without, wrong, right)]
        broken = await right.send(b'{"id":')
    assert told == ["UNAUTHENTICATED", "NOT_ALLOWED", None]
    assert (broken.reason, broken.rule) == ("SCHEMA_INVALID", "JSON")


async def test_the_command_tells_of_each_event_and_ends_1_when_one_was_refused(ingest, kafka):
    good, faulty = event(), event(severity="besar")
    lines = b"\n".join([body(good), body(faulty), b"{broken"])
    status, out, err = await sinergi("send", "--fresh", "--json", "--url", ingest, "-", stdin=lines)
    told = [json.loads(line) for line in out.splitlines()]
    assert status == 1
    assert [(one["number"], one["eventNumber"], one["answer"]) for one in told] == [
        (1, good["data"]["eventNumber"], "accepted"),
        (2, faulty["data"]["eventNumber"], "refused"),
        (3, None, "refused"),
    ]
    assert (told[1]["reason"], told[1]["fields"]) == ("SCHEMA_INVALID", ["/data/severity"])
    assert err.count(faulty["data"]["eventNumber"]) == 1  # in the list at the end
    status, out, _ = await sinergi("send", "--via", "kafka", "--kafka", kafka, "-", stdin=body(event()))
    assert (status, "routed" in out) == (0, True)


async def test_what_nobody_judges_in_time_is_told_as_such(kafka):
    name = f"t{secrets.token_hex(5)}.test"
    await topic_commands.apply([kafka], [name], [], lanes=4)
    source = f"urn:sinergi:sumber:{name.replace('.', ':')}"
    async with KafkaSender(kafka, patience=Patience(0.5)) as sender:
        start = time.monotonic()
        told = await sender.send(body(event(source=source)))
        assert (told.unavailable, time.monotonic() - start < 5) == (True, True)
        unknown = await sender.send(body(event(source="urn:sinergi:sumber:orang:lain")))
        assert (unknown.refused, unknown.reason) == (True, "SOURCE_UNKNOWN")
        lost = await sender.send(b"{}")
        assert (lost.reason, lost.fields) == ("ENVELOPE_INVALID", ("/source",))


async def test_nobody_there_is_told_within_the_time_by_either_way():
    port = Ports.free().ingest
    address = f"127.0.0.1:{port}"
    start = time.monotonic()
    async with (
        KafkaSender(address, patience=Patience(0.5)) as by_kafka,
        HttpSender(f"http://{address}", {}, key="k", patience=Patience(0.5)) as by_http,
    ):
        for _ in range(3):
            assert (await by_kafka.send(body(event()))).unavailable
            assert (await by_http.send(body(event()))).unavailable
    assert time.monotonic() - start < 10
    status, out, err = await sinergi(
        "send", "--wait", "0.3", "--url", f"http://{address}", "-", stdin=body(event())
    )
    assert (status, "does not answer" in out, "NO ANSWER: 1" in err) == (1, True, True)


@contextlib.asynccontextmanager
async def scripted(*answers):
    """A server that gives these answers (status, headers, JSON), and the times at which it was asked."""
    left, asked = list(answers), []

    async def application(_scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        asked.append(time.monotonic())
        status, headers, told = left.pop(0)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    server = uvicorn.Server(
        uvicorn.Config(application, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    )
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", asked
    server.should_exit = True
    await task


async def test_a_server_that_asks_for_time_gets_it_and_then_the_event():
    wait = [(b"retry-after", b"1")]
    async with (
        scripted((503, wait, {}), (429, [], {}), (502, [], {}), (202, [], TAKEN)) as (url, asked),
        HttpSender(url, {}, key="k", patience=Patience(20)) as sender,
    ):
        assert (await sender.send(body(event()))).accepted
    assert len(asked) == 4
    assert asked[1] - asked[0] >= 1


async def test_a_server_that_asks_for_more_time_than_there_is_is_not_asked_again():
    async with (
        scripted((503, [(b"retry-after", b"600")], {})) as (url, asked),
        HttpSender(url, {}, key="k", patience=Patience(5)) as sender,
    ):
        assert (await sender.send(body(event()))).unavailable
    assert len(asked) == 1


@pytest.mark.parametrize("answer", [(404, [], {}), (302, [(b"location", b"/x")], {}), (200, [], {"ok": 1})])
async def test_an_address_that_is_not_ingest_is_named_and_never_taken_for_success(answer):
    async with scripted(answer) as (url, asked), HttpSender(url, {}, key="k") as sender:
        told = await sender.send(body(event()))
    assert (told.unavailable, len(asked)) == (True, 1)
    assert url in told.advice.title


async def test_fifty_equal_posts_are_one_event_for_everybody_told(ingest, kafka):
    made = event()
    number, key = made["data"]["eventNumber"], read_keys(KEYS)[made["source"]]
    headers = {"authorization": f"Bearer {key}", "content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient(base_url=ingest, headers=headers, timeout=30, trust_env=False) as client:
        posts = [client.post("/v1/events", content=body(made)) for _ in range(50)]
        answers = await asyncio.gather(*posts)
        assert {(one.status_code, one.json()["eventNumber"]) for one in answers} == {(202, number)}
        # One lane, in order: when the marker is decided, so are the fifty.
        async with KafkaSender(kafka) as sender:
            marker = event(number, revision=2, msgType="Update")
            assert (await sender.send(body(marker))).outcome is Outcome.ROUTED
        await until_told(client, made, lambda told: told["revision"] == 2 and told["state"] == "routed")
    told = [alert["data"] for alert in await alerts_of(kafka, made["source"], number)]
    assert told
    first = [(one["recipient"]["code"], one["alertRevision"]) for one in told if one["eventRevision"] == 1]
    assert len(first) == len(set(first))
    assert len({code for code, _ in first}) == len(first)


async def test_http_and_kafka_senders_learn_the_same_state(ingest, kafka):
    by_http, by_kafka = event(status="Test"), event(status="Test")
    keys = read_keys(KEYS)
    headers = {"authorization": f"Bearer {keys[by_http['source']]}"}
    async with (
        HttpSender(ingest, keys) as sender,
        httpx.AsyncClient(base_url=ingest, headers=headers, timeout=30, trust_env=False) as client,
    ):
        assert (await sender.send(body(by_http))).accepted
        # Never a moment without a state: taken, then decided.
        state = (await client.get(f"/v1/events/imi-ent.tpi/{by_http['data']['eventNumber']}")).json()["state"]
        assert state in ("accepted", "stopped")
        told = await until_told(client, by_http, lambda told: told["state"] != "accepted")
        assert (told["state"], told["reason"]) == ("stopped", "TEST_STOP")
        async with KafkaSender(kafka) as other:
            assert (await other.send(body(by_kafka))).reason == "TEST_STOP"
        told = await until_told(client, by_kafka, lambda told: told["state"] != "accepted")
        assert (told["state"], told["reason"]) == ("stopped", "TEST_STOP")


async def until_told(client, made, holds):
    path = f"/v1/events/{source_name(made['source'])}/{made['data']['eventNumber']}"
    told = {}

    async def look():
        answer = await client.get(path)
        told.clear()
        told.update(answer.json() if answer.status_code == 200 else {})
        return bool(told) and holds(told)

    deadline = time.monotonic() + 20
    while not await look():
        assert time.monotonic() < deadline, told
        await asyncio.sleep(0.1)
    return dict(told)


async def alerts_of(kafka, source, number):
    """Every committed alert of one event, on every recipient's topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, isolation_level="read_committed")
    await consumer.start()
    try:
        names = map(topics.alerts, recipients_on_bus(read_tables(PACK)))
        places = [TopicPartition(name, 0) for name in names]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends, found = await consumer.end_offsets(places), []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [
                    json.loads(one.value) for one in records if one.key == thread_id(source, number).encode()
                ]
        return found
    finally:
        await consumer.stop()
