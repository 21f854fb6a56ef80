"""Ingest as a process, on a real Kafka: what is acknowledged is stored, what is bad stops nobody."""

import asyncio
import contextlib
import copy
import hashlib
import json
import os
import secrets
import signal
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from sinergi_ops import topics as topic_commands
from sinergi_ops.ports import Ports
from sinergi_ops.stack import Plan, parts
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.envelope import CONTENT_TYPE
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.rejected import RejectedEvent
from sinergi_shared.contracts.status import StatusEvent
from sinergi_shared.contracts.topics import lane_of
from tests.kit.processes import eventually, is_alive
from tests.kit.unsteady import unsteady

STRUCTURED = [("content-type", CONTENT_TYPE.encode())]
ONE, LINES = "application/cloudevents+json", "application/x-ndjson"


@dataclass
class Sender:
    """A source of its own for one test, so that tests on one Kafka do not see each other."""

    name: str = field(default_factory=lambda: f"t{secrets.token_hex(5)}.test")
    limits: dict = field(default_factory=dict)

    @property
    def urn(self):
        return "urn:sinergi:sumber:" + self.name.replace(".", ":")

    @property
    def key(self):
        return f"sng_t_{hashlib.sha256(self.name.encode()).hexdigest()}"

    def event(self, number=None, **data):
        number = number or f"PRS-20260310-{secrets.token_hex(5).upper()}"
        made = copy.deepcopy(EXAMPLE) | {"source": self.urn, "subject": number, "partitionkey": number}
        raw = uuid.uuid4().hex
        made["id"] = f"{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-8{raw[17:20]}-{raw[20:]}"
        made["data"] |= {"eventNumber": number} | data
        return made

    def directory(self, folder):
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        path = folder / "directory.yaml"
        sources = [{"urn": self.urn, "keys": [{"id": "t", "sha256": digest}], **self.limits}]
        path.write_text(yaml.safe_dump({"sources": sources, "recipients": {}}))
        return path


class Service:
    """An ingest process."""

    def __init__(self, process, port, sender, log):
        self.process, self.sender, self.log = process, sender, log
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.AsyncClient(base_url=self.url, timeout=20)

    async def post(self, body, media=ONE, path="/v1/events"):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": media, "authorization": f"Bearer {self.sender.key}"}
        return await self.client.post(path, content=content, headers=headers)

    async def status(self, path):
        try:
            return (await self.client.get(path)).status_code
        except httpx.TransportError:
            return None

    async def becomes(self, path, status, within_s=40):
        deadline = time.monotonic() + within_s
        while (found := await self.status(path)) != status:
            assert time.monotonic() < deadline, f"{path} is {found}: {self.log.read_text()[-2000:]}"
            assert self.process.returncode is None, self.log.read_text()[-2000:]
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def ingest(kafka, sender, folder, *, ready=True, **more):
    port, log = Ports.free().ingest, folder / f"ingest-{secrets.token_hex(3)}.log"
    settings = {
        "SINERGI_KAFKA": kafka,
        "SINERGI_PORT": str(port),
        "SINERGI_DEMO": "true",  # receipts are signed with the demo's key
        "SINERGI_DIRECTORY": str(sender.directory(folder)),
        **more,
    }
    with log.open("w") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sinergi_ingest", env=os.environ | settings, stdout=out, stderr=out
        )
    service = Service(process, port, sender, log)
    try:
        if ready:
            await service.becomes("/readyz", 200)
        yield service
    finally:
        await service.client.aclose()
        if process.returncode is None:
            process.terminate()  # so that the group need not wait for its session to end
            await process.wait()


async def make_topics(kafka, sender):
    await topic_commands.apply([kafka], [sender.name], [], lanes=4)


@pytest.fixture
async def sender(kafka):
    made = Sender()
    await make_topics(kafka, made)
    return made


@pytest.fixture
async def service(kafka, sender, tmp_path):
    async with ingest(kafka, sender, tmp_path) as running:
        yield running


