"""Kafka nodes that chaos needs and the product does not start: one behind a proxy, and three of a cluster."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from sinergi_ops import probes
from sinergi_ops.parts import kafka
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.supervisor import Supervisor, tethered
from tests.chaos.proxy import proxying
from tests.chaos.world import Options, World, make_topics, plain_world

# As measured: a broker's session time-out is the recovery time (reliability, 3).
CLUSTER: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "unclean.leader.election.enable": "false",
    "broker.session.timeout.ms": "4500",
    # So long does a coordinator wait for a frozen leader to take a transaction's marker; readers and the
    # lane's next owner wait with it (30 s by default: measured with broker-freeze).
    "request.timeout.ms": "5000",
    "controller.quorum.fetch.timeout.ms": "2000",
    "controller.quorum.election.timeout.ms": "1000",
}


@asynccontextmanager
async def behind_proxy(options: Options, run_dir: Path) -> AsyncIterator[World]:
    """Run one node with a second listener whose advertised address is a proxy's."""
    ports, proxied = Ports.free(), Ports.free()
    node = kafka.Node(run_dir / "kafka", ports.kafka, ports.kafka_controller)
    await kafka.prepare(node)
    more = {
        "listener.security.protocol.map": "BROKER:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listeners": f"BROKER://{HOST}:{ports.kafka},PROXIED://{HOST}:{proxied.kafka},"
        f"CONTROLLER://{HOST}:{ports.kafka_controller}",
        "advertised.listeners": f"BROKER://{HOST}:{ports.kafka},PROXIED://{HOST}:{proxied.ingest}",
    }
    with node.settings.open("a", encoding="utf-8") as settings:  # the last word counts
        settings.writelines(f"{name}={value}\n" for name, value in more.items())
    supervisor = Supervisor(run_dir / "log")
    try:
        await supervisor.start(kafka.child(node))
        await make_topics([f"{HOST}:{ports.kafka}"])
        async with proxying(proxied.ingest, proxied.kafka) as proxy:
            yield plain_world(options, [f"{HOST}:{ports.kafka}"], run_dir, proxy)
    finally:
        await supervisor.stop()


@dataclass(slots=True)
class Broker:
    """One node of a cluster, to be killed and frozen."""

    node: kafka.Node
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process; return at once."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *tethered(kafka._java("kafka.Kafka", str(self.node.settings))), stdout=log, stderr=log
            )

    async def end(self) -> None:
        """Kill -9, if it runs."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three nodes, each broker and controller."""

    brokers: list[Broker]

    @property
    def bootstrap(self) -> list[str]:
        """Every node's address."""
        return [f"{HOST}:{broker.node.port}" for broker in self.brokers]

    async def whole(self, within_s: float) -> bool:
        """Return once every replica of every partition is in sync; ``False`` when that takes too long."""
        start = monotonic()
        while monotonic() < start + within_s:
            if await self._in_sync():
                return True
            await asyncio.sleep(0.2)
        return False

    async def _in_sync(self) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=4_000)
        try:
            await admin.start()
            nodes = [broker.nodeId for broker in admin._client.cluster.brokers()]
            # Each is asked: one just woken tells of the cluster as it was before its sleep. The next fault
            # then took a second replica of three away, and all waited for it (33 to 39 s).
            told = [await admin._send_request(MetadataRequest(None), node) for node in nodes]
            topics = [topic for one in told for topic in one.to_object()["topics"]]
            in_sync = [len(part["isr"]) for topic in topics for part in topic["partitions"]]
            return len(nodes) == len(self.brokers) == min(in_sync)
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()


@asynccontextmanager
async def three_nodes(options: Options, run_dir: Path) -> AsyncIterator[World]:
    """Run three nodes with all topics threefold."""
    (run_dir / "log").mkdir(parents=True, exist_ok=True)
    ports = [Ports.free() for _ in range(3)]
    nodes = [
        kafka.Node(run_dir / f"kafka-{i}", one.kafka, one.kafka_controller) for i, one in enumerate(ports, 1)
    ]
    await asyncio.gather(*(_prepare(number, nodes) for number in (1, 2, 3)))
    logs = run_dir / "log"
    cluster = Cluster([Broker(node, logs / f"kafka-{number}.log") for number, node in enumerate(nodes, 1)])
    try:
        await asyncio.gather(*(broker.start() for broker in cluster.brokers))
        options.told("tiga simpul Kafka / three Kafka nodes")
        await asyncio.gather(*(_answers(broker) for broker in cluster.brokers))
        options.told("topik / topics")
        await make_topics(cluster.bootstrap, replication=3)
        yield plain_world(options, cluster.bootstrap, run_dir, cluster)
    finally:
        await asyncio.gather(*(broker.end() for broker in cluster.brokers))


async def _prepare(number: int, nodes: list[kafka.Node]) -> None:
    node = nodes[number - 1]
    voters = ",".join(f"{i}@{HOST}:{one.controller_port}" for i, one in enumerate(nodes, 1))
    own = {
        "node.id": str(number),
        "controller.quorum.voters": voters,
        "listeners": f"BROKER://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"BROKER://{HOST}:{node.port}",
        "log.dirs": str(node.data),
    }
    node.home.mkdir(parents=True)
    lines = [f"{name}={value}\n" for name, value in {**kafka.SETTINGS, **CLUSTER, **own}.items()]
    node.settings.write_text("".join(lines), encoding="utf-8")
    command = kafka._java(
        "kafka.tools.StorageTool", "format", "-t", kafka.CLUSTER_ID, "-c", str(node.settings)
    )
    tool = await asyncio.create_subprocess_exec(*tethered(command), stdout=asyncio.subprocess.DEVNULL)
    assert await tool.wait() == 0


async def _answers(broker: Broker) -> None:
    answers = probes.kafka(broker.node.port)
    async with asyncio.timeout(60):
        while not await answers():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.1)
