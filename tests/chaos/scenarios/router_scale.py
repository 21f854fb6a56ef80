"""Members come, go and are killed; their names are new each time: no lane stands still for long."""

import asyncio
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

    async def leave(self, *, hard: bool) -> str:
        """Take a member out, by kill -9 when ``hard``."""
        member = self.members.pop(self._world.draw.randrange(len(self.members)))
        await member.stop(hard=hard)
        return f"{'kill' if hard else 'leave'} {member.name}"

    async def change(self, number: int) -> str:
        """Make one change; every second one is a kill."""
        if number % 2:
            if len(self.members) > FEWEST:
                return await self.leave(hard=True)
            told = await self.leave(hard=True)
            return f"{told}, {await self.join()}"
        if len(self.members) < MOST and (len(self.members) <= FEWEST or self._world.draw.random() < 0.7):
            return await self.join()
        return await self.leave(hard=False)


async def run(world: World) -> Result:
    """Change the group 50 times between two and five members, three times when quick."""
    changes, load = (3, QUICK) if world.options.quick else (50, FULL)
    group = Group(world)
    sizes: list[int] = []

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        await asyncio.gather(*(group.join() for _ in range(FEWEST)))
        await watch.progress(monotonic() + 4, MOST_STILL_S, range(world.lanes))
        faults: list[Fault] = []
        while len(faults) < changes and not (faults and faults[-1].recovered_s == float("inf")):
            faults.append(await _changed(world, group, watch, len(faults)))
            sizes.append(len(group.members))
        return faults

    try:
        done = await under_load(world, load, strike)
    finally:
        await asyncio.gather(*(member.stop(hard=True) for member in group.members))
    result = done.result("router-scale")
    result.figures |= {"members": sizes, "longest_without_progress_s": round(done.watch.longest_still, 1)}
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == changes, f"only {len(done.faults)} of {changes} changes")
    still = done.watch.longest_still
    result.require(still <= MOST_STILL_S, f"a lane made no progress for {still:.0f} s")
    return result


async def _changed(world: World, group: Group, watch: Watch, number: int) -> Fault:
    at = monotonic()
    told = await group.change(number)
    # A joiner needs some seconds to ask for lanes, and a killed one is missed after its session.
    settled = at + 6
    moved = await watch.progress(settled, MOST_STILL_S, range(world.lanes))
    world.options.told(f"{told}: {len(group.members)} members, all lanes at work after {moved - at:.1f} s")
    return Fault(at, moved - at)
