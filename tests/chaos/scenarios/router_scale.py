"""Members come, go and are killed; their names are new each time: no lane stands still for long."""

import asyncio
import random
from collections.abc import Iterator
from enum import Enum, auto
from itertools import count
from time import monotonic

from tests.chaos.members import Member
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.watch import Watch
from tests.chaos.world import Fault, Load, World, under_load

FULL = Load(events=50_000, rate=200, ahead=50_000)
QUICK = Load(events=1_000, rate=100, ahead=5_000)
FEWEST, MOST = 2, 5
MOST_STILL_S = 30.0


class Change(Enum):
    """What happens to the group; half of a walk are kills, of either kind."""

    JOIN = auto()
    LEAVE = auto()
    KILL = auto()  # for good
    CRASH = auto()  # kill -9, and the supervisor starts it again

    @property
    def step(self) -> int:
        """By how many members the group is larger afterwards."""
        return {Change.JOIN: 1, Change.CRASH: 0}.get(self, -1)


def walk(draw: random.Random, changes: int) -> Iterator[Change]:
    """Yield so many changes of a group that begins with ``FEWEST`` members.

    The sizes from ``FEWEST`` to ``MOST`` are visited in one drawn order after the other. A kill cannot
    make a group grow: on the way up the member is started again.
    """
    kills = [number % 2 == 1 for number in range(changes)]
    draw.shuffle(kills)
    goals, size = _goals(draw), FEWEST
    goal = next(goals)
    for kill in kills:
        while goal == size:
            goal = next(goals)
        if goal > size:
            change = Change.CRASH if kill else Change.JOIN
        else:
            change = Change.KILL if kill else Change.LEAVE
        size += change.step
        yield change


def _goals(draw: random.Random) -> Iterator[int]:
    sizes = range(FEWEST, MOST + 1)
    while True:
        yield from draw.sample(sizes, len(sizes))


class Group:
    """The members that run now."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names = count(1)
        self.members: list[Member] = []

    async def join(self) -> str:
        """Add a member."""
        member = self._world.member(f"m{next(self._names)}", SINERGI_STATIC="false")
        self.members.append(member)
        await member.start()
        return f"join {member.name}"

    async def change(self, change: Change) -> str:
        """Make one change, to a member drawn by lot; tell which."""
        if change is Change.JOIN:
            return await self.join()
        member = self._world.draw.choice(self.members)
        if change is Change.CRASH:
            await member.kill()
        else:
            self.members.remove(member)
            await member.stop(hard=change is Change.KILL)
        return f"{change.name.lower()} {member.name}"


async def run(world: World) -> Result:
    """Change the group 50 times between two and five members, three times when quick."""
    changes, load = (3, QUICK) if world.options.quick else (50, FULL)
    group = Group(world)
    sizes: list[int] = []
    made: list[Change] = []

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        await asyncio.gather(*(group.join() for _ in range(FEWEST)))
        await watch.progress(monotonic() + 4, MOST_STILL_S, range(world.lanes))
        faults: list[Fault] = []
        for change in walk(world.draw, changes):
            faults.append(await _changed(world, group, watch, change))
            made.append(change)
            sizes.append(len(group.members))
            if faults[-1].recovered_s == float("inf"):
                break
        return faults

    try:
        done = await under_load(world, load, strike)
    finally:
        await asyncio.gather(*(member.stop(hard=True) for member in group.members))
    result = done.result("router-scale")
    result.figures |= {
        "members": sizes,
        "kills": sum(change in {Change.KILL, Change.CRASH} for change in made),
        "longest_without_progress_s": round(done.watch.longest_still, 1),
    }
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == changes, f"only {len(done.faults)} of {changes} changes")
    still = done.watch.longest_still
    result.require(still <= MOST_STILL_S, f"a lane made no progress for {still:.0f} s")
    return result


async def _changed(world: World, group: Group, watch: Watch, change: Change) -> Fault:
    at = monotonic()
    told = await group.change(change)
    # A joiner needs some seconds to ask for lanes, and a killed one is missed after its session.
    settled = at + 6
    moved = await watch.progress(settled, MOST_STILL_S, range(world.lanes))
    world.options.told(f"{told}: {len(group.members)} members, all lanes at work after {moved - at:.1f} s")
    return Fault(at, moved - at)
