"""CAP, gzip and binary mode at a real server, stored on a real Kafka."""

import gzip
import json
from urllib.parse import quote

from sinergi_ops.places import SAMPLES
from sinergi_shared.contracts import topics
from tests.real.test_ingest_service import Sender, ingest, make_topics, producer, stored, until

EXAMPLE = (SAMPLES / "cap" / "01_tppo_pos_entikong.xml").read_bytes()
FIRST = "tpi@entikong.example,tpi-entikong-2026-000417,2026-03-10T08:15:30+07:00"
UPDATE = (
    EXAMPLE.replace(b"000417</identifier>", b"000418</identifier>")
    .replace(b"08:15:30", b"08:25:30")
    .replace(b"<msgType>Alert<", b"<msgType>Update<")
    .replace(b"</addresses>", f"</addresses><references>{FIRST}</references>".encode())
)
FALSE_POSITIVE = (
    UPDATE.replace(b"000418</identifier>", b"000419</identifier>")
    .replace(b"08:25:30", b"08:35:30")
    .replace(b"<msgType>Update<", b"<msgType>Cancel<")
    .replace(
        b"</info>",
        b"<parameter><valueName>sinergi.falsePositive</valueName><value>true</value></parameter></info>",
        1,
    )
)


async def test_cap_gzip_and_binary_senders_are_stored_in_their_threads(kafka, tmp_path):
    sender = Sender()
    await make_topics(kafka, sender)
    event = sender.event()
    told = {name: value for name, value in event.items() if name not in ("data", "datacontenttype")}
    attributes = {f"ce-{name}": quote(value) for name, value in told.items()}
    async with ingest(kafka, sender, tmp_path) as service:
        signed = {"authorization": f"Bearer {sender.key}"}

        async def post(body, **headers):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return (await service.client.post("/v1/events", content=body, headers=signed | named)).status_code

        xml = {"content_type": "application/cap+xml"}
        assert await post(EXAMPLE, **xml) == 202
        assert await post(gzip.compress(UPDATE), content_encoding="gzip", **xml) == 202
        body = json.dumps(event["data"]).encode()
        assert await post(body, content_type="application/json", **attributes) == 202
        assert await post(gzip.compress(b" " * 8_000_000), content_encoding="gzip", **xml) == 413
        assert await post(EXAMPLE + EXAMPLE, **xml) == 400
        # By Kafka too: the same message is a repeat of the first, its false positive the end of it.
        async with producer(kafka) as sending:
            for message in (EXAMPLE, FALSE_POSITIVE):
                typed = [("content-type", b"application/cap+xml")]
                await sending.send_and_wait(topics.submitted(sender.name), message, headers=typed)
        await until(lambda: stored(kafka, sender), lambda told: len(told) == 5)
    found = [document for document, _ in await stored(kafka, sender)]
    alert, again, update, end = sorted(
        (one for one in found if one["id"] != event["id"]), key=lambda one: one["data"]["revision"]
    )
    assert again == alert
    assert (end["partitionkey"], end["data"]["msgType"]) == (alert["partitionkey"], "FalsePositive")
    assert alert["partitionkey"] == update["partitionkey"]
    assert (alert["data"]["revision"], update["data"]["revision"]) == (1, 601)
    assert update["data"]["references"] == [alert["id"]]
    assert [one["data"] for one in found if one["id"] == event["id"]] == [event["data"]]
