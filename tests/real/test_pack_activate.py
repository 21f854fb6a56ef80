"""``sinergi pack activate`` and services that follow it, on a Kafka of their own: others share theirs."""

import asyncio
import json
import os
import sys
import time
from contextlib import asynccontextmanager

import httpx
import pytest
import shapely
from aiokafka import TopicPartition

from sinergi_ops.pack.activate import in_force
from sinergi_ops.ports import Ports
from sinergi_ops.stack import Plan, parts
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import alert_number, thread_id
from sinergi_shared.region.tables import GEOMETRY, read_rows
from sinergi_shared.runtime import kafka as clients
from tests.kit.decisions import sample
from tests.kit.packs import PackCopy
from tests.kit.processes import eventually
from tests.real.test_ingest_service import Sender, ingest, make_topics

LANES = 4
LEFT, STAYS = "P4MI-SGU", "IMI-ENT"


@pytest.fixture(scope="module")
async def bus(tmp_path_factory):
    """Parts of our own, without topics."""
    async with parts(Plan(tmp_path_factory.mktemp("activate"), Ports.free())) as running:
        yield running


@pytest.fixture(scope="module")
def env(bus):
    return {**os.environ, **bus.settings()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return what makes a sealed pack of a version, changed as told."""

    def make(version, change=lambda _pack: None):
        pack = PackCopy(tmp_path_factory.mktemp("pack") / "pack")
        change(pack)
        pack.seal_unchecked(version=version)
        return pack.directory

    return make


async def run(env, pack):
    """Run the command; return its exit code and what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sinergi_ops", "pack", "activate", str(pack), "--json"),
        env=env,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    return process.returncode, told


async def activate(env, pack):
    code, told = await run(env, pack)
    assert code == 0, told
    return json.loads(told)


async def test_the_first_activation_makes_every_topic_and_a_repeat_changes_nothing(bus, env, made):
    pack = made("2026.11.1")
    told = await activate(env, pack)
    assert (told["activated"], told["activation"]) == (True, 1)
    assert topics.CONTROLS in {change["topic"] for change in told["topics"]}
    again = await activate(env, pack)
    assert (again["activated"], again["activation"], again["topics"]) == (False, 1, [])
    assert await in_force([bus.kafka]) is not None


async def test_those_who_activate_at_once_never_share_a_number(bus, env, made):
    before = (await in_force([bus.kafka])).activation
    done = await asyncio.gather(*(run(env, made(f"2026.11.1{number}")) for number in range(2)))
    numbers = [json.loads(told)["activation"] for code, told in done if code == 0]
    assert sorted(numbers) == list(range(before + 1, before + 1 + len(numbers)))
    assert numbers  # who was too slow has published nothing
    assert (await in_force([bus.kafka])).activation == max(numbers)


@asynccontextmanager
async def router(env, **more):
    """A router process; killed at the end."""
    port = Ports.free().router
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sinergi_router", env={**env, **more, "SINERGI_PORT": str(port)}
    )
    try:
        yield port
    finally:
        process.kill()
        await process.wait()


def shows(port, *lines):
    try:
        told = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    except httpx.HTTPError:
        return False
    return all(line in told for line in lines)


def decides_by(version, pending=0):
    return f'version="{version}"}} 1.0', f"sinergi_policy_pending {pending}.0"


def event(name, number, **data):
    found = json.loads(json.dumps(sample("01")))
    found["id"] = f"019cd550-3750-7e84-a16f-91c183b{number:05x}"
    found["subject"] = found["data"]["eventNumber"] = f"PRS-20260310-{name}"
    found["data"] |= data
    return found


async def publish_event(bus, document):
    thread = thread_id(document["source"], document["data"]["eventNumber"])
    producer = clients.producer([bus.kafka])
    await producer.start()
    body = json.dumps(document | {"partitionkey": thread}).encode()
    lane = topics.lane_of(thread, LANES)
    await producer.send_and_wait(topics.EVENTS, body, key=thread.encode(), partition=lane)
    await producer.stop()


async def alert_of(bus, document, recipient):
    """Wait for the alert that an event causes for a recipient, and return it."""
    thread = thread_id(document["source"], document["data"]["eventNumber"])
    number, place = (
        alert_number(thread, document["id"], recipient),
        TopicPartition(topics.alerts(recipient), 0),
    )
    reader = clients.reader([bus.kafka])
    await reader.start()
    reader.assign([place])
    try:
        async with asyncio.timeout(60):
            while True:
                alert = json.loads((await reader.getone(place)).value)
                if alert["subject"] == number:
                    return alert
    finally:
        await reader.stop()


