"""Packs come into force under load, one after the other: nobody is lost, told twice, or told by two packs.

Two routers with a packs' root each, of which the second gets every pack late; some are killed with
``kill -9`` in the middle. Between the good activations: a pack that fails its check, and one whose
topics are not there. Every event must be told exactly as one pack says, the one that its alerts
name, and along a lane no pack may come back.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import httpx

from sinergi_ops import topics as ops_topics
from sinergi_ops.pack.activate import lay_down, publish
from sinergi_ops.places import DIRECTORY, ROOT
from sinergi_shared.directory import read_directory
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.pack import read_pack
from tests.chaos.by_policy import ByPolicy
from tests.chaos.members import Member
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.watch import Watch
from tests.chaos.world import LANES, Fault, Load, World, under_load
from tests.kit.packs import PackCopy

FULL = Load(events=8_000, rate=100, ahead=20_000)
QUICK = Load(events=500, rate=40, ahead=5_000)
IN_FORCE_WITHIN_S = 60.0
OTHER_POLICE = r"POL-61\.(0[1-9]|1[0-2]|7[12])(\.[0-9]{2})?"
LATE_POLICE = ("61.03.01", "61.03.02", "61.03.03", "61.03.04")
"""Where offices join whose topics are not there at first."""

_PROGRAM = (sys.executable, "-m", "sinergi_ops", "pack", "activate")


def told_more(pack: PackCopy) -> None:
    """Give one more office a mandate."""
    pack.add(
        "mandates", "M009", rule_id="M990", recipient_kind="NAKER", scope="territory", condition="always"
    )
    _police(pack, "tidak")


def one_left(pack: PackCopy) -> None:
    """Let an office leave."""
    pack.edit("recipients", "TNI-PAMTAS", active="tidak")
    _police(pack, "tidak")


def one_joined(pack: PackCopy) -> None:
    """Let an office join, which takes an area over."""
    _police(pack, "ya")


VARIANTS = (one_joined, told_more, one_left)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the packs of a run are made, and the roots of both members."""

    made: Path
    roots: tuple[Path, Path]

    def pack(self, number: int, change: Callable[[PackCopy], None]) -> Path:
        """Return a new pack, sealed under a version that tells the number of its activation."""
        copy = PackCopy(self.made / str(number))
        change(copy)
        copy.seal_unchecked(version=f"2026.11.{number}")
        return copy.directory


