"""A source that comes into the directory while ingest runs is read without a restart, on a real Kafka."""

import hashlib
import json

import yaml

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.envelope import CONTENT_TYPE
from tests.real.test_ingest_service import (
    STRUCTURED,
    Sender,
    ingest,
    make_topics,
    producer,
    stored_ids,
    until,
)


def registered(folder, *senders):
    sources = [
        {"urn": one.urn, "keys": [{"id": "t", "sha256": hashlib.sha256(one.key.encode()).hexdigest()}]}
        for one in senders
    ]
    part = folder / "directory.part"
    part.write_text(yaml.safe_dump({"sources": sources, "recipients": {}}))
    part.rename(folder / "directory.yaml")


async def submit(kafka, sender, *events):
    async with producer(kafka) as sending:
        for event in events:
            body = json.dumps(event).encode()
            await sending.send_and_wait(topics.submitted(sender.name), body, headers=STRUCTURED)


async def test_a_new_source_is_read_once_its_topics_are_there_and_nobody_is_held_up_meanwhile(
    kafka, tmp_path
):
    old, new = Sender(), Sender()
    await make_topics(kafka, old)
    async with ingest(kafka, old, tmp_path) as service:
        by_new = {"authorization": f"Bearer {new.key}", "content-type": CONTENT_TYPE}
        missing = f'sinergi_operator_alert{{kind="topics_missing",source="{new.urn}"}} 1.0'

        async def is_told():
            return missing in (await service.client.get("/metrics")).text

        async def state(event):
            where = f"/v1/events/{new.name}/{event['subject']}"
            answer = await service.client.get(where, headers=by_new)
            return answer.status_code, answer.json().get("state")

        registered(tmp_path, old, new)
        assert await until(is_told, bool)
        unknown = new.event()
        assert await state(unknown) == (503, None)  # it may be on the topic that is not read yet
        before = old.event()
        await submit(kafka, old, before)
        assert await until(lambda: stored_ids(kafka, old), bool) == [before["id"]]
        assert await service.status("/readyz") == 200

        await make_topics(kafka, new)
        good, bad, after = new.event(), new.event(revision=0), old.event()
        await submit(kafka, new, good, bad)
        assert await until(lambda: stored_ids(kafka, new), bool) == [good["id"]]
        assert await until(lambda: state(bad), lambda told: told[0] == 200) == (200, "rejected")
        assert await until(lambda: state(good), lambda told: told[0] == 200) == (200, "accepted")
        assert await until(lambda: state(unknown), lambda told: told[0] != 503) == (404, None)
        assert not await is_told()
        await submit(kafka, old, after)
        both = {before["id"], after["id"]}
        assert set(await until(lambda: stored_ids(kafka, old), lambda told: len(told) > 1)) == both
        assert service.process.returncode is None
        assert await service.status("/readyz") == 200
