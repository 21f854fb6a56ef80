"""``sinergi topics`` on a real Kafka: made once, mended without harm, refused where keys would move."""

import asyncio
import json
import secrets
from time import monotonic

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from typer.testing import CliRunner

from sinergi_ops import topics
from sinergi_ops.places import PACK
from sinergi_shared.contracts.topics import DAY_MS, DEFAULT_LANES, alerts, status, wanted
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables
from sinergi_shared.runtime import kafka as runtime


@pytest.fixture
def code():
    return f"TEST-{secrets.token_hex(4).upper()}"


async def apply(kafka, *codes, **more):
    return await topics.apply([kafka], ["test.one"], codes, **{"lanes": DEFAULT_LANES} | more)


async def existing(kafka):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        return {topic["topic"]: topic for topic in await admin.describe_topics()}
    finally:
        await admin.close()


async def settings(kafka, topic, change=None):
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        if change is not None:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, change)])
        (told,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        (resource,) = told.to_object()["resources"]
        return {entry["config_names"]: entry["config_value"] for entry in resource["config_entries"]}
    finally:
        await admin.close()


async def test_every_declared_topic_is_made_as_declared_and_a_second_time_nothing(kafka, code):
    made = await apply(kafka, code)
    assert {change.topic for change in made} >= {alerts(code)}
    assert await apply(kafka, code) == []
    there = await existing(kafka)
    for topic in wanted(["test.one"], [code], DEFAULT_LANES):
        assert len(there[topic.name]["partitions"]) == topic.partitions
        assert topic.config.items() <= (await settings(kafka, topic.name)).items()
    await runtime.check_topics([kafka], wanted(["test.one"], [code], DEFAULT_LANES))


async def test_a_plan_tells_what_apply_does_and_does_nothing(kafka, code):
    planned = await topics.plan([kafka], ["test.one"], [code], DEFAULT_LANES)
    assert alerts(code) not in await existing(kafka)
    assert await apply(kafka, code) == planned


async def test_a_new_topic_has_leaders_so_that_a_first_record_waits_for_nothing(kafka, code):
    await apply(kafka, code)
    there = await existing(kafka)
    for topic in wanted(["test.one"], [code], DEFAULT_LANES):
        assert all(part["leader"] >= 0 for part in there[topic.name]["partitions"])


async def test_a_setting_that_differs_is_set_and_what_others_have_set_stays(kafka, code):
    await apply(kafka, code)
    await settings(kafka, alerts(code), {"retention.ms": "1000", "segment.bytes": "2097152"})
    (change,) = [change for change in await apply(kafka, code) if change.topic == alerts(code)]
    assert (change.action, change.config["retention.ms"]) == ("configure", str(90 * DAY_MS))
    now = await settings(kafka, alerts(code))
    assert (now["retention.ms"], now["segment.bytes"]) == (str(90 * DAY_MS), "2097152")


async def test_another_lane_count_is_refused_before_any_change(kafka, code):
    await apply(kafka)
    with pytest.raises(runtime.TopicsWrongError, match=r"has 4 partitions, 3 are declared.*--lanes"):
        await apply(kafka, code, lanes=3)
    assert alerts(code) not in await existing(kafka)


async def test_more_copies_than_there_are_brokers_are_refused(kafka, code):
    await apply(kafka)
    with pytest.raises(runtime.TopicsWrongError, match="kafka-reassign-partitions"):
        await apply(kafka, code, replication=3)
    assert alerts(code) not in await existing(kafka)


async def test_two_at_once_do_not_trip_over_each_other(kafka, code):
    await asyncio.gather(apply(kafka, code), apply(kafka, code))
    assert await apply(kafka, code) == []


async def test_a_recipient_that_left_keeps_its_topics(kafka, code):
    await apply(kafka, code)
    assert await apply(kafka) == []
    assert alerts(code) in await existing(kafka)


async def test_the_topics_of_kalbar_are_made_in_seconds(kafka):
    recipients = recipients_on_bus(read_tables(PACK))
    sources = [f"test-{number}.speed" for number in range(30)]
    start = monotonic()
    await topics.apply([kafka], sources, recipients, DEFAULT_LANES)
    assert monotonic() - start < 10
    there = await existing(kafka)
    assert {alerts(code) for code in recipients} | {status(source) for source in sources} <= set(there)


async def test_the_command_tells_changes_as_json_and_refusals_in_words(kafka, code, tmp_path):
    directory = tmp_path / "directory.yaml"
    source = f"urn:sinergi:sumber:{code.lower()}:one"
    directory.write_text(f"sources: [{{urn: '{source}'}}]\nrecipients: {{}}\n")
    arguments = ["apply", "--kafka", kafka, "--directory", str(directory), "--json"]

    def run(*more):
        return CliRunner().invoke(topics.app, [*arguments, *more])

    first = await asyncio.to_thread(run)
    made = {change["topic"] for change in json.loads(first.stdout)}
    assert status(f"{code.lower()}.one") in made
    assert json.loads((await asyncio.to_thread(run)).stdout) == []
    refused = await asyncio.to_thread(run, "--lanes", "7")
    assert refused.exit_code == 1
    assert "7 are declared" in refused.stderr