async def run(world: World) -> Result:
    """Activate 20 packs under load, 3 when quick; kill a member in every fourth, the second when quick."""
    quick = world.options.quick
    activations, load = (3, QUICK) if quick else (20, FULL)
    folder = world.logs.parent
    site = Site(folder / "made", (folder / "packs-0", folder / "packs-1"))
    for root in site.roots:
        root.mkdir(parents=True)
    members = [
        world.member(str(number), SINERGI_PACKS=str(root), SINERGI_STATIC="false")
        for number, root in enumerate(site.roots)
    ]
    judge, problems = ByPolicy(), list[str]()

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        faults: list[Fault] = []
        if await watch.progress(monotonic(), IN_FORCE_WITHIN_S, range(world.lanes)) == float("inf"):
            return faults
        for number in range(1, activations + 1):
            if faults and faults[-1].recovered_s == float("inf"):
                break
            if number % 5 == 2:
                problems.extend(await _refused(world, site))
            kills = number % 4 == 2
            without_topics = number % 5 == 3
            one = Round(world, site, members, judge, number)
            faults.append(
                await (one.without_topics(problems) if without_topics else one.activated(kill=kills))
            )
        return faults

    done = await under_load(world, load, strike, *members, check=judge.check)
    result = done.result("pack-reload")
    result.figures |= {"activations": activations, "decided_by": dict(judge.decided), **judge.figures}
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == activations, f"only {len(done.faults)} of {activations} activations")
    result.require(not judge.otherwise, f"told otherwise than its policy says: {judge.otherwise[:3]}")
    result.require(not judge.flips, f"flipped back to an earlier pack: {judge.flips[:3]}")
    result.require(len(judge.decided) > activations // 2, f"too few packs decided: {dict(judge.decided)}")
    for problem in problems:
        result.require(law=False, problem=problem)
    return result


@dataclass(frozen=True, slots=True)
class Round:
    """One activation."""

    world: World
    site: Site
    members: list[Member]
    judge: ByPolicy
    number: int

    async def activated(self, *, kill: bool) -> Fault:
        """Activate the next pack, kill a member meanwhile, and wait until both decide by it."""
        pack = self.site.pack(self.number, VARIANTS[self.number % len(VARIANTS)])
        version = self.judge.knows(pack, self.number)
        at = monotonic()
        killing = asyncio.create_task(self._kill()) if kill else None
        code, told = await _activate(self.world, pack, self.site.roots[0])
        if code != 0:
            self.world.options.told(told)
            return Fault(at, float("inf"))
        await asyncio.sleep(self.world.draw.uniform(0, 1.5))
        lay_down(read_pack(pack), self.site.roots[1])  # the second machine gets it late
        if killing is not None:
            await killing
        fault = Fault(at, await self._in_force(version) - at)
        self.world.options.told(
            f"{version}{', kill -9' if kill else ''}: berlaku / in force after {fault.recovered_s:.1f} s"
        )
        return fault

    async def without_topics(self, problems: list[str]) -> Fault:
        """Publish an activation whose topics are not there: the old pack must stay until they are."""
        late = f"POL-{LATE_POLICE[self.number // 5]}"

        def joined(pack: PackCopy) -> None:
            one_joined(pack)
            pack.edit("recipients", late, active="ya")

        pack = read_pack(self.site.pack(self.number, joined))
        version = self.judge.knows(pack.directory, self.number)
        for root in self.site.roots:
            lay_down(pack, root)
        before = [await _shown(member, "sinergi_policy_info{") for member in self.members]
        await publish(self.world.bootstrap, pack, "chaos", "topics are not there", datetime.now(UTC))
        for member, shown in zip(self.members, before, strict=True):
            if not await _until(member, "sinergi_policy_pending 1.0"):
                problems.append(f"member {member.name} does not tell that {version} is pending")
            if await _shown(member, "sinergi_policy_info{") != shown:
                problems.append(f"member {member.name} decides by {version}, whose topics are not there")
        at = monotonic()
        sources = [source.name for source in read_directory(DIRECTORY).sources]
        await ops_topics.apply(self.world.bootstrap, sources, recipients_on_bus(pack.tables), LANES)
        fault = Fault(at, await self._in_force(version) - at)
        self.world.options.told(f"{version}: menunggu topik / waited for topics, {fault.recovered_s:.1f} s")
        return fault

    async def _kill(self) -> None:
        await asyncio.sleep(self.world.draw.uniform(0.5, 3))
        await self.world.draw.choice(self.members).kill()

    async def _in_force(self, version: str) -> float:
        wanted = f'sinergi_policy_info{{activation="{self.number}",version="{version}"}} 1.0'
        for member in self.members:
            if not (await _until(member, wanted) and await _until(member, "sinergi_policy_pending 0.0")):
                return float("inf")
        return monotonic()


async def _refused(world: World, site: Site) -> list[str]:
    """Activate a pack that does not pass its check; return what was wrong about how that went."""
    bad = PackCopy(site.made / f"bad-{monotonic()}")
    bad.edit("recipients", "IMI-ENT", escalates_to="NOBODY")
    bad.seal_unchecked()
    code, told = await _activate(world, bad.directory, site.roots[0])
    findings = [] if code == 0 else json.loads(told)["findings"]
    world.options.told(f"paket cacat ditolak / a faulty pack is refused: {len(findings)} findings")
    return [] if code == 1 and findings else [f"a pack that fails its check was not refused: {code} {told}"]


async def _activate(world: World, pack: Path, root: Path) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(*_PROGRAM, str(pack), "--packs", str(root), "--json", "--reason", "chaos"),
        cwd=ROOT,
        env={**os.environ, **world.env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode or 0, told.decode()


async def _until(member: Member, line: str) -> bool:
    deadline = monotonic() + IN_FORCE_WITHIN_S
    while line not in await _metrics(member):
        if monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def _shown(member: Member, start: str) -> list[str]:
    return re.findall(rf"^{re.escape(start)}.*$", await _metrics(member), re.MULTILINE)


async def _metrics(member: Member) -> str:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            return (await http.get(f"http://127.0.0.1:{member.port}/metrics")).text
    except httpx.HTTPError:
        return ""  # it is starting again


def _police(pack: PackCopy, entikong: str) -> None:
    pack.edit("agencies", "POL", code_pattern=OTHER_POLICE)
    for area, active in {"61.03.21": entikong, **dict.fromkeys(LATE_POLICE, "tidak")}.items():
        pack.add(
            "recipients",
            "POL-61.03",
            code=f"POL-{area}",
            jurisdiction=area,
            escalates_to="POL-61.03",
            active=active,
        )
