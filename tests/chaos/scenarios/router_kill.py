"""kill -9, each a random 0-3 s after the last start made progress: nothing lost, twice or refused."""

import asyncio
from time import monotonic

from tests.chaos.members import Member
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.watch import Watch
from tests.chaos.world import Fault, Load, World, under_load

FULL = Load(events=100_000, rate=1_000, ahead=30_000)
QUICK = Load(events=1_500, rate=150, ahead=600)
_PATIENCE_S = 20.0


async def run(world: World) -> Result:
    """Kill one router 50 times under load, 4 times when quick."""
    kills, load = (4, QUICK) if world.options.quick else (50, FULL)
    member = world.member("0")

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        return await killed(world, member, watch, kills)

    done = await under_load(world, load, strike, member)
    result = done.result("router-kill")
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == kills, f"only {len(done.faults)} of {kills} kills")
    return result


async def killed(world: World, member: Member, watch: Watch, kills: int) -> list[Fault]:
    """Kill a member so many times and return the faults; fewer when it makes no progress any more."""
    faults: list[Fault] = []
    await watch.progress(monotonic(), _PATIENCE_S)
    while len(faults) < kills and not (faults and faults[-1].recovered_s == float("inf")):
        await asyncio.sleep(world.draw.uniform(0, 3))
        at = monotonic()
        restarted = await member.kill()
        moved = await watch.progress(restarted, _PATIENCE_S)
        faults.append(Fault(at, moved - at))
        world.options.told(f"kill {len(faults)}/{kills}, pulih / recovered in {faults[-1].recovered_s:.1f} s")
    return faults
