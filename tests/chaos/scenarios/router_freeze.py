"""SIGSTOP for longer than the session, two members: the lanes move on, and who wakes doubles nothing."""

import asyncio
from dataclasses import dataclass
from time import monotonic

from aiokafka.admin import AIOKafkaAdminClient

from sinergi_shared.contracts import topics
from tests.chaos.members import Member
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.templates import Sent, templates
from tests.chaos.watch import Watch, arrivals
from tests.chaos.world import Fault, Load, Run, World, under_load

FULL = Load(events=20_000, rate=200, ahead=20_000)
QUICK = Load(events=1_000, rate=100, ahead=5_000)
# The session is 6 s. Woken when another has just been given the lanes, the sleeper holds a transaction that
# Kafka's own time-out has not yet aborted: only the lane's transactional id keeps it from committing.
WOKEN_AFTER_S = (0.5, 2.5)
MOST_STALL_S = 10.0
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Freeze:
    """From when to when others had to live with it, and the lanes that stood still from its start."""

    since: float
    until: float
    lanes: frozenset[int]


async def run(world: World) -> Result:
    """Freeze each of two routers in turn, ten times, twice when quick."""
    times, load = (2, QUICK) if world.options.quick else (10, FULL)
    members = [world.member("0"), world.member("1")]
    freezes: list[Freeze] = []

    async def strike(watch: Watch, _sender: Sender) -> list[Fault]:
        faults: list[Fault] = []
        while len(faults) < times and not (faults and faults[-1].recovered_s == float("inf")):
            await _both_at_work(world, watch)
            await asyncio.sleep(world.draw.uniform(0, 1))
            faults.append(await _frozen(world, members[len(faults) % 2], watch, freezes))
        return faults

    async with arrivals(world.bootstrap, _critical_topics()) as arrived:
        done = await under_load(world, load, strike, *members)
        stall = _longest_stall(done, freezes, arrived)
    result = done.result("router-freeze")
    result.figures |= {
        "longest_stall_of_another_lanes_critical_alert_s": round(stall, 1),
        "lanes_frozen": [sorted(freeze.lanes) for freeze in freezes],
        "exits": [code for member in members for code in member.exits],
    }
    result.require(result.rejected == 0, f"{result.rejected} good events were refused")
    result.require(len(done.faults) == times, f"only {len(done.faults)} of {times} freezes")
    result.require(all(freeze.lanes for freeze in freezes), "a freeze held no lane, so nothing is shown")
    result.require(stall <= MOST_STALL_S, f"a critical alert of another lane came {stall:.1f} s late")
    return result


async def _both_at_work(world: World, watch: Watch) -> None:
    """Return once the lanes are dealt to both: else a freeze leaves no other lane to look at."""
    await watch.progress(monotonic(), _PATIENCE_S)
    await _dealt_to(world, 2)
    await watch.progress(monotonic() + 1, _PATIENCE_S, range(world.lanes))


async def _frozen(world: World, member: Member, watch: Watch, freezes: list[Freeze]) -> Fault:
    at = monotonic()
    member.freeze()
    await asyncio.sleep(4)  # less than the session: its lanes stand still, the other member's do not
    held = frozenset(lane for lane, moved in watch.latest.items() if moved < at + 1)
    recovery = asyncio.create_task(watch.progress(at + 1, _PATIENCE_S, held or None))
    await _dealt_to(world, 1)  # the sleeper's session has ended
    await asyncio.sleep(WOKEN_AFTER_S[len(freezes) % 2])
    member.wake()
    woken = monotonic()
    moved = await recovery
    await watch.progress(woken + 1, _PATIENCE_S, range(world.lanes))
    freezes.append(Freeze(at, monotonic(), held))
    world.options.told(f"beku / frozen {member.name}, lanes {sorted(held)}, recovered in {moved - at:.1f} s")
    return Fault(at, moved - at)


async def _dealt_to(world: World, members: int) -> None:
    """Return once the group has dealt its lanes to so many members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while await _group(admin) != ("Stable", members):  # noqa: ASYNC110 - Kafka makes it true
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


async def _group(admin: AIOKafkaAdminClient) -> tuple[str, int]:
    (response,) = await admin.describe_consumer_groups(["sinergi-router"])
    (group,) = response.to_object()["groups"]
    return group["state"], len(group["members"])


def _critical_topics() -> list[str]:
    return [topics.alerts(code) for one in templates() if one.severity == "kritis" for code in one.recipients]


def _longest_stall(done: Run, freezes: list[Freeze], arrived: dict[tuple[str, str], float]) -> float:
    stalls = [
        max(arrived.get(key, float("inf")) for key in one.template.expected(one)[:-1]) - one.sent_at
        for one in done.sender.acked
        if one.template.severity == "kritis" and _elsewhere(one, freezes)
    ]
    return max(stalls, default=float("inf"))


def _elsewhere(one: Sent, freezes: list[Freeze]) -> bool:
    return any(
        freeze.since <= one.sent_at <= freeze.until and one.lane not in freeze.lanes for freeze in freezes
    )
