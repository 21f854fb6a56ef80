"""A new sender with only the page: each example of it, as it stands, run in an empty folder."""

import asyncio
import json
import os
import re
import shutil
import sys

import httpx
import pytest

from sinergi_ops.places import KEYS, SAMPLES
from sinergi_ops.sending.senders import read_keys
from tests.kit.senders_doc import EXAMPLES, blocks
from tests.real.test_ingest_service import Sender, make_topics
from tests.real.test_ingest_service import ingest as own_ingest
from tests.real.test_send import ingest, until_told  # noqa: F401 - the fixture

SOURCE = "urn:sinergi:sumber:imi-ent:tpi"
KEY = read_keys(KEYS)[SOURCE]


async def run(folder, *command, stdin=b"", **settings):
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(stdin), 60)
    assert process.returncode == 0
    return out.decode()


async def becomes_routed(url, number):
    asked = {"source": SOURCE, "data": {"eventNumber": number}}
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        told = await until_told(client, asked, lambda told: told["state"] != "accepted")
    assert told["state"] == "routed"


async def test_an_event_by_curl_is_routed_and_its_receipt_can_be_checked(ingest, tmp_path):  # noqa: F811
    (tmp_path / "kunci.txt").write_text(f"Authorization: Bearer {KEY}\n")
    out = await run(tmp_path, "bash", "-euc", blocks("bash")[0], SINERGI_INGEST_URL=ingest)
    assert re.match(r"HTTP/1.1 202 ", out)
    told = json.loads(out[out.index("{") :])
    await becomes_routed(ingest, told["eventNumber"])
    settings = {"stdin": told["receipt"].encode(), "SINERGI_INGEST_URL": ingest}
    assert told["id"] in await run(tmp_path, sys.executable, "-c", blocks("python")[2], **settings)
    command = (sys.executable, "-m", "sinergi_ops", "receipt", "verify", "-")
    keys = ("--keys", f"{ingest}/v1/receipts/keys")
    assert told["id"] in await run(tmp_path, *command, *keys, stdin=told["receipt"].encode())


async def test_an_event_by_python_alone_is_routed(ingest, tmp_path):  # noqa: F811
    command = (sys.executable, "-I", "-S", "-c", blocks("python")[0])
    out = await run(tmp_path, *command, SINERGI_INGEST_URL=ingest, SINERGI_KEY=KEY)
    assert out.startswith("202 ")
    await becomes_routed(ingest, re.search(r"PRS-\d{8}-\w+", out)[0])


async def test_an_event_by_kafka_is_routed(kafka, ingest, tmp_path):  # noqa: F811
    for name, state in (("tppo_at_post", "routed"), ("test", "stopped TEST_STOP")):
        body = (EXAMPLES / f"{name}.json").read_bytes()
        script = blocks("python")[1]
        out = await run(tmp_path, sys.executable, "-c", script, stdin=body, SINERGI_KAFKA=kafka)
        assert out.split("\n")[0].strip() == state
    assert ingest


async def test_a_cap_message_by_curl_is_routed(ingest, tmp_path):  # noqa: F811
    (tmp_path / "kunci.txt").write_text(f"Authorization: Bearer {KEY}\n")
    shutil.copy(SAMPLES / "cap" / "01_tppo_pos_entikong.xml", tmp_path / "peringatan.xml")
    out = await run(tmp_path, "bash", "-euc", blocks("bash")[2], SINERGI_INGEST_URL=ingest)
    assert re.match(r"HTTP/1.1 202 ", out)
    await becomes_routed(ingest, json.loads(out[out.index("{") :])["eventNumber"])


async def test_an_event_signed_with_a_key_of_ones_own_is_taken(kafka, tmp_path):
    class Signer(Sender):
        def directory(self, folder):
            signing = [{"id": "saya", "ed25519": self.public}]
            path = folder / "directory.yaml"
            path.write_text(
                json.dumps({"sources": [{"urn": self.urn, "signing": signing}], "recipients": {}})
            )
            return path

    sender = Signer()
    sender.public = (await run(tmp_path, "bash", "-euc", blocks("bash")[1])).strip()
    await make_topics(kafka, sender)
    async with own_ingest(kafka, sender, tmp_path) as service:
        settings = {"SINERGI_INGEST_URL": service.url, "SINERGI_KEYID": "saya"}
        script, body = blocks("python")[3], json.dumps(sender.event()).encode()
        out = await run(tmp_path, sys.executable, "-c", script, stdin=body, **settings)
    assert out.startswith("202 ")


@pytest.mark.usefixtures("ingest")
async def test_a_receipt_of_another_event_is_told_as_such(ingest, tmp_path):  # noqa: F811
    sent, other = (json.loads((EXAMPLES / f"{name}.json").read_text()) for name in ("test", "exercise"))
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/cloudevents+json"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{ingest}/v1/events", content=json.dumps(sent), headers=headers)
        published = await client.get(f"{ingest}/v1/receipts/keys")
    (tmp_path / "keys.json").write_bytes(published.content)
    for name, event, status in (("sent", sent, 0), ("other", other, 1), ("changed", sent | {"x": "y"}, 1)):
        (tmp_path / name).write_text(json.dumps(event))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sinergi_ops", "receipt", "verify", answer.json()["receipt"]),
            *("--event", str(tmp_path / name), "--keys", str(tmp_path / "keys.json")),
        )
        assert await asyncio.wait_for(process.wait(), 60) == status
