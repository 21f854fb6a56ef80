"""``sinergi rejected`` on a real Kafka: only what is committed is seen, and it goes back unchanged."""

import asyncio
import json
import secrets

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from typer.testing import CliRunner

from sinergi_ops import topics as ops_topics
from sinergi_ops.cli import app
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.runtime import kafka as clients
from tests.kit.decisions import sample
from tests.unit.test_rejected import refused

LANES = 4


class Bus:
    """Refusals of one source that nobody else uses, on the shared Kafka."""

    def __init__(self, kafka):
        self.kafka = kafka
        self.name = f"test-{secrets.token_hex(4)}.tpi"
        self.urn = f"urn:sinergi:sumber:{self.name.replace('.', ':')}"

    def event(self, number):
        event = json.loads(json.dumps(sample("01")))
        event["source"] = self.urn
        event["data"]["eventNumber"] = event["subject"] = number
        return event

    def refusal(self, number, reason=Reason.POLICY_MISSING, **more):
        event = self.event(number)
        lane = topics.lane_of(thread_id(self.urn, number), LANES)
        told = {"rejectedSource": self.urn, "door": self.urn, "partition": lane, "offset": int(number[-4:])}
        return refused(json.dumps(event).encode(), reason, **told | more)

    async def publish(self, *refusals):
        producer = clients.producer([self.kafka])
        await producer.start()
        for number, refusal in enumerate(refusals):
            await producer.send_and_wait(topics.REJECTED, _bytes(refusal), partition=number % LANES)
        await producer.stop()

    async def publish_and_abort(self, refusal):
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, transactional_id=self.name)
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(topics.REJECTED, _bytes(refusal), partition=0)
        await producer.abort_transaction()
        await producer.stop()

    async def run(self, *words, status=0):
        arguments = ["rejected", *words, "--kafka", self.kafka]
        done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert done.exit_code == status, done.output
        return done

    async def lines(self, *words, status=0):
        done = await self.run(*words, "--source", self.name, "--json", status=status)
        return [json.loads(line) for line in done.stdout.splitlines()]

    async def on(self, topic, partitions):
        """What this source has on a topic now."""
        reader = clients.reader([self.kafka])
        await reader.start()
        places = [TopicPartition(topic, number) for number in range(partitions)]
        reader.assign(places)
        ends, found = await reader.end_offsets(places), []
        while any([await reader.position(place) < ends[place] for place in places]):
            for records in (await reader.getmany(timeout_ms=100)).values():
                found += [record for record in records if self.urn.encode() in (record.value or b"")]
        await reader.stop()
        return found


def _bytes(refusal):
    return refusal.model_dump_json(exclude_none=True).encode()


@pytest.fixture
async def bus(kafka):
    made = Bus(kafka)
    await ops_topics.apply([kafka], [made.name], [], LANES)
    return made


async def test_a_list_holds_what_is_committed_in_every_lane_oldest_first(bus):
    refusals = [
        bus.refusal(f"PRS-20260310-000{number}", at=f"2026-03-10T08:0{number}:00+07:00")
        for number in (4, 2, 1, 3)
    ]
    await bus.publish_and_abort(bus.refusal("PRS-20260310-0009"))
    await bus.publish(*refusals)
    listed = await bus.lines("list")
    assert [one["offset"] for one in listed] == [1, 2, 3, 4]
    assert not any("payload" in one for one in listed)
    assert [one["offset"] for one in await bus.lines("list", "--since", "2026-03-10T08:03:00+07:00")] == [
        3,
        4,
    ]
    assert await bus.lines("list", "--reason", "CRASH_LOOP") == []


async def test_a_table_is_for_people_and_a_record_of_another_is_passed_over(bus):
    await bus.publish(bus.refusal("PRS-20260310-0001"))
    producer = clients.producer([bus.kafka])
    await producer.start()
    await producer.send_and_wait(topics.REJECTED, b"not ours", partition=1)
    await producer.stop()
    done = await bus.run("list", "--source", bus.name)
    assert "POLICY_MISSING" in done.stdout
    assert "passed over" in done.stderr


async def test_one_is_shown_by_the_beginning_of_its_id_and_its_content_only_when_asked(bus):
    number = f"PRS-20260310-{secrets.randbelow(9000) + 1000}"
    refusal = bus.refusal(number, at=f"2026-03-10T08:00:00.{secrets.randbelow(900_000) + 100_000}+07:00")
    await bus.publish(refusal)
    plain = await bus.run("show", refusal.id[:13])
    assert refusal.id in plain.stdout
    assert "COACHED_ANSWERS" not in plain.output
    whole = await bus.run("show", refusal.id, "--payload")
    assert json.loads(whole.stdout) == bus.event(number)
    await bus.run("show", "ffffffff-0000", status=1)


async def test_a_replay_puts_the_same_bytes_into_the_same_lane_and_names_what_it_cannot(bus):
    good = bus.refusal("PRS-20260310-0001")
    posted = bus.refusal("PRS-20260310-0002", Reason.VERSION_UNKNOWN, topic=None, partition=None, offset=None)
    faulty = bus.refusal("PRS-20260310-0003", Reason.SCHEMA_INVALID)
    unkept = bus.refusal("PRS-20260310-0004", Reason.PII_DETECTED, kept=False)
    await bus.publish(good, posted, faulty, unkept)
    planned = await bus.lines("replay", "--dry-run")
    assert await bus.on(topics.EVENTS, LANES) == []
    assert {one["id"]: one["hindrance"] for one in planned} == {
        good.id: None,
        posted.id: None,
        faulty.id: "not_retryable",
        unkept.id: "payload_not_kept",
    }
    await bus.run("replay", "--source", bus.name, status=2)  # nobody there to ask
    done = await bus.run("replay", "--source", bus.name, "--yes")
    assert "2 dikembalikan" in done.stderr
    assert "PII_DETECTED" in done.stdout
    [event] = await bus.on(topics.EVENTS, LANES)
    thread = thread_id(bus.urn, "PRS-20260310-0001")
    assert json.loads(event.value) == bus.event("PRS-20260310-0001")
    assert (event.key, event.partition) == (thread.encode(), topics.lane_of(thread, LANES))
    [submitted] = await bus.on(topics.submitted(bus.name), 1)
    assert json.loads(submitted.value) == bus.event("PRS-20260310-0002")
    assert submitted.key == b"PRS-20260310-0002"


async def test_one_that_was_named_and_cannot_go_back_is_a_failure(bus):
    unkept = bus.refusal("PRS-20260310-0007", Reason.TOO_LARGE, kept=False, at="2026-03-11T08:00:00+07:00")
    await bus.publish(unkept)
    done = await bus.run("replay", "--source", bus.name, "--id", unkept.id, "--yes", status=1)
    assert "payload not kept" in done.stdout
    await bus.run("replay", "--source", bus.name, "--id", "ffffffff", status=1)


async def test_a_kafka_that_is_away_is_told_in_words():
    done = await asyncio.to_thread(CliRunner().invoke, app, ["rejected", "list", "--kafka", "127.0.0.1:1"])
    assert done.exit_code == 1
    assert "no Kafka at 127.0.0.1:1" in done.stderr
