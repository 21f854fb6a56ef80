"""The bench's own Kafka: one node, the product's topics, what was sent, how far a group has come."""

import shutil
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from sinergi_ops.parts import kafka
from sinergi_ops.places import DIRECTORY, LOCAL, PACK
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.supervisor import Supervisor
from sinergi_shared.contracts import topics
from sinergi_shared.directory import read_directory
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables
from tests.bench.workload import LANES, Sent

HOME: Final = LOCAL / "bench"
WITHIN_S: Final = 60.0


class Bus:
    """A running Kafka with the topics of a Kalbar deployment."""

    def __init__(self, bootstrap: str, ports: Ports, broker_pid: int) -> None:
        self.bootstrap = bootstrap
        self.ports = ports
        self.broker_pid = broker_pid
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        sources = [source.name for source in read_directory(DIRECTORY).sources]
        self._wanted = {
            topic.name: topic for topic in topics.wanted(sources, recipients_on_bus(read_tables(PACK)), LANES)
        }
        self.alerts: Final = [name for name in self._wanted if name.startswith(topics.alerts(""))]
        self.outputs: Final = [
            *self.alerts,
            *(name for name in self._wanted if name.startswith(topics.status(""))),
            *(topics.JOBS, topics.THREADS, topics.AUDIT, topics.REJECTED),
        ]

    def leave(self) -> None:
        """Let go of Kafka while it still runs: librdkafka has waited for ever to leave one that is gone."""
        del self._admin

    def create(self) -> None:
        """Make every topic of the deployment."""
        self._create(self._wanted)

    def renew_outputs(self, **config: str) -> None:
        """Empty all that a router writes, so that each run starts alike and disk stays bounded.

        ``config`` are more settings for these topics, with ``_`` for ``.``.
        """
        self._settle(self._admin.delete_topics(self.outputs))
        _until(lambda: not set(self.outputs) & self._admin.list_topics(timeout=10).topics.keys())
        self._create(self.outputs, {name.replace("_", "."): value for name, value in config.items()})

    def trim(self, names: Iterable[str]) -> None:
        """Forget every record of these topics up to now."""
        ends = self.ends(names)
        self._settle(
            self._admin.delete_records([TopicPartition(*place, end) for place, end in ends.items() if end])
        )

    def _create(self, names: Iterable[str], more: dict[str, str] | None = None) -> None:
        wanted = [self._wanted[name] for name in names]
        self._settle(
            self._admin.create_topics(
                [
                    NewTopic(topic.name, topic.partitions, 1, config=topic.config | (more or {}))
                    for topic in wanted
                ]
            )
        )
        _until(lambda: self._led({topic.name for topic in wanted}))

    def _led(self, names: set[str]) -> bool:
        found = self._admin.list_topics(timeout=10).topics
        return all(
            name in found and all(part.leader >= 0 for part in found[name].partitions.values())
            for name in names
        )

    @staticmethod
    def _settle(futures: dict[Any, Any]) -> None:
        for future in futures.values():
            future.result(WITHIN_S)

    def send(self, events: Iterable[Sent]) -> None:
        """Publish events to their lanes, in order."""
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5, "log_level": 0}
        )
        for event in events:
            while True:
                try:
                    producer.produce(topics.EVENTS, event.value, event.key, event.lane)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
        producer.flush(WITHIN_S)

    def ends(self, names: Iterable[str]) -> dict[tuple[str, int], int]:
        """Return the next offset of every partition of these topics."""
        places = [
            TopicPartition(name, part) for name in names for part in range(self._wanted[name].partitions)
        ]
        found: dict[tuple[str, int], int] = {}

        def told() -> bool:
            # A node may not know yet that it leads a partition just made.
            asked = self._admin.list_offsets({place: OffsetSpec.latest() for place in places})
            try:
                found.update(
                    {(at.topic, at.partition): one.result(WITHIN_S).offset for at, one in asked.items()}
                )
            except KafkaException:
                return False
            return True

        _until(told)
        return found

    def lane_ends(self) -> list[int]:
        """Return the next offset of each lane of the events."""
        found = self.ends([topics.EVENTS])
        return [found[topics.EVENTS, lane] for lane in range(LANES)]

    def committed(self, group: str) -> list[int]:
        """Return up to where a group has committed each lane of the events; 0 where it has not."""
        asked = self._admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, [TopicPartition(topics.EVENTS, i) for i in range(LANES)])]
        )
        places = asked[group].result(WITHIN_S).topic_partitions
        return [max(0, place.offset) for place in sorted(places, key=lambda place: place.partition)]

    def start_group_at(self, group: str, offsets: list[int]) -> None:
        """Let a group that nobody is in any more start at these offsets; waits for its members to expire."""
        places = [TopicPartition(topics.EVENTS, lane, offset) for lane, offset in enumerate(offsets)]
        request = [ConsumerGroupTopicPartitions(group, places)]
        _until(lambda: self._altered(group, request))

    def _altered(self, group: str, request: list[ConsumerGroupTopicPartitions]) -> bool:
        # The first request for a group may wait for ever for a coordinator that is being made.
        asked = self._admin.alter_consumer_group_offsets(request, request_timeout=5)
        try:
            found = asked[group].result(6)
        except (KafkaException, TimeoutError):
            return False
        return all(place.error is None for place in found.topic_partitions)

    def read(self, names: Iterable[str], since: dict[tuple[str, int], int] | None = None) -> Iterator[Any]:
        """Yield every committed record of these topics from ``since`` on, up to their end now."""
        start = since or {}
        ends = {place: end for place, end in self.ends(names).items() if end > start.get(place, 0)}
        consumer = ConfluentConsumer(
            {
                "bootstrap.servers": self.bootstrap,
                "log_level": 0,
                "group.id": "bench-reader",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )
        consumer.assign([TopicPartition(*place, start.get(place, 0)) for place in ends])
        left = set(ends)
        while left:
            for record in consumer.consume(1000, 1.0):
                if record.error() is None:
                    yield record
                else:  # the end of a partition, the only error that is told here
                    left.discard((record.topic(), record.partition()))
        consumer.close()


@asynccontextmanager
async def running() -> AsyncIterator[Bus]:
    """Run one Kafka node on free ports for as long as the block lasts; its data go to ``.local/bench``."""
    ports = Ports.free()
    node = kafka.Node(_empty(HOME / "kafka"), ports.kafka, ports.kafka_controller)
    await kafka.prepare(node)
    supervisor = Supervisor(HOME / "log")
    try:
        await supervisor.start(kafka.child(node))
        pid = supervisor.kept["kafka"].pid
        assert pid is not None
        bus = Bus(f"{HOST}:{ports.kafka}", ports, pid)
        bus.create()
        yield bus
        bus.leave()
    finally:
        await supervisor.stop()


def _empty(home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    return home


def _until(holds: Any) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the bench's Kafka did not get there")
        time.sleep(0.1)
