"""Where ``redis-loss`` runs: a Kafka, an ingest, a router, and a Valkey that may be ruined.

Events are those whose recipients the oracle names; they come over HTTP, each by a source with its key.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any, Final

import redis.asyncio as redis
import yaml
from redis.exceptions import RedisError

from sinergi_ops.parts import valkey
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.supervisor import tethered
from sinergi_shared.directory import source_name
from tests.chaos.ingest_world import Gate, Reporter
from tests.chaos.members import Member
from tests.chaos.templates import Sent, Template, made, templates
from tests.chaos.world import LANES, Options, World, one_node

_AGAIN_S: Final = 0.05
_ANSWER_WITHIN_S: Final = 5.0
# What was asked of a frozen server before it was woken is done right after; it shows nothing.
_LEFT_OVER_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Teller(Reporter):
    """A source that sends events of one template; what it sent is in ``sent``, shared by all."""

    template: Template
    sent: dict[str, Sent]

    @property
    def urn(self) -> str:
        """What its events name as their source."""
        return self.template.source

    def event(self, run: str, number: int) -> dict[str, Any]:
        """A valid event with an identity of its own, kept for the checker."""
        one = made(self.template, run, number, LANES)
        self.sent[one.event_id] = one
        event: dict[str, Any] = json.loads(self.template.event(one))
        return event


class Valkey:
    """A server that keeps its port and its folder, to be wiped, frozen, killed and started again."""

    def __init__(self, home: Path) -> None:
        port = Ports.free().valkey
        self.url = f"redis://{HOST}:{port}/0"
        self._child = valkey.child(home, port)
        self._client = redis.Redis.from_url(
            self.url, socket_timeout=_ANSWER_WITHIN_S, socket_connect_timeout=_ANSWER_WITHIN_S, retry=None
        )
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        """Return once it answers."""
        self._process = await asyncio.create_subprocess_exec(
            *tethered(self._child.command),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(self._child.ready_within_s):
            while not await self._answers():  # noqa: ASYNC110 - another process gives no event
                await asyncio.sleep(_AGAIN_S)

    async def wipe(self) -> None:
        """FLUSHALL."""
        await self._client.flushall()

    def freeze(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        await self._process.wait()

    async def used(self, after: float, within_s: float) -> float:
        """Return when (monotonic) ingest first kept a rate in it after ``after``; infinite if never."""
        while monotonic() < after + within_s:
            if await self._kept_for(after):
                return monotonic()
            await asyncio.sleep(_AGAIN_S)
        return float("inf")

    async def stop(self) -> None:
        """End it for good."""
        await self._client.aclose()
        if self._process.returncode is None:
            self.wake()
            await self.kill()

    async def _answers(self) -> bool:
        try:
            return bool(await self._client.ping())
        except (RedisError, OSError):
            return False

    async def _kept_for(self, after: float) -> bool:
        seconds, micros = await self._client.time()
        since = seconds + micros / 1e6 - (monotonic() - after)  # ``after`` by the server's own clock
        keys = await self._client.keys("sinergi:rate:*")
        kept = [await self._client.hget(key, "at") for key in keys]
        return any(float(at) > since + _LEFT_OVER_S for at in kept if at is not None)


@dataclass(frozen=True, slots=True)
class Both:
    """Ingest and router, neither started, the Valkey between, and what was sent by event id."""

    gate: Gate
    router: Member
    valkey: Valkey
    sent: dict[str, Sent]


@asynccontextmanager
async def valkey_node(options: Options, run_dir: Path) -> AsyncIterator[World]:
    """Run a Kafka and a Valkey for as long as the block lasts; ``world.part`` is ``Both``."""
    async with one_node(options, run_dir) as world:
        server = Valkey(run_dir / "own-valkey")
        await server.start()
        try:
            yield replace(world, part=_both(world, run_dir, server))
        finally:
            await server.stop()


def _both(world: World, run_dir: Path, server: Valkey) -> Both:
    sent: dict[str, Sent] = {}
    tellers = tuple(Teller(source_name(one.source), one, sent) for one in templates())
    directory = run_dir / "tellers.yaml"
    entries = [one.entry() for one in tellers]
    directory.write_text(yaml.safe_dump({"sources": entries, "recipients": {}}), encoding="utf-8")
    env = {**world.env, "SINERGI_REDIS": server.url}
    port = Ports.free().ingest
    faults = (world.options.fault,) if world.options.fault else ()
    ingest = Member(
        "0",
        {**env, "SINERGI_DIRECTORY": str(directory)},
        world.logs / "ingest.log",
        *faults,
        program="ingest",
        port=port,
    )
    kafka_pid = world.part.supervisor.kept["kafka"].pid
    gate = Gate(port, kafka_pid, ingest, tellers)
    return Both(gate, world.member("0", SINERGI_REDIS=server.url), server, sent)
