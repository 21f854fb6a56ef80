"""The verdict: every topic an agency reads, read anew, against the sender's own list.

Nothing here comes from a counter of ours: recipients are the oracle's, acknowledgements the
sender's, alerts those that a fresh read_committed consumer sees.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from sinergi_shared.contracts import topics
from sinergi_shared.runtime import kafka
from tests.chaos.templates import Sent

Offsets = dict[TopicPartition, int]
_SUBJECT = re.compile(rb'"subject":"([^"]*)"')
_PATIENCE_S = 20.0  # an open transaction is aborted within 7 s


@dataclass(slots=True)
class Findings:
    """What is there that must not be, and what is not that must; ``refused`` holds rejections whole."""

    expected: int = 0
    lost: Counter = field(default_factory=Counter)
    duplicated: Counter = field(default_factory=Counter)
    extra: Counter = field(default_factory=Counter)
    refused: list[dict] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # partitions with an end that nobody can reach


async def ends(bootstrap: list[str]) -> Offsets:
    """Return the end of every partition that the checker reads, open transactions included."""
    places = await _places(bootstrap)
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted")
    await reader.start()
    try:
        # All at once: else the consumer asks for one topic's metadata after the other, 0.1 s each.
        await reader._client.set_topics({place.topic for place in places})
        return await reader.end_offsets(places)
    finally:
        await reader.stop()


async def _places(bootstrap: list[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return [
            TopicPartition(topic["topic"], part["partition"])
            for topic in await admin.describe_topics()
            if is_read(topic["topic"])
            for part in topic["partitions"]
        ]
    finally:
        await admin.close()


async def check(bootstrap: list[str], since: Offsets, acked: Iterable[Sent]) -> Findings:
    """Compare all records after ``since`` with what the acknowledged events must have caused."""
    wanted = Counter(key for one in acked for key in one.template.expected(one))
    seen: Counter = Counter()
    findings = Findings(expected=len(wanted))
    async for record in records(bootstrap, since, findings):
        if record.topic == topics.REJECTED:
            findings.refused.append(orjson.loads(record.value)["data"])
        else:
            seen[record.topic, subject(record.value)] += 1
    findings.lost = Counter({key: 1 for key in wanted if key not in seen})
    findings.extra = Counter({key: times for key, times in seen.items() if key not in wanted})
    findings.duplicated = Counter({key: times for key, times in seen.items() if times > 1})
    return findings


async def records(bootstrap: list[str], since: Offsets, findings: Findings):
    """Yield what is committed after ``since`` on every topic read; what nobody can reach is noted."""
    until = await ends(bootstrap)
    left = {place: end for place, end in until.items() if end > since.get(place, 0)}
    if not left:
        return
    reader = kafka.reader(bootstrap, fetch_max_bytes=16_777_216, max_partition_fetch_bytes=2_097_152)
    await reader.start()
    try:
        reader.assign(list(left))
        for place in left:
            reader.seek(place, since.get(place, 0))
        moved = monotonic()
        while left and monotonic() - moved < _PATIENCE_S:
            for batch in (await reader.getmany(timeout_ms=200)).values():
                moved = monotonic()
                for record in batch:
                    yield record
            left = {place: end for place, end in left.items() if await reader.position(place) < end}
        findings.unreadable = [f"{place.topic}/{place.partition}" for place in left]
    finally:
        await reader.stop()


def subject(value: bytes) -> str:
    """Return a message's subject."""
    # Ten times cheaper than parsing a job; the envelope's own subject stands before its data.
    found = _SUBJECT.search(value)
    return found[1].decode() if found else "?"


def is_read(topic: str) -> bool:
    """Return whether the checker reads this topic."""
    return topic in {topics.JOBS, topics.REJECTED} or topic.startswith((topics.alerts(""), topics.drills("")))
