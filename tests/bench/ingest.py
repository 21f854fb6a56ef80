"""CPU an event of ingest beside a bare app: the same requests over the same number of kept connections.

Closed loop: each connection sends its next request when the last is answered, and an answer means
that Kafka has the events. So the rate says what the whole machine bears, with client and broker on
it; the ratios are of the server's CPU alone.
"""

import asyncio
import hashlib
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import Popen
from typing import Any, Final, Literal

import uvloop
import yaml

from sinergi_ops.places import DIRECTORY
from sinergi_ops.ports import HOST
from sinergi_shared.contracts import topics
from sinergi_shared.directory import read_directory
from tests.bench.bus import HOME, WITHIN_S, Bus
from tests.bench.contenders import environment, started
from tests.bench.meter import DiedError, cpu_s
from tests.bench.workload import Workload
from tests.chaos.http_client import ONE, Answer, BrokenError, Connection

Server = Literal["ingest", "bare"]
CONNECTIONS: Final = 16
KEY: Final = f"sng_bench_{hashlib.sha256(b'sinergi bench').hexdigest()}"
SOURCES: Final = HOME / "sources.yaml"


@dataclass(frozen=True, slots=True)
class Way:
    """How events are sent: how many a request, as which media type, which ratio it is about.

    ``share`` is the part of the run's events that is enough: one by one they take longer.
    """

    ratio: str
    media: str
    each: int
    share: int

    def bodies(self, workload: Workload, events: int) -> list[bytes]:
        """Return the requests of so many events; identities are unique over all of them."""
        return [
            b"\n".join(event.value for event in workload.events(self.each, first))
            for first in range(0, events, self.each)
        ]

    def check(self, server: Server, answers: Sequence[Answer]) -> None:
        """Raise ``NotTakenError`` unless every event of every request was taken."""
        for answer in answers:
            taken = [answer.status]
            if server == "ingest" and self.each > 1 and answer.status == 200:
                taken = [item["status"] for item in answer.json()["items"]]
            if taken != [202] * len(taken) or (server == "ingest" and len(taken) != self.each):
                raise NotTakenError(answer.status, answer.body[:2_000])


WAYS: Final = {
    "batch": Way("ingest_batch_cpu_per_bare", "application/x-ndjson", 100, 1),
    "single": Way("ingest_single_cpu_per_bare", ONE, 1, 4),
}


class NotTakenError(Exception):
    """A server did not take, or Kafka does not have, what was sent; a figure of it would mean nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """Requests that nobody has seen, the first ``warm`` of them not measured."""

    way: Way
    bodies: list[bytes]
    warm: int


def suite(run: Any, bus: Bus, workload: Workload) -> None:
    """Pair ingest with ``bare``, by hundreds and one by one; which of the two is first alternates."""
    asked = run.asked
    urn = read_directory(DIRECTORY).sources[0].urn  # its topics are there
    _register(urn)
    workload = workload.over([document | {"source": urn} for document in workload.documents])
    for name, way in WAYS.items():
        bodies = way.bodies(workload, asked.events // way.share // way.each * way.each)
        load = Load(way, bodies, int(asked.warm * len(bodies)))
        for pair in range(asked.pairs):
            run.say(f"{way.ratio}: pair {pair + 1} of {asked.pairs}")
            servers: list[Server] = ["ingest", "bare"] if pair % 2 == 0 else ["bare", "ingest"]
            cpu = {server: _one(run, bus, server, f"{server}@{name}", load) for server in servers}
            run.add(way.ratio, cpu["ingest"] / cpu["bare"])


def _register(urn: str) -> None:
    key = {"id": "bench", "sha256": hashlib.sha256(KEY.encode()).hexdigest()}
    rate = {"perSecond": 1e6, "burst": 1e6}  # what ingest costs is the question, not its limit
    entry = {"urn": urn, "keys": [key], "rate": rate}
    SOURCES.write_text(yaml.safe_dump({"sources": [entry], "recipients": {}}), encoding="utf-8")


def _one(run: Any, bus: Bus, server: Server, name: str, load: Load) -> float:
    """Return the CPU of one event, microseconds, of a server that is started for it."""
    bus.trim([topics.EVENTS])
    before = sum(bus.lane_ends())
    env = environment(bus, SINERGI_DIRECTORY=str(SOURCES), SINERGI_PORT=str(bus.ports.ingest))
    with started(server, _command(server, bus), env) as process:
        figures = uvloop.run(_measured(process, bus, server, load))
    stored = sum(bus.lane_ends()) - before
    if stored != len(load.bodies) * load.way.each:
        raise NotTakenError(f"Kafka has {stored} events")
    run.saw(name, **figures)
    return figures["cpu_us"]


def _command(server: Server, bus: Bus) -> list[str]:
    if server == "ingest":
        return [sys.executable, "-m", "sinergi_ingest"]
    told = {"kafka": bus.bootstrap, "port": bus.ports.ingest}
    return [sys.executable, "-m", "tests.bench.peers.bare", json.dumps(told)]


async def _measured(process: Popen[bytes], bus: Bus, server: Server, load: Load) -> dict[str, float]:
    await _ready(process, bus.ports.ingest)
    connections = [Connection(bus.ports.ingest) for _ in range(CONNECTIONS)]
    answers = await _send(load.way.media, connections, load.bodies[: load.warm])
    measured = load.bodies[load.warm :]
    start = time.perf_counter(), cpu_s(process.pid), cpu_s(bus.broker_pid)
    answers += await _send(load.way.media, connections, measured)
    end = time.perf_counter(), cpu_s(process.pid), cpu_s(bus.broker_pid)
    for connection in connections:
        connection.close()
    load.way.check(server, answers)
    seconds, cpu, broker = (late - early for early, late in zip(start, end, strict=True))
    events = len(measured) * load.way.each
    return {
        "cpu_us": 1e6 * cpu / events,
        "rate": events / seconds,
        "requests_s": len(measured) / seconds,
        "events": events,
        "broker_us": 1e6 * broker / events,
    }


async def _ready(process: Popen[bytes], port: int) -> None:
    async with asyncio.timeout(WITHIN_S), Connection(port) as probe:
        while True:
            if process.poll() is not None:
                raise DiedError(f"exit code {process.returncode}; see .local/bench/log")
            try:
                answer = await probe.send(f"GET /readyz HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
                if answer.status in (200, 202):
                    return
            except BrokenError:
                pass
            await asyncio.sleep(0.05)


async def _send(media: str, connections: Sequence[Connection], bodies: Sequence[bytes]) -> list[Answer]:
    left, answers = deque(bodies), list[Answer]()

    async def client(connection: Connection) -> None:
        while left:
            answers.append(await connection.post(left.popleft(), KEY, media))

    async with asyncio.TaskGroup() as clients:
        for connection in connections:
            clients.create_task(client(connection))
    return answers
