"""Every topic, declared once: key, lanes or one partition, retention, writers, readers.

``sinergi topics`` creates and checks them; the broker creates none by itself. A lane is a
partition number shared by all lane topics: a thread lives in one lane, so update, cancel and
original stay in order (architecture, 2 and 3).
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

DAY_MS: Final = 86_400_000
DEFAULT_LANES: Final = 4

EVENTS: Final = "sinergi.events.v1"
THREADS: Final = "sinergi.threads.v1"
JOBS: Final = "sinergi.jobs.v1"
FOLLOWUP: Final = "sinergi.followup.v1"
RESPONSES: Final = "sinergi.responses.v1"
REQUESTS: Final = "sinergi.requests.v1"
REJECTED: Final = "sinergi.rejected.v1"
CONTROLS: Final = "sinergi.controls.v1"
AUDIT: Final = "sinergi.audit.v1"
CHECKPOINTS: Final = "sinergi.checkpoints.v1"


def submitted(source: str) -> str:
    """Return the topic into which only this source (``<system>.<channel>``) may write."""
    return f"sinergi.submitted.v1.{source}"


def status(source: str) -> str:
    """Return the topic from which a source learns what became of its events."""
    return f"sinergi.status.v1.{source}"


def alerts(recipient: str) -> str:
    """Return the topic that only this recipient may read."""
    return f"sinergi.alerts.v1.{recipient}"


def drills(recipient: str) -> str:
    """Return the recipient's topic for exercises; real alerts never go there."""
    return f"sinergi.drills.v1.{recipient}"


def responses(recipient: str) -> str:
    """Return the topic into which this recipient's own systems write answers."""
    return f"sinergi.responses.v1.{recipient}"


Width = Literal["lanes", "one"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic, or a family of topics when ``per`` names what the last part of the name is."""

    name: str
    key: str
    writers: str
    readers: str
    purpose: str
    retention_days: int | None  # None: compacted, kept as long as a key lives
    width: Width = "lanes"
    per: Literal["source", "recipient"] | None = None
    max_message_bytes: int = 1_048_576

    def partitions(self, lanes: int) -> int:
        """Return the partition count for a deployment of so many lanes."""
        return lanes if self.width == "lanes" else 1

    def config(self) -> dict[str, str]:
        """Return the topic's Kafka settings."""
        if self.retention_days is None:
            cleanup = {
                "cleanup.policy": "compact",
                "min.cleanable.dirty.ratio": "0.1",
                "segment.ms": "3600000",
            }
        else:
            cleanup = {
                "cleanup.policy": "delete",
                "retention.ms": str(self.retention_days * DAY_MS),
            }
        return cleanup | {"max.message.bytes": str(self.max_message_bytes)}


TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        name="sinergi.submitted.v1.{source}",
        per="source",
        key="event number",
        writers="that upstream system only",
        readers="ingest",
        purpose="Events as an upstream system publishes them",
        retention_days=3,
        width="one",
    ),
    Topic(
        name=EVENTS,
        key="threadId",
        writers="ingest",
        readers="router",
        purpose="Admitted events",
        retention_days=90,
    ),
    Topic(
        name=THREADS,
        key="threadId, or totals",
        writers="router",
        readers="router",
        purpose="What each event has become and who knows of it",
        retention_days=None,
    ),
    Topic(
        name="sinergi.alerts.v1.{recipient}",
        per="recipient",
        key="threadId",
        writers="router",
        readers="that agency",
        purpose="Alerts, already disclosed for that recipient",
        retention_days=90,
        width="one",
    ),
    Topic(
        name="sinergi.drills.v1.{recipient}",
        per="recipient",
        key="threadId",
        writers="router",
        readers="that agency",
        purpose="Alerts of exercises",
        retention_days=30,
        width="one",
    ),
    Topic(
        name=JOBS,
        key="threadId",
        writers="router",
        readers="notifier",
        purpose="What to deliver, by when; disclosed",
        retention_days=30,
    ),
    Topic(
        name=FOLLOWUP,
        key="threadId/deliveryId",
        writers="notifier",
        readers="notifier",
        purpose="Delivery and answer state",
        retention_days=None,
    ),
    Topic(
        name="sinergi.responses.v1.{recipient}",
        per="recipient",
        key="any",
        writers="that agency's systems",
        readers="notifier",
        purpose="Answers as an agency's systems publish them",
        retention_days=7,
        width="one",
    ),
    Topic(
        name=RESPONSES,
        key="threadId",
        writers="notifier",
        readers="notifier, reports",
        purpose="Checked answers, in their lane",
        retention_days=90,
    ),
    Topic(
        name=REQUESTS,
        key="threadId",
        writers="notifier, sinergi",
        readers="router",
        purpose="Asks the router to decide again about a thread",
        retention_days=30,
    ),
    Topic(
        name="sinergi.status.v1.{source}",
        per="source",
        key="event number; when none can be read the record key, else partition/offset",
        writers="ingest, router, notifier",
        readers="that source, ingest",
        purpose="What became of a source's events",
        retention_days=None,
        width="one",
    ),
    Topic(
        name=REJECTED,
        key="source",
        writers="all",
        readers="operators, sinergi rejected",
        purpose="Refused messages, kept where they can be replayed",
        retention_days=14,
    ),
    Topic(
        name=CONTROLS,
        key="kind/id",
        writers="notifier, sinergi",
        readers="all, read to the end at start",
        purpose="Mutes, grants, approvals, pack activation; each with its own end",
        retention_days=None,
        width="one",
    ),
    Topic(
        name=AUDIT,
        key="none",
        writers="all",
        readers="sinergi audit",
        purpose="Every decision, for the record",
        retention_days=400,
    ),
    Topic(
        name=CHECKPOINTS,
        key="none",
        writers="the sealer",
        readers="sinergi audit",
        purpose="Seals over the audit record",
        retention_days=400,
    ),
)


@dataclass(frozen=True, slots=True)
class WantedTopic:
    """A topic that a deployment must have, with its settings."""

    name: str
    partitions: int
    config: dict[str, str]


def wanted(sources: Iterable[str], recipients: Iterable[str], lanes: int) -> list[WantedTopic]:
    """Return every topic of a deployment, families expanded, sorted by name."""
    members = {"source": sorted(sources), "recipient": sorted(recipients), None: [""]}
    return sorted(
        (
            WantedTopic(
                name=topic.name.format(source=member, recipient=member),
                partitions=topic.partitions(lanes),
                config=topic.config(),
            )
            for topic in TOPICS
            for member in members[topic.per]
        ),
        key=lambda topic: topic.name,
    )


def lane_of(thread: str, lanes: int) -> int:
    """Return the lane of a thread: Kafka's default partitioner (murmur2) over its id."""
    return (_murmur2(thread.encode()) & 0x7FFFFFFF) % lanes


def _murmur2(data: bytes) -> int:
    # As in org.apache.kafka.common.utils.Utils, so that any Kafka client agrees on the lane.
    mask = 0xFFFFFFFF
    mixer = 0x5BD1E995
    value = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for word in struct.unpack(f"<{whole // 4}I", data[:whole]):
        mixed = (word * mixer) & mask
        value = (value * mixer ^ (mixed ^ mixed >> 24) * mixer) & mask
    rest = data[whole:]
    if rest:
        value ^= int.from_bytes(rest, "little")
        value = (value * mixer) & mask
    value ^= value >> 13
    value = (value * mixer) & mask
    return value ^ (value >> 15)
