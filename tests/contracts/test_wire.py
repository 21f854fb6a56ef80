"""What the three services really write is what is published: topic, key, lane, headers, message."""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import jsonschema
import pytest
from prometheus_client import CollectorRegistry

from sinergi_ingest.admit import Admitted, admit
from sinergi_ingest.records import Origin, event_record, rejected_record, status_record
from sinergi_notifier.lane import NotifierLane, Setup
from sinergi_notifier.metrics import Metrics
from sinergi_ops import schemas
from sinergi_ops.places import DIRECTORY, PACK
from sinergi_router.app import load_policy
from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.rules import Rules
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.envelope import CONTENT_TYPE
from sinergi_shared.contracts.thread import TOTALS_KEY
from sinergi_shared.directory import read_directory
from sinergi_shared.region.pack import read_pack
from tests.contracts.places import SAMPLES, SCHEMAS
from tests.kit.decisions import nothing_kept

LANES = topics.DEFAULT_LANES
FAMILIES = [
    (re.compile(re.sub(r"\\\{\w+\\\}", "(.+)", re.escape(topic.name))), topic) for topic in topics.TOPICS
]


@dataclass
class Stored:
    """A record as a reader gets it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple
    timestamp: int = 1_773_100_000_000


def stored(outgoing):
    return [
        Stored(out.topic, out.partition, offset, out.key, out.value, out.headers)
        for offset, out in enumerate(outgoing)
    ]


def sample_bodies():
    yield from (path.read_bytes() for path in sorted(SAMPLES.glob("0*.json")))
    yield from (SAMPLES / "day_events.jsonl").read_bytes().splitlines()
    yield b'{"id": "half a message"'
    yield b"[]"


BESIDE = {"totals", "policy", "audit-policy"}
"""Messages that travel beside a topic's own."""


def taken(directory):
    """Yield what ingest writes, as if each source used its own topic."""
    sources = {source.urn: source for source in directory.sources}
    for offset, body in enumerate(sample_bodies()):
        claimed = re.search(rb'"source": ?"([^"]+)"', body)
        source = sources.get(claimed[1].decode() if claimed else "", directory.sources[0])
        reported = re.search(rb'"reportedAt": ?"([^"]+)"', body)
        now = datetime.fromisoformat(reported[1].decode() if reported else "2026-03-10T08:00:00+07:00")
        verdict = admit(body, frozenset(sources), now)
        if isinstance(verdict, Admitted):
            yield event_record(verdict, LANES)
        else:
            origin = Origin(
                source, body, now, topic=topics.submitted(source.name), partition=0, offset=offset
            )
            yield rejected_record(verdict, origin, now, LANES)
            yield status_record(verdict, origin, now)


@pytest.fixture(scope="module")
def written():
    """Return every record of the samples' day, by the service that wrote it."""
    directory, pack = read_directory(DIRECTORY), read_pack(PACK)
    policy, now = load_policy(pack), datetime.fromisoformat("2026-03-10T21:00:00+07:00")
    by_ingest = list(taken(directory))
    events = stored(out for out in by_ingest if out.topic == topics.EVENTS)
    events.append(Stored(topics.EVENTS, 0, 9_999, b"x", b"not an event", ()))
    metrics = RouterMetrics(CollectorRegistry(), LANES)
    by_router = []
    for lane in range(LANES):
        router = RouterLane(lane, Rules(policy), metrics, lambda: now, nothing_kept, Threads(10_000))
        by_router += router.work([event for event in events if event.partition == lane])
    jobs = stored(out for out in by_router if out.topic == topics.JOBS)
    setup = Setup(
        directory.recipients, Metrics(CollectorRegistry(), LANES), lambda: now + timedelta(seconds=1), list
    )
    by_notifier = []
    for lane in range(LANES):
        by_notifier += NotifierLane(lane, setup).work([job for job in jobs if job.partition == lane])
    by_notifier += NotifierLane(0, setup).work([Stored(topics.JOBS, 0, 9_999, b"x", b"not a job", ())])
    return {"ingest": by_ingest, "router": by_router, "notifier": by_notifier}


def declared(name):
    (topic,) = (
        topic for pattern, topic in FAMILIES if pattern.fullmatch(name) and (topic.per or topic.name == name)
    )
    return topic


def each_record(written):
    for service, records in written.items():
        for record in records:
            yield service, record, declared(record.topic)


def test_the_samples_make_every_kind_of_record_but_those_of_people(written):
    kinds = {topic.name for _, _, topic in each_record(written)}
    from_outside = {"sinergi.submitted.v1.{source}", "sinergi.responses.v1.{recipient}"}
    later = {topics.RESPONSES, topics.REQUESTS, topics.CONTROLS, topics.CHECKPOINTS}
    assert kinds == {topic.name for topic in topics.TOPICS} - from_outside - later


def test_every_message_fits_the_published_schema_of_its_topic(written):
    validators = {
        name: jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{message.name}.json").read_text()))
        for message in schemas.MESSAGES
        for name in ((message.name,) if message.name in BESIDE else message.topics)
    }
    for service, record, topic in each_record(written):
        name = "totals" if record.key == TOTALS_KEY else topic.name
        faults = [error.message for error in validators[name].iter_errors(json.loads(record.value))]
        assert not faults, (service, topic.name, faults)


def test_a_service_writes_only_where_it_is_declared_a_writer(written):
    for service, _, topic in each_record(written):
        assert service in topic.writers or topic.writers == "all", topic.name


def test_a_cloud_event_says_so_in_its_header(written):
    for _, record, topic in each_record(written):
        if topic.name != topics.THREADS:
            assert dict(record.headers)["content-type"].decode() == CONTENT_TYPE


def test_a_record_of_a_thread_is_in_the_threads_lane_and_under_its_key(written):
    for _, record, topic in each_record(written):
        if topic.key.startswith("threadId") and topic.width == "lanes" and record.key != TOTALS_KEY:
            thread = record.key.decode().split("/")[0]
            assert record.partition == topics.lane_of(thread, LANES), topic.name


def test_no_record_is_larger_than_its_topic_takes(written):
    for _, record, topic in each_record(written):
        assert len(record.value) < topic.max_message_bytes
        assert 0 <= record.partition < topic.partitions(LANES)


def test_what_is_compacted_has_a_key(written):
    for _, record, topic in each_record(written):
        if topic.retention_days is None:
            assert record.key
