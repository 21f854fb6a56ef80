"""Where a scenario runs: a Kafka with all topics, the settings of a service, and how long to take."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from sinergi_ops import topics as ops_topics
from sinergi_ops.places import DIRECTORY, PACK
from sinergi_ops.ports import Ports
from sinergi_ops.stack import Plan, Running, parts
from sinergi_shared.directory import read_directory
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables
from tests.chaos import checker
from tests.chaos.checker import Findings
from tests.chaos.members import Member, running
from tests.chaos.result import Result, judged
from tests.chaos.sender import Sender
from tests.chaos.templates import Sent
from tests.chaos.watch import Watch, watching

LANES = 4


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: short, with which fault planted, from which seed, telling whom."""

    quick: bool = False
    fault: str | None = None
    seed: int = 0
    told: Callable[[str], None] = lambda _text: None


@dataclass(frozen=True, slots=True)
class World:
    """A running Kafka and what a member needs to know of it."""

    options: Options
    bootstrap: list[str]
    env: Mapping[str, str]
    logs: Path
    draw: random.Random
    lanes: int = LANES
    part: Any = None  # what only some worlds have: a proxy, a cluster, a whole stack

    def member(self, name: str, *faults: str, **env: str) -> Member:
        """Return a router with these faults and the one asked for planted in it; not started."""
        planted = (*faults, self.options.fault) if self.options.fault else faults
        return Member(name, {**self.env, **env}, self.logs / f"router-{name}.log", *planted)

    def run_name(self) -> str:
        """Return four hexadecimal digits for the identities of a run."""
        return f"{random.SystemRandom().randrange(0x10000):04x}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, when it happened (monotonic) and how long until outcomes appeared again."""

    at: float
    recovered_s: float


Strike = Callable[[Watch, Sender], Coroutine[Any, Any, list[Fault]]]
Check = Callable[[list[str], checker.Offsets, Iterable[Sent]], Awaitable[Findings]]


@dataclass(frozen=True, slots=True)
class Load:
    """At least so many events at this rate, for as long as faults go on; stops when so far behind."""

    events: int
    rate: float
    ahead: int


@dataclass(frozen=True, slots=True)
class Run:
    """What a run under load came to."""

    sender: Sender
    watch: Watch
    faults: list[Fault]
    findings: Findings
    figures: dict
    drained: bool

    def result(self, scenario: str) -> Result:
        """Return the result by the laws that all scenarios share; a good event is never refused."""
        recovered = [fault.recovered_s for fault in self.faults]
        result = judged(scenario, len(self.sender.acked), self.findings, len(self.faults), recovered)
        result.figures |= self.figures
        result.require(self.drained, "events were left without an outcome, and nothing moved any more")
        return result


async def under_load(
    world: World, load: Load, strike: Strike, *members: Member, check: Check = checker.check
) -> Run:
    """Send while ``strike`` does its worst to the members, wait for every outcome, then check."""
    patience_s = 25.0 if world.options.quick else 60.0
    since = await checker.ends(world.bootstrap)
    async with watching(world.bootstrap, world.lanes) as watch, running(*members):
        sender = Sender(
            world.bootstrap, world.lanes, world.run_name(), load.rate, lambda: len(watch.seen), load.ahead
        )
        telling = asyncio.create_task(_telling(world, sender, watch))
        striking = asyncio.create_task(strike(watch, sender))
        try:
            seconds = await sender.run(
                lambda: striking.done() and (sender.sent >= load.events or watch.stuck(patience_s))
            )
            last = monotonic()
            faults = await striking
            drained = await watch.drained(sender.acked, patience_s)
            backlog_s = monotonic() - last
            world.options.told("menghentikan / stopping the members")
        finally:
            telling.cancel()
            striking.cancel()
        await asyncio.gather(*(member.stop() for member in members))
    world.options.told("memeriksa / checking every agency topic, read anew")
    findings = await check(world.bootstrap, since, sender.acked)
    figures = {
        "events_per_s": round(sender.sent / seconds),
        "backlog_gone_s": round(backlog_s, 1),
        "resent": sender.resent,
    }
    return Run(sender, watch, faults, findings, figures, drained)


async def _telling(world: World, sender: Sender, watch: Watch) -> None:
    while True:
        await asyncio.sleep(5)
        world.options.told(f"dikirim / sent {sender.sent:,}  selesai / done {len(watch.seen):,}")


@asynccontextmanager
async def one_node(options: Options, run_dir: Path) -> AsyncIterator[World]:
    """Run a single Kafka node with all topics for as long as the block lasts."""
    async with parts(Plan(run_dir, Ports.free(), lanes=LANES, told=options.told)) as running_parts:
        options.told("topik / topics")
        await make_topics([running_parts.kafka])
        yield world_of(options, running_parts)


def plain_world(options: Options, bootstrap: list[str], run_dir: Path, part: object) -> World:
    """Return a world that has a Kafka and nothing else."""
    logs = run_dir / "log"
    logs.mkdir(parents=True, exist_ok=True)
    env = {
        "SINERGI_KAFKA": ",".join(bootstrap),
        "SINERGI_PACK": str(PACK),
        "SINERGI_DIRECTORY": str(DIRECTORY),
        "SINERGI_LANES": str(LANES),
    }
    return World(options, bootstrap, env, logs, _draw(options), part=part)


def world_of(options: Options, parts_: Running) -> World:
    """Return the world of running parts whose topics are made."""
    logs = parts_.logs
    logs.mkdir(parents=True, exist_ok=True)
    return World(options, [parts_.kafka], parts_.settings(), logs, _draw(options), part=parts_)


def _draw(options: Options) -> random.Random:
    return random.Random(options.seed)  # noqa: S311 - a printed seed repeats the pauses


async def make_topics(bootstrap: list[str], replication: int = 1) -> None:
    """Make the topics of the Kalbar pack and the demo's sources."""
    sources = [source.name for source in read_directory(DIRECTORY).sources]
    await ops_topics.apply(bootstrap, sources, recipients_on_bus(read_tables(PACK)), LANES, replication)
