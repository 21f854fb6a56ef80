"""One Kafka node (KRaft, broker and controller in one) from the jars that ``make setup`` fetched."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sinergi_ops import bootstrap, probes
from sinergi_ops.parts.missing import PartMissingError
from sinergi_ops.places import KAFKA_FILES, KAFKA_LIBS
from sinergi_ops.ports import HOST
from sinergi_ops.supervisor import Child, tethered

CLUSTER_ID: Final = "U2luZXJnaS1LYWxiYXItMQ"  # 16 bytes in base64url; nodes of other folders never meet

# For a single node that starts fast: one replica, few internal partitions, no wait for more members.
# Transactions of a killed service are aborted within 7 s (their time-out is 6 s), not within 16.
SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "log.index.size.max.bytes": "1048576",
}
JVM: Final = (
    "-Xms128m",
    "-Xmx384m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
)


@dataclass(frozen=True, slots=True)
class Node:
    """One Kafka node; ``home`` holds its settings and data and survives a restart."""

    home: Path
    port: int
    controller_port: int

    @property
    def settings(self) -> Path:
        """The node's ``server.properties``."""
        return self.home / "server.properties"

    @property
    def data(self) -> Path:
        """Where the records are."""
        return self.home / "data"


def child(node: Node) -> Child:
    """Return the node as a child to supervise; ``prepare`` it first."""
    return Child(
        name="kafka",
        command=_java("kafka.Kafka", str(node.settings)),
        ready=probes.kafka(node.port),
        stop_within_s=30,
    )


async def prepare(node: Node) -> None:
    """Write the node's settings and format its data folder, unless it has been."""
    node.home.mkdir(parents=True, exist_ok=True)
    node.settings.write_text(_properties(node), encoding="utf-8")
    if (node.data / "meta.properties").exists():
        return
    command = _java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(node.settings))
    tool = await asyncio.create_subprocess_exec(
        *tethered(command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await tool.communicate()
    if tool.returncode != 0:
        raise PartMissingError(f"Kafka could not prepare {node.data}:\n{output.decode(errors='replace')}")


def _java(main: str, *arguments: str) -> tuple[str, ...]:
    program = bootstrap.java()
    if program is None or not bootstrap.kafka_there():
        raise PartMissingError("Kafka belum terpasang / Kafka is not here as pinned: run `make setup`")
    logging = f"-Dlog4j2.configurationFile=file:{KAFKA_FILES / 'log4j2.yaml'}"
    return (str(program), *JVM, logging, "-cp", f"{KAFKA_LIBS}/*", main, *arguments)


def _properties(node: Node) -> str:
    listeners = {
        "controller.quorum.voters": f"1@{HOST}:{node.controller_port}",
        "listeners": f"BROKER://{HOST}:{node.port},CONTROLLER://{HOST}:{node.controller_port}",
        "advertised.listeners": f"BROKER://{HOST}:{node.port}",
        "log.dirs": str(node.data),
    }
    return "".join(f"{name}={value}\n" for name, value in {**SETTINGS, **listeners}.items())
