"""kill -9 of ingest under 40 clients: what was acknowledged is on ``events``, every repeat can be merged."""

import asyncio
from time import monotonic

from tests.chaos.ingest_world import Clients, Gate, Stored, stored
from tests.chaos.members import running
from tests.chaos.result import Result
from tests.chaos.world import World

FULL = (50, 500)  # kills, events a second
QUICK = (3, 150)
_PATIENCE_S = 30.0


async def run(world: World) -> Result:
    """Kill 50 times at 500 events/s, 3 times at 150 when quick; each right after an acknowledgement."""
    kills, rate = QUICK if world.options.quick else FULL
    gate: Gate = world.part
    clients = Clients(gate, world.run_name(), rate)
    async with running(gate.member):
        await gate.ready()
        working = asyncio.create_task(clients.work())
        recovered = await _killed(world, gate, clients, kills)
        clients.stop()
        await asyncio.wait_for(working, _PATIENCE_S)
        await gate.member.stop()
    return _judged(world, clients, await stored(world.bootstrap), recovered, kills)


async def _killed(world: World, gate: Gate, clients: Clients, kills: int) -> list[float]:
    recovered: list[float] = []
    while len(recovered) < kills and float("inf") not in recovered:
        await asyncio.sleep(world.draw.uniform(0.2, 1.5 if world.options.quick else 3))
        # Right after an acknowledgement: one that came too early is then most likely to be lost.
        await _next_ack(clients)
        at = monotonic()
        await gate.member.kill()
        recovered.append(await _next_ack(clients) - at)
        world.options.told(f"kill {len(recovered)}/{kills}, recovered in {recovered[-1]:.1f} s")
    return recovered


async def _next_ack(clients: Clients) -> float:
    heard = asyncio.Event()
    clients.on_ack = heard.set
    try:
        await asyncio.wait_for(heard.wait(), _PATIENCE_S)
    except TimeoutError:
        return float("inf")
    return clients.last_ack


def _judged(world: World, clients: Clients, found: Stored, recovered: list[float], kills: int) -> Result:
    lost = [one.event_id for one in clients.acked if one.digest not in found.digests.get(one.identity, [])]
    mine = {one.identity for one in clients.acked}
    longest = max(recovered)
    took = clients.acked[-1].acked_at - clients.acked[0].acked_at
    result = Result(
        scenario="ingest-kill",
        events=len(clients.acked),
        lost=len(lost),
        duplicated=len(found.reused),
        extra=len(found.digests.keys() - mine),
        rejected=clients.refused.total(),
        faults=len(recovered),
        seconds_to_recover=None if longest == float("inf") else round(longest, 1),
    )
    result.figures = {
        "events_per_s": round(len(clients.acked) / took),
        "events_per_s_while_up": round(len(clients.acked) / (took - sum(recovered))),
        "clients": clients.number,
        "sent_again": sum(one.tries > 1 for one in clients.acked),
        "repeats_on_events": found.repeats,
        "starts": len(world.part.member.exits),
    }
    result.require(bool(clients.acked), "nothing was sent, so nothing is shown")
    result.require(not lost, f"acknowledged and lost: {lost[:3]} ({len(lost)} in all)")
    result.require(not found.reused, f"one id, two contents, never merged: {found.reused[:3]}")
    result.require(result.extra == 0, f"{result.extra} events that nobody sent")
    result.require(result.rejected == 0, f"good events were refused: {dict(clients.refused)}")
    result.require(not clients.waiting, f"{len(clients.waiting)} events were never taken")
    result.require(len(recovered) == kills, f"only {len(recovered)} of {kills} kills")
    result.require(result.seconds_to_recover is not None, "no progress any more after a kill")
    return result
