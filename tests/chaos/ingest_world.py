"""Where ingest's scenarios run: a Kafka, one ingest process on a port that stays, sources with keys.

The verdict comes from Kafka read anew, and from the answers that the clients themselves had.
"""

import asyncio
import hashlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Final

import yaml
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from sinergi_ops import topics as ops_topics
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.stack import Plan, parts
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.strict_json import body_digest
from tests.chaos.http_client import BrokenError, Connection
from tests.chaos.members import Member
from tests.chaos.world import LANES, Options, World, world_of

SOURCES: Final = ("pos-satu.tpi", "pos-dua.tpi", "patroli.laut")
_READY_WITHIN_S: Final = 60.0
_AGAIN_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Reporter:
    """A source that may send, with its key."""

    name: str

    @property
    def urn(self) -> str:
        """What its events name as their source."""
        return "urn:sinergi:sumber:" + self.name.replace(".", ":")

    @property
    def key(self) -> str:
        """Its API key; made for the test."""
        return f"sng_chaos_{hashlib.sha256(self.name.encode()).hexdigest()}"

    def entry(self) -> dict[str, Any]:
        """Its entry of ``directory.yaml``."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()
        rate = {"perSecond": 1e6, "burst": 1e6}  # what ingest bears is the question, not its limit
        return {"urn": self.urn, "keys": [{"id": "chaos", "sha256": digest}], "rate": rate}

    def event(self, run: str, number: int) -> dict[str, Any]:
        """A valid event with an identity of its own."""
        told = f"PRS-20260310-{run.upper()}{number:06X}"
        raw = hashlib.sha256(f"{self.urn} {told}".encode()).hexdigest()
        event_id = f"{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-8{raw[17:20]}-{raw[20:32]}"
        envelope = {"id": event_id, "source": self.urn, "subject": told, "partitionkey": told}
        return EXAMPLE | envelope | {"data": EXAMPLE["data"] | {"eventNumber": told}}


@dataclass(frozen=True, slots=True)
class Gate:
    """The ingest process and who may send to it."""

    port: int
    kafka_pid: int
    member: Member
    reporters: tuple[Reporter, ...] = tuple(Reporter(name) for name in SOURCES)

    async def ready(self) -> None:
        """Return once it says that it takes events."""
        async with asyncio.timeout(_READY_WITHIN_S), Connection(self.port) as probe:
            while True:
                try:
                    if (
                        await probe.send(f"GET /readyz HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
                    ).status == 200:
                        return
                except BrokenError:
                    pass
                await asyncio.sleep(_AGAIN_S)

    def resident_mib(self) -> float:
        """Return the process's memory in MiB, as the kernel counts it."""
        pages = int(Path(f"/proc/{self.member.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@asynccontextmanager
async def ingest_node(options: Options, run_dir: Path) -> AsyncIterator[World]:
    """Run a Kafka with the topics of three sources; ``world.part`` is the ``Gate``, not started."""
    async with parts(Plan(run_dir, Ports.free(), lanes=LANES, told=options.told)) as running_parts:
        await ops_topics.apply([running_parts.kafka], list(SOURCES), [], LANES)
        world = world_of(options, running_parts)
        directory = run_dir / "sources.yaml"
        entries = [Reporter(name).entry() for name in SOURCES]
        directory.write_text(yaml.safe_dump({"sources": entries, "recipients": {}}), encoding="utf-8")
        env = {
            "SINERGI_KAFKA": running_parts.kafka,
            "SINERGI_DIRECTORY": str(directory),
            "SINERGI_LANES": str(LANES),
            "SINERGI_DEMO": "true",
        }
        port = Ports.free().ingest
        faults = (options.fault,) if options.fault else ()
        member = Member("0", env, world.logs / "ingest.log", *faults, program="ingest", port=port)
        kafka_pid = running_parts.supervisor.kept["kafka"].pid
        assert kafka_pid is not None
        yield replace(world, part=Gate(port, kafka_pid, member))


@dataclass(slots=True)
class Report:
    """An event that a client sends until it is taken; times are monotonic seconds."""

    event_id: str
    source: str
    digest: str
    tries: int = 0
    acked_at: float = 0.0

    @property
    def identity(self) -> tuple[str, str]:
        """By what a repeat is recognised."""
        return self.source, self.event_id


@dataclass(frozen=True, slots=True)
class Told:
    """What one request was answered, and when (monotonic)."""

    sent_at: float
    at: float
    status: int
    retry_after: str | None


@dataclass(slots=True)
class Clients:
    """So many clients that send one event after the other, each again under its id until ``202``."""

    gate: Gate
    run: str
    rate: float
    number: int = 40
    acked: list[Report] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    answers: list[Told] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    on_ack: Callable[[], None] = lambda: None
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: Iterator[int] = field(default_factory=count)
    _from: float = 0.0

    async def work(self) -> None:
        """Send at the rate until stopped; return once each client's event in hand was taken."""
        self._from = monotonic()
        await asyncio.gather(*(self._client() for _ in range(self.number)))

    def stop(self) -> None:
        """Begin no further event."""
        self._stop.set()

    @property
    def last_ack(self) -> float:
        """When (monotonic) an event was last taken."""
        return self.acked[-1].acked_at if self.acked else 0.0

    async def _client(self) -> None:
        async with Connection(self.gate.port) as connection:
            while not self._stop.is_set():
                number = next(self._numbers)
                wait_s = self._from + number / self.rate - monotonic()
                if wait_s < -1:
                    self._from -= wait_s + 1  # what was missed in an outage is not caught up with a flood
                await asyncio.sleep(max(0.0, wait_s))
                await self._until_taken(connection, number)

    async def _until_taken(self, connection: Connection, number: int) -> None:
        reporter = self.gate.reporters[number % len(self.gate.reporters)]
        event = reporter.event(self.run, number)
        body = json.dumps(event).encode()
        report = Report(event["id"], event["source"], body_digest(event))
        self.waiting.add(report.event_id)
        while True:
            report.tries += 1
            sent_at = monotonic()
            try:
                answer = await connection.post(body, reporter.key)
            except BrokenError:
                await asyncio.sleep(_AGAIN_S)
                continue
            now = monotonic()
            self.answers.append(Told(sent_at, now, answer.status, answer.headers.get("retry-after")))
            if answer.status == 202:
                report.acked_at = now
                self.acked.append(report)
                self.waiting.discard(report.event_id)
                self.on_ack()
                return
            if answer.status != 503:
                self.refused[answer.status] += 1
                return
            await asyncio.sleep(_AGAIN_S * 4)


async def records_of(bootstrap: list[str], names: Iterable[str]) -> list[ConsumerRecord]:
    """Return every record of these topics as they stand now."""
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await reader.start()
    try:
        wanted = list(names)
        await reader._client.set_topics(set(wanted))
        places = [
            TopicPartition(name, part) for name in wanted for part in reader.partitions_for_topic(name) or ()
        ]
        reader.assign(places)
        await reader.seek_to_beginning(*places)
        ends = await reader.end_offsets(places)
        found: list[ConsumerRecord] = []
        while any([await reader.position(place) < ends[place] for place in places]):
            for records in (await reader.getmany(timeout_ms=500)).values():
                found.extend(records)
        return found
    finally:
        await reader.stop()


@dataclass(slots=True)
class Stored:
    """What is on ``events``: by source and id, the digests of its records."""

    digests: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    @property
    def repeats(self) -> int:
        """Records that the router merges, because source, id and digest are those of another."""
        return sum(len(found) - 1 for found in self.digests.values())

    @property
    def reused(self) -> list[str]:
        """Ids that stand for two contents: what the router could not merge."""
        return [event_id for (_, event_id), found in self.digests.items() if len(set(found)) > 1]


async def stored(bootstrap: list[str]) -> Stored:
    """Read ``events`` anew."""
    found = Stored()
    for record in await records_of(bootstrap, [topics.EVENTS]):
        document = json.loads(record.value)
        identity = document["source"], document["id"]
        found.digests.setdefault(identity, []).append(body_digest(document))
    return found
