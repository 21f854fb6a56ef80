"""A commit that the network delays arrives in the middle of the next transaction and must not touch it."""

import asyncio
from time import monotonic

from sinergi_ops.ports import HOST
from tests.chaos.members import Member
from tests.chaos.proxy import Proxy
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.watch import Watch
from tests.chaos.world import Fault, Load, World, under_load

FULL = Load(events=20_000, rate=200, ahead=20_000)
QUICK = Load(events=1_000, rate=200, ahead=5_000)
_PATIENCE_S = 30.0


async def run(world: World) -> Result:
    """Delay a commit past the client's time-out ten times, twice when quick."""
    times, load = (2, QUICK) if world.options.quick else (10, FULL)
    proxy: Proxy = world.part
    member = world.member("0", SINERGI_KAFKA=f"{HOST}:{proxy.port}")

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        await watch.progress(monotonic(), _PATIENCE_S, range(world.lanes))
        faults: list[Fault] = []
        while len(faults) < times and not (faults and faults[-1].recovered_s == float("inf")):
            faults.append(await _delayed(world, member, proxy, watch))
        return faults

    done = await under_load(world, load, strike, member)
    result = done.result("late-end-txn")
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == times, f"only {len(done.faults)} of {times} late commits")
    return result


async def _delayed(world: World, member: Member, proxy: Proxy, watch: Watch) -> Fault:
    """Tear a transaction with a late commit, and kill its owner before it can mend that."""
    proxy.arm()
    try:
        await asyncio.wait_for(proxy.ready.wait(), _PATIENCE_S)
    except TimeoutError:
        world.options.told(f"proxy stays {proxy.state}")
        return Fault(monotonic(), float("inf"))
    await proxy.release()
    at = monotonic()
    restarted = await member.kill()
    proxy.drop()
    moved = await watch.progress(restarted, _PATIENCE_S)
    world.options.told(f"terlambat / late commit delivered, recovered in {moved - at:.1f} s")
    return Fault(at, moved - at)
