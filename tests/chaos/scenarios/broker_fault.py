"""One of three brokers is killed or frozen: what was acknowledged stays, and goes on, exactly once."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from time import monotonic

from tests.chaos.nodes import Broker, Cluster
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.watch import Watch
from tests.chaos.world import Fault, Load, World, under_load

FULL = Load(events=20_000, rate=100, ahead=20_000)
QUICK = Load(events=500, rate=40, ahead=2_000)
FROZEN_S = 12.0
_PATIENCE_S = 60.0
_AT_ONCE_S = 0.5  # what was on its way when the broker fell

Harm = Callable[[Broker, Callable[[], Awaitable[float]]], Awaitable[float]]


async def killed(world: World) -> Result:
    """Kill -9 one broker after the other, twenty times, once when quick."""
    return await _run(world, "broker-kill", _kill)


async def frozen(world: World) -> Result:
    """Freeze one broker after the other, twenty times, once when quick."""
    return await _run(world, "broker-freeze", _freeze)


async def _run(world: World, name: str, harm: Harm) -> Result:
    times, load = (1, QUICK) if world.options.quick else (20, FULL)
    cluster: Cluster = world.part
    member = world.member("0")

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        await watch.progress(monotonic(), _PATIENCE_S, range(world.lanes))
        faults: list[Fault] = []
        while len(faults) < times and not (faults and faults[-1].recovered_s == float("inf")):
            faults.append(await _struck(world, cluster, watch, harm))
        return faults

    done = await under_load(world, load, strike, member)
    result = done.result(name)
    acks = done.sender.stalls
    result.figures |= {"longest_ack_s": round(max(acks, default=0.0), 1), "router_starts": len(member.exits)}
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == times, f"only {len(done.faults)} of {times} faults")
    return result


async def _struck(world: World, cluster: Cluster, watch: Watch, harm: Harm) -> Fault:
    broker = world.draw.choice(cluster.brokers)
    at = monotonic()

    async def recovery() -> float:
        return await watch.progress(at + _AT_ONCE_S, _PATIENCE_S, range(world.lanes))

    moved = await harm(broker, recovery)
    whole = await cluster.whole(_PATIENCE_S)
    replicas = "in sync" if whole else "NOT in sync"
    world.options.told(f"{broker.node.home.name}: recovered in {moved - at:.1f} s, replicas {replicas}")
    return Fault(at, moved - at if whole else float("inf"))


async def _kill(broker: Broker, recovery: Callable[[], Awaitable[float]]) -> float:
    await broker.end()
    moved = await recovery()
    await broker.start()
    return moved


async def _freeze(broker: Broker, recovery: Callable[[], Awaitable[float]]) -> float:
    assert broker.process is not None
    broker.process.send_signal(signal.SIGSTOP)
    try:
        moved, _ = await asyncio.gather(recovery(), asyncio.sleep(FROZEN_S))
    finally:
        broker.process.send_signal(signal.SIGCONT)
    return moved
