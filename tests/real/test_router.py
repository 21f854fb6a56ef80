"""The router as a process on a real Kafka: nothing lost, nothing twice, nobody stopped by bad records."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count, islice

import httpx
import pytest
from aiokafka import TopicPartition

from sinergi_ops import topics as ops_topics
from sinergi_ops.places import PACK, ROOT
from sinergi_ops.ports import Ports
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import WIB, format_time
from sinergi_shared.contracts.ids import alert_number, thread_id
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables
from sinergi_shared.runtime import kafka as clients
from tests.kit.asked import request
from tests.kit.decisions import sample
from tests.kit.processes import eventually

LANES = 4


@pytest.fixture(scope="module")
async def bus(real_parts):
    """Topics as declared, and the environment of a router."""
    sources = {"imi-ent.tpi", "polairud.patroli", "imi-psb.tpi", "pamtas.patroli"}
    await ops_topics.apply([real_parts.kafka], sources, recipients_on_bus(read_tables(PACK)), LANES)
    directory = real_parts.plan.run_dir / "router-directory.yaml"
    urns = [{"urn": f"urn:sinergi:sumber:{name.replace('.', ':')}"} for name in sorted(sources)]
    directory.write_text(json.dumps({"sources": urns, "recipients": {}}))
    return {**os.environ, **real_parts.settings(), "SINERGI_DIRECTORY": str(directory)}


@asynccontextmanager
async def running(env, *faults):
    """A router process that is ready, perhaps with faults; killed at the end if it still runs."""
    port = Ports.free().router
    module = ("tests.chaos.broken", "router", *faults) if faults else ("sinergi_router",)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *module, cwd=ROOT, env={**env, "SINERGI_PORT": str(port)}
    )
    try:
        await eventually(lambda: _ready(port), 40)
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _ready(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _numbered(name, number, event_id):
    event = json.loads(json.dumps(sample(name)))
    event |= {"id": event_id, "subject": number}
    event["data"]["eventNumber"] = number
    return event


async def _publish(kafka, *values):
    producer = clients.producer([kafka])
    await producer.start()
    for value in values:
        if isinstance(value, dict):
            thread = thread_id(value["source"], value["data"]["eventNumber"])
            body = json.dumps(value | {"partitionkey": thread}).encode()
            lane = topics.lane_of(thread, LANES)
            await producer.send_and_wait(topics.EVENTS, body, key=thread.encode(), partition=lane)
        else:
            await producer.send_and_wait(topics.EVENTS, value, key=b"?", partition=0)
    await producer.stop()


async def _read(kafka, topic, partitions=1):
    """Everything that is committed on a topic now."""
    reader = clients.reader([kafka])
    await reader.start()
    places = [TopicPartition(topic, number) for number in range(partitions)]
    reader.assign(places)
    ends, found = await reader.end_offsets(places), []
    for place in places:
        while await reader.position(place) < ends[place]:
            for records in (await reader.getmany(place, timeout_ms=100)).values():
                found += records
    await reader.stop()
    return found


async def _until(kafka, topic, holds, within_s=20):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        found = await _read(kafka, topic, LANES if topic == topics.REJECTED else 1)
        if holds(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"not seen on {topic} within {within_s} s")


def _numbers(records):
    return [json.loads(record.value)["subject"] for record in records]


async def test_an_alert_is_there_once_though_the_event_comes_twice_around_a_kill(bus, kafka):
    event = _numbered("01", "PRS-20260310-KILL1", "019cd550-3750-7e84-a16f-91c183b0aaa1")
    number = alert_number(thread_id(event["source"], "PRS-20260310-KILL1"), event["id"], "BNPP-ENT")
    topic = topics.alerts("BNPP-ENT")
    async with running(bus) as (process, _):
        await _publish(kafka, event)
        await _until(kafka, topic, lambda found: number in _numbers(found))
        process.send_signal(signal.SIGKILL)
    async with running(bus) as (process, port):
        later = _numbered("01", "PRS-20260310-KILL2", "019cd550-3750-7e84-a16f-91c183b0aaa2")
        await _publish(kafka, event, later)
        after = alert_number(thread_id(event["source"], "PRS-20260310-KILL2"), later["id"], "BNPP-ENT")
        await _until(kafka, topic, lambda found: after in _numbers(found))
        # Another lane may be at the repeat still: it is merged, not alerted.
        await eventually(lambda: 'merged_total{reason="DUPLICATE",traffic="real"} 1.0' in _metrics(port))
        found = await _read(kafka, topic)
    assert _numbers(found).count(number) == 1


async def test_an_update_after_a_restart_knows_who_was_told_before(bus, kafka):
    event = _numbered("01", "PRS-20260310-REST1", "019cd550-3750-7e84-a16f-91c183b0aab1")
    update = json.loads(json.dumps(event))
    update["id"] = "019cd550-3750-7e84-a16f-91c183b0aab2"
    update["data"] |= {"revision": 2, "msgType": "Cancel"}
    topic = topics.alerts("P4MI-SGU")
    async with running(bus):
        await _publish(kafka, event)
        await _until(kafka, topic, lambda found: len(found) >= 1)
    async with running(bus):
        await _publish(kafka, update)
        wanted = alert_number(thread_id(event["source"], "PRS-20260310-REST1"), update["id"], "P4MI-SGU")
        found = await _until(kafka, topic, lambda found: wanted in _numbers(found))
    cancel = next(json.loads(record.value) for record in found if wanted in record.value.decode())
    assert (cancel["data"]["msgType"], cancel["data"]["alertRevision"]) == ("Cancel", 2)


async def test_a_kill_right_after_threads_went_to_the_file_forgets_none_of_them(bus, kafka):
    """With room for 250 threads a lane, the next one of a lane sends the oldest to the file."""
    small = {**bus, "SINERGI_THREADS_IN_MEMORY": str(250 * LANES)}
    source = sample("01")["source"]
    names = (f"PRS-20260310-EVIC{number:04X}" for number in count())
    names = islice((name for name in names if topics.lane_of(thread_id(source, name), LANES) == 0), 301)
    events = [
        _numbered("01", name, f"019cd550-3750-7e84-a16f-91c183b1{number:04x}")
        for number, name in enumerate(names)
    ]
    topic = topics.alerts("BNPP-ENT")
    *told, last = [alert_number(thread_id(source, one["subject"]), one["id"], "BNPP-ENT") for one in events]
    async with running(small, "crash-on-eviction") as (process, _):
        await _publish(kafka, *events[:-1])
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
    async with running(small):
        await _publish(kafka, *events)  # whoever is known is not told again
        found = await _until(kafka, topic, lambda found: last in _numbers(found), 60)
    seen = Counter(_numbers(found))
    assert {seen[number] for number in told} == {1}


async def test_a_bad_record_stops_nobody_else_and_is_kept(bus, kafka):
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    good = _numbered("02", "PRS-20260310-GOOD1", "019cd41f-cda0-7cbf-af94-3bc783331aa1")
    before = len(_of_events(await _read(kafka, topics.REJECTED, LANES)))
    async with running(bus):
        await _publish(
            kafka, b'{"id":', None, deep, good | {"type": "id.sinergi.movement.suspicious.v9"}, good
        )
        number = alert_number(thread_id(good["source"], "PRS-20260310-GOOD1"), good["id"], "TNI-PAMTAS")
        await _until(kafka, topics.alerts("TNI-PAMTAS"), lambda found: number in _numbers(found), 10)
        await _until(kafka, topics.REJECTED, lambda found: len(_of_events(found)) >= before + 4)
        refused = _of_events(await _read(kafka, topics.REJECTED, LANES))[before:]
    assert sorted((one["reason"], one.get("rule")) for one in refused) == [
        ("SCHEMA_INVALID", "DEPTH"),
        ("SCHEMA_INVALID", "JSON"),
        ("SCHEMA_INVALID", "NULL_VALUE"),
        ("TYPE_UNSUPPORTED", "MAJOR"),
    ]
    assert all(one["offset"] >= 0 for one in refused)


def _of_events(records):
    """The broker is shared, and other tests write what is no JSON: only what this router refused."""
    ours = [record for record in records if b"urn:sinergi:layanan:router" in (record.value or b"")]
    told = [json.loads(record.value)["data"] for record in ours]
    refused = [one for one in told if one.get("topic") == topics.EVENTS]
    return sorted(refused, key=lambda one: one["firstSeen"])


async def test_a_request_moves_the_lead_once_however_often_it_comes(bus, kafka):
    event = _numbered("01", "PRS-20260310-ASKS1", "019cd550-3750-7e84-a16f-91c183b0aac1")
    thread = thread_id(event["source"], "PRS-20260310-ASKS1")
    fresh = json.loads(json.dumps(event))
    now = datetime.now(WIB)
    fresh["time"] = fresh["data"]["observedAt"] = fresh["data"]["reportedAt"] = format_time(now)
    first = alert_number(thread, event["id"], "POL-61.03")
    topic = topics.alerts("POL-61.03")
    async with running(bus):
        await _publish(kafka, fresh)
        await _until(kafka, topic, lambda found: first in _numbers(found))
    asked = request(thread, "escalate", datetime.now(WIB), by="IMI-ENT", step=1)
    escalated = alert_number(thread, asked["id"], "POL-61.03")
    async with running(bus):  # the event is read again by the pointer in its thread
        await _ask(kafka, thread, asked, asked)
        await _until(kafka, topic, lambda found: escalated in _numbers(found))
        later = _numbered("01", "PRS-20260310-ASKS2", "019cd550-3750-7e84-a16f-91c183b0aac2")
        await _ask(kafka, thread, asked)
        await _publish(kafka, later)
        after = alert_number(thread_id(event["source"], "PRS-20260310-ASKS2"), later["id"], "POL-61.03")
        found = await _until(kafka, topic, lambda found: after in _numbers(found))
    alerts = [json.loads(record.value) for record in found if record.key == thread.encode()]
    assert [(one["data"]["msgType"], one["data"]["lead"]) for one in alerts] == [
        ("Alert", False),
        ("Escalation", True),
    ]
    assert alerts[1]["data"]["documentRefs"] == fresh["data"]["documentRefs"]  # L3, from the event itself


async def _ask(kafka, thread, *requests):
    producer = clients.producer([kafka])
    await producer.start()
    for one in requests:
        body, lane = json.dumps(one).encode(), topics.lane_of(thread, LANES)
        await producer.send_and_wait(topics.REQUESTS, body, key=thread.encode(), partition=lane)
    await producer.stop()


async def test_a_stop_signal_ends_it_cleanly(bus):
    async with running(bus) as (process, _):
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) in {0, -signal.SIGTERM}


async def test_it_waits_for_kafka_and_says_so(bus):
    port = Ports.free().router
    env = {**bus, "SINERGI_KAFKA": "127.0.0.1:1", "SINERGI_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "sinergi_router", env=env)
    try:
        await eventually(lambda: _answers(port, "/livez", 200), 20)
        assert _answers(port, "/readyz", 503)
    finally:
        process.kill()
        await process.wait()


def _metrics(port):
    return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text


def _answers(port, path, status):
    try:
        return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code == status
    except httpx.HTTPError:
        return False