@contextlib.asynccontextmanager
async def producer(kafka):
    made = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def read_all(kafka, topic):
    """Every committed record of a topic as it stands now."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, isolation_level="read_committed")
    await consumer.start()
    try:
        numbers = range(4) if topic in (topics.EVENTS, topics.REJECTED, topics.AUDIT) else range(1)
        places = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found.extend(records)
        return found
    finally:
        await consumer.stop()


async def stored(kafka, sender):
    """Events of this sender on ``sinergi.events.v1``: documents with their records."""
    found = [(json.loads(record.value), record) for record in await read_all(kafka, topics.EVENTS)]
    return [(document, record) for document, record in found if document["source"] == sender.urn]


async def stored_ids(kafka, sender):
    return [document["id"] for document, _ in await stored(kafka, sender)]


async def rejected(kafka, sender):
    records = await read_all(kafka, topics.REJECTED)
    return [RejectedEvent.model_validate_json(r.value).data for r in records if r.key == sender.urn.encode()]


async def until(look, holds, within_s=20):
    """Return what ``look`` finds once it holds."""
    deadline = time.monotonic() + within_s
    while not holds(found := await look()):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.1)
    return found


async def test_what_is_acknowledged_is_on_kafka_in_its_lane(kafka, service, sender):
    event = sender.event()
    assert (await service.post(event)).status_code == 202
    ((document, record),) = await stored(kafka, sender)
    thread = thread_id(sender.urn, event["subject"])
    assert document == event | {"partitionkey": thread}
    assert (record.key, record.partition) == (thread.encode(), lane_of(thread, 4))
    assert dict(record.headers)["content-type"] == CONTENT_TYPE.encode()


async def test_a_source_limited_to_areas_tells_no_point_in_anothers_by_http_nor_by_kafka(kafka, tmp_path):
    sender = Sender(limits={"areas": ["61.03"]})
    await make_topics(kafka, sender)
    entikong, pontianak, sarawak = (
        {"kind": "inland", "lat": lat, "lon": lon}
        for lat, lon in ((0.9835, 110.348), (-0.026, 109.342), (1.005, 110.36))
    )
    places = (entikong, pontianak, sarawak)
    async with ingest(kafka, sender, tmp_path) as service, producer(kafka) as sends:
        answers = [await service.post(sender.event(location=place)) for place in places]
        assert [answer.status_code for answer in answers] == [202, 403, 202]
        told = [sender.event(location=place) for place in places]
        for event in told:
            value = json.dumps(event).encode()
            await sends.send_and_wait(topics.submitted(sender.name), value, headers=STRUCTURED)
        await until(lambda: stored_ids(kafka, sender), lambda ids: len(ids) == 4)
        (refusal,) = await until(lambda: rejected(kafka, sender), bool)
    assert (refusal.rejectedId, refusal.reason) == (told[1]["id"], "SOURCE_UNKNOWN")
    assert refusal.fields == ("/data/location/lat", "/data/location/lon")


async def test_fifty_equal_posts_are_all_acknowledged_alike(kafka, service, sender):
    event = sender.event()
    answers = await asyncio.gather(*(service.post(event) for _ in range(50)))
    assert {(answer.status_code, answer.json()["eventNumber"]) for answer in answers} == {
        (202, event["subject"])
    }
    found = await stored(kafka, sender)
    assert len({record.value for _, record in found}) == 1
    assert len({record.partition for _, record in found}) == 1


async def test_json_lines_are_stored_in_order_and_refusals_kept(kafka, service, sender):
    number = f"PRS-20260310-{secrets.token_hex(5).upper()}"
    events = [sender.event(number, revision=revision) for revision in range(1, 101)]
    body = "\n".join(map(json.dumps, [*events[:50], sender.event(severity="x"), *events[50:]])).encode()
    statuses = [item["status"] for item in (await service.post(body, LINES)).json()["items"]]
    assert statuses == [202] * 50 + [422] + [202] * 50
    assert [document["data"]["revision"] for document, _ in await stored(kafka, sender)] == list(
        range(1, 101)
    )
    assert [refusal.fields for refusal in await rejected(kafka, sender)] == [("/data/severity",)]


async def test_a_bad_record_stops_nobody_else(kafka, service, sender):
    topic, good = topics.submitted(sender.name), sender.event()
    async with producer(kafka) as out:
        for value, headers in [
            (b'{"id":', STRUCTURED),
            (None, STRUCTURED),
            (b"[" * 60_000, STRUCTURED),
            (b"\xff\xfe", [("content-type", b"\xff\xfe"), ("ce_id", b"\xff")]),
            (json.dumps(sender.event(nik="6171012345670001")).encode(), STRUCTURED),
            (json.dumps(sender.event() | {"source": "urn:sinergi:sumber:imi-ent:tpi"}).encode(), STRUCTURED),
            (json.dumps(good).encode(), STRUCTURED),
        ]:
            await out.send_and_wait(topic, value, key=b"k", headers=headers)
    start = time.monotonic()
    await until(lambda: stored_ids(kafka, sender), lambda ids: ids == [good["id"]])
    assert time.monotonic() - start < 5
    refusals = await rejected(kafka, sender)
    assert [(one.reason, one.rule, one.offset) for one in sorted(refusals, key=lambda one: one.offset)] == [
        ("SCHEMA_INVALID", "JSON", 0),
        ("SCHEMA_INVALID", "NULL_VALUE", 1),
        ("SCHEMA_INVALID", "DEPTH", 2),
        ("SCHEMA_INVALID", "UTF8", 3),
        ("PII_DETECTED", "KEY_FORBIDDEN", 4),
        ("SOURCE_UNKNOWN", "SOURCE", 5),
    ]
    told = [
        StatusEvent.model_validate_json(record.value).data
        for record in await read_all(kafka, topics.status(sender.name))
    ]
    assert [one.reason for one in told] == ["SCHEMA_INVALID"] * 4 + ["PII_DETECTED", "SOURCE_UNKNOWN"]
    assert "6171012345670001" not in service.log.read_text()


async def test_personal_data_is_written_nowhere_whatever_it_was_refused_for(kafka, service, sender):
    hidden, spaced = "6171011503900017", "6171 0115 0390 0017"
    note = {"text": f"KTP {spaced}", "lang": "id", "screened": True}
    cut_off = json.dumps(sender.event(note=note)).encode()[:-20]
    bodies = [
        json.dumps(one).encode()
        for one in (
            sender.event(note=note),
            sender.event(people={"count": 1, "minors": 0, "nik": hidden}),
            sender.event(note=note) | {"id": "no"},
            sender.event(note=note) | {"dataschema": "https://x.example/2-0-0.json"},
            sender.event(note=note, severity="x", danger=True),
        )
    ] + [cut_off, cut_off.replace(b"6171 0115", b"61\\u0037\\u0031 0115")]
    told = [(await service.post(body)).json()["reason"] for body in bodies]
    assert told == ["PII_DETECTED"] * 2 + ["ENVELOPE_INVALID", "VERSION_UNKNOWN"] + ["SCHEMA_INVALID"] * 3
    async with producer(kafka) as out:
        for body in bodies:
            await out.send_and_wait(topics.submitted(sender.name), body, headers=STRUCTURED)
    refusals = await until(lambda: rejected(kafka, sender), lambda found: len(found) == 2 * len(bodies))
    assert [one for one in refusals if one.payloadKept or one.payload or one.headers] == []
    written = [*await read_all(kafka, topics.REJECTED), *await read_all(kafka, topics.status(sender.name))]
    written += await read_all(kafka, topics.EVENTS)
    for number in (hidden, spaced):
        assert [one.topic for one in written if number.encode() in one.value] == []
        assert number not in service.log.read_text()


@pytest.mark.usefixtures("service")
async def test_every_mode_of_the_kafka_binding_is_taken(kafka, sender):
    events = [sender.event() for _ in range(3)]
    attributes = {name: value for name, value in events[2].items() if name not in ("data", "datacontenttype")}
    binary = [
        ("content-type", b"application/json"),
        *((f"ce_{n}", v.encode()) for n, v in attributes.items()),
    ]
    async with producer(kafka) as out:
        for event, headers in [
            (events[0], [("content-type", b"Application/CloudEvents+JSON; charset=UTF-8; x=1")]),
            (events[1], [("Content-Type", b"application/cloudevents")]),
            (events[2]["data"], binary),
        ]:
            value = json.dumps(event).encode()
            await out.send_and_wait(topics.submitted(sender.name), value, headers=headers)
    found = await until(lambda: stored(kafka, sender), lambda found: len(found) == 3)
    expected = {event["id"]: event for event in events}
    for document, _ in found:
        thread = thread_id(sender.urn, document["subject"])
        assert document == expected[document["id"]] | {"partitionkey": thread}


async def test_killed_in_the_middle_it_loses_nothing(kafka, sender, tmp_path):
    events = [sender.event() for _ in range(400)]
    async with producer(kafka) as out:
        for event in events:
            await out.send(topics.submitted(sender.name), json.dumps(event).encode(), headers=STRUCTURED)
    async with ingest(kafka, sender, tmp_path) as service:
        await until(lambda: stored_ids(kafka, sender), bool)
        service.process.kill()
        await service.process.wait()
    async with ingest(kafka, sender, tmp_path, ready=False):
        wanted = {event["id"] for event in events}
        await until(lambda: stored_ids(kafka, sender), lambda ids: set(ids) == wanted, within_s=40)


async def test_it_ends_cleanly_and_takes_nothing_twice(kafka, sender, tmp_path):
    event = sender.event()
    async with ingest(kafka, sender, tmp_path) as service:
        async with producer(kafka) as out:
            value = json.dumps(event).encode()
            await out.send_and_wait(topics.submitted(sender.name), value, headers=STRUCTURED)
        await until(lambda: stored_ids(kafka, sender), lambda ids: ids == [event["id"]])
        start = time.monotonic()
        service.process.terminate()
        assert await service.process.wait() in (0, -signal.SIGTERM)
        assert time.monotonic() - start < 20
    async with ingest(kafka, sender, tmp_path) as again:
        assert (await again.post(sender.event())).status_code == 202
        assert (await stored_ids(kafka, sender)).count(event["id"]) == 1


async def test_without_its_topics_it_is_not_ready_and_acknowledges_nothing(kafka, tmp_path):
    stranger = Sender()
    async with ingest(kafka, stranger, tmp_path, ready=False) as service:
        await service.becomes("/livez", 200)
        await eventually(lambda: "not ready: topics are missing" in service.log.read_text(), 30)
        assert await service.status("/readyz") == 503
        assert (await service.post(stranger.event())).status_code == 503
        await make_topics(kafka, stranger)
        await service.becomes("/readyz", 200)
        assert (await service.post(stranger.event())).status_code == 202


def is_not_behind(answer):
    """Just started it says ``503`` with ``Retry-After``, never that the event is unknown."""
    return answer.status_code != 503


async def test_an_event_that_nobody_decided_yet_has_a_state_even_after_a_restart(kafka, sender, tmp_path):
    first, second = sender.event(), sender.event()
    path = f"/v1/events/{sender.name}/"
    headers = {"authorization": f"Bearer {sender.key}"}
    async with ingest(kafka, sender, tmp_path) as service:
        assert (await service.post(first)).headers["location"] == path + first["subject"]
    async with ingest(kafka, sender, tmp_path) as service:
        for event in (first, second):
            if event is second:
                assert (await service.post(second)).status_code == 202
            where = path + event["subject"]
            told = await until(lambda at=where: service.client.get(at, headers=headers), is_not_behind)
            assert told.status_code == 200, told.text
            told = told.json()
            assert (told["state"], told["eventId"], told["revision"]) == ("accepted", event["id"], 1)
        unknown = await service.client.get(path + "PRS-20260310-NOBODY", headers=headers)
        assert unknown.status_code == 404


@pytest.mark.parametrize("content", [None, b"changeme"])
async def test_without_a_receipt_key_of_ones_own_it_does_not_start_outside_the_demo(tmp_path, content):
    settings = os.environ | {"SINERGI_DIRECTORY": str(Sender().directory(tmp_path)), "SINERGI_DEMO": "false"}
    if content is not None:
        (tmp_path / "receipt.pem").write_bytes(content)
        settings["SINERGI_RECEIPT_KEY"] = str(tmp_path / "receipt.pem")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sinergi_ingest", env=settings, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, b"SINERGI_RECEIPT_KEY" in out, b"changeme" in out) == (2, True, False)


async def test_a_start_without_kafka_waits_and_can_be_ended(tmp_path):
    nobody = f"127.0.0.1:{Ports.free().kafka}"
    async with ingest(nobody, Sender(), tmp_path, ready=False) as service:
        await service.becomes("/livez", 200)
        await eventually(lambda: "waiting for Kafka" in service.log.read_text())
        assert await service.status("/readyz") == 503
        service.process.terminate()
        assert await asyncio.wait_for(service.process.wait(), 20) in (0, -signal.SIGTERM)


OFFSETS, METADATA = 2, 3


@pytest.mark.parametrize(
    ("kind", "number", "deed"),
    [*((METADATA, number, "cut") for number in range(1, 8)), (OFFSETS, 2, "late")],
)
async def test_a_kafka_that_leaves_one_question_of_a_start_without_an_answer_is_asked_again(
    kafka, sender, tmp_path, kind, number, deed
):
    def fault(*request):
        return deed if request == (kind, number) else "pass"

    async with unsteady(kafka, fault) as broker, ingest(broker.address, sender, tmp_path) as service:
        assert broker.done[deed] == 1
        assert (await service.post(sender.event())).status_code == 202


def test_the_demos_keys_are_refused_outside_the_demo():
    demo = Path(__file__).parents[2] / "deploy/demo/directory.yaml"
    settings = os.environ | {"SINERGI_DIRECTORY": str(demo), "SINERGI_DEMO": "false"}

    async def run():
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sinergi_ingest", env=settings, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode, out.decode()

    code, told = asyncio.run(run())
    assert code == 2
    assert "demo's well-known keys" in told


@pytest.fixture(scope="module")
async def frozen_kafka(tmp_path_factory):
    """A Kafka of its own that may be frozen: address and process id."""
    async with parts(Plan(tmp_path_factory.mktemp("frozen"), Ports.free())) as running:
        yield running.kafka, running.supervisor.kept["kafka"].pid


async def test_while_kafka_is_away_it_says_so_and_recovers_by_itself(frozen_kafka, tmp_path):
    kafka, pid = frozen_kafka
    sender = Sender()
    await make_topics(kafka, sender)
    async with ingest(kafka, sender, tmp_path) as service:
        assert (await service.post(sender.event())).status_code == 202
        os.kill(pid, signal.SIGSTOP)
        try:
            start = time.monotonic()
            answers = await asyncio.gather(*(service.post(sender.event()) for _ in range(200)))
            assert time.monotonic() - start < 15  # eight seconds, and a busy machine
            assert {(one.status_code, one.headers["retry-after"]) for one in answers} == {(503, "5")}
            await service.becomes("/readyz", 503, within_s=30)
            assert await service.status("/livez") == 200
        finally:
            os.kill(pid, signal.SIGCONT)
        event = sender.event()
        await until(lambda: service.post(event), lambda answer: answer.status_code == 202, within_s=30)
        assert event["id"] in await stored_ids(kafka, sender)
        await service.becomes("/readyz", 200)
        os.kill(pid, signal.SIGSTOP)
        try:
            hanging = asyncio.create_task(service.post(sender.event()))
            service.process.terminate()
            assert await asyncio.wait_for(service.process.wait(), 20) in (0, -signal.SIGTERM)
            assert not is_alive(service.process.pid)
            await asyncio.gather(hanging, return_exceptions=True)
        finally:
            os.kill(pid, signal.SIGCONT)