async def test_a_router_follows_and_who_left_still_gets_the_end_of_what_it_was_told(bus, env, made):
    first = await activate(env, made("2026.11.2"))
    opened = event("LEFT1", 1)
    async with router(env) as port:
        await eventually(lambda: shows(port, *decides_by(first["policyVersion"])), 90)
        await publish_event(bus, opened)
        assert (await alert_of(bus, opened, LEFT))["data"]["policyVersion"] == first["policyVersion"]
        leaves = made("2026.11.3", lambda pack: pack.edit("recipients", LEFT, active="tidak"))
        second = await activate(env, leaves)
        await eventually(lambda: shows(port, *decides_by(second["policyVersion"])), 60)
        update, cancel = event("LEFT1", 2, revision=2, msgType="Update"), event("LEFT1", 3, revision=3)
        cancel["data"]["msgType"] = "Cancel"
        await publish_event(bus, update)
        assert (await alert_of(bus, update, STAYS))["data"]["policyVersion"] == second["policyVersion"]
        await publish_event(bus, cancel)
        end = await alert_of(bus, cancel, LEFT)
    assert (end["data"]["msgType"], end["data"]["alertRevision"]) == ("Cancel", 2)  # no update between


async def test_after_a_restart_a_lane_waits_for_its_pack_rather_than_go_back(bus, env, made, tmp_path):
    last = await activate(env, made("2026.11.4"))
    for number in range(LANES * 4):  # every lane decides by it
        await publish_event(bus, event(f"WAIT{number}", 16 + number))
    async with router(env):
        await alert_of(bus, event(f"WAIT{number}", 16 + number), STAYS)
    elsewhere = tmp_path / "packs"  # a machine to which nobody has copied the pack
    late = event("WAITS", 64)
    async with router(env, SINERGI_PACKS=str(elsewhere)) as port:
        await publish_event(bus, late)
        await eventually(lambda: shows(port, "sinergi_policy_pending 1.0", "sinergi_router_lanes 0.0"), 90)
        elsewhere.symlink_to(bus.plan.run_dir / "packs")
        await eventually(lambda: shows(port, *decides_by(last["policyVersion"])), 60)
        assert (await alert_of(bus, late, STAYS))["data"]["policyVersion"] == last["policyVersion"]


HERE, THERE = "61.03.02", "61.01.02"


def point_in(pack, code):
    """A point well inside a kecamatan."""
    features = json.loads((pack / GEOMETRY).read_bytes())["features"]
    [shape] = [feature["geometry"] for feature in features if feature["properties"]["code"] == code]
    found = shapely.from_geojson(json.dumps(shape)).representative_point()
    return {"lon": round(found.x, 5), "lat": round(found.y, 5)}


def exchanged(pack):
    """Let two kecamatan of two kabupaten change codes, and the post of one kabupaten move to the other."""

    def change(features):
        here, there = features[HERE]["properties"], features[THERE]["properties"]
        here["code"], there["code"] = THERE, HERE

    pack.reshape(change)
    rows = {row["place_code"]: row for row in read_rows(pack.directory, "places")}
    cells = ("kode_kab", "kode_kec", "lat", "lon")
    pack.edit("places", "PLBN-ARK", **{cell: rows["PLBN-ENT"][cell] for cell in cells})


async def test_a_limited_source_is_held_to_the_map_of_the_activated_pack_from_when_it_is(
    bus, env, made, tmp_path
):
    before = made("2026.11.5")
    await activate(env, before)
    sender = Sender(limits={"areas": [HERE[:5]]})
    await make_topics(bus.kafka, sender)
    told = {
        "its own point": {"kind": "inland"} | point_in(before, HERE),
        "another's point": {"kind": "inland"} | point_in(before, THERE),
        "another's post": {"kind": "post", "placeCode": "PLBN-ARK"},
    }
    packs = str(bus.plan.run_dir / "packs")
    async with ingest(bus.kafka, sender, tmp_path, SINERGI_PACKS=packs) as service:

        async def refused():
            answers = {
                name: await service.post(sender.event(location=location), path="/v1/events:check")
                for name, location in told.items()
            }
            return {name: one.json()["pointers"] for name, one in answers.items() if one.status_code != 200}

        point, place = ["/data/location/lat", "/data/location/lon"], ["/data/location/placeCode"]
        assert await refused() == {"another's point": point, "another's post": place}
        await activate(env, made("2026.11.6", exchanged))
        deadline = time.monotonic() + 30
        while (found := await refused()) != {"its own point": point}:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)
