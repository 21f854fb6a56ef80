"""Redis is wiped, frozen and killed under load: nobody who sends, and nobody who is told, notices."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from sinergi_ops.ports import HOST
from tests.chaos import checker
from tests.chaos.http_client import BrokenError, Connection
from tests.chaos.ingest_world import Clients, Told
from tests.chaos.members import Member, running
from tests.chaos.result import Result, judged
from tests.chaos.valkey_world import Both, Valkey
from tests.chaos.watch import watching
from tests.chaos.world import World

FULL: Final = (10, 200)  # faults, events a second
QUICK: Final = (3, 60)
CLIENTS: Final = 12
ACKNOWLEDGED_WITHIN_S: Final = 2.0
# Ingest waits 0.1 s for an answer and then leaves Redis alone for 1 s: here it finds out several times.
_FROZEN_S: Final = 4.0
_DEAD_S: Final = 2.0
_BACK_WITHIN_S: Final = 15.0
_PATIENCE_S: Final = 40.0
_LOOK_EVERY_S: Final = 0.1
_READY: Final = f"GET /readyz HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode()


@dataclass(frozen=True, slots=True)
class Loss:
    """What was done to Redis, from when until when, and when ingest used it again (monotonic)."""

    kind: str
    since: float
    until: float
    used_again: float

    def told(self, clients: Clients) -> list[Told]:
        """Answers of which some of the waiting fell into it."""
        return [one for one in clients.answers if one.at > self.since and one.sent_at < self.until]

    def taken(self, clients: Clients) -> int:
        """Count what was sent and taken while it lasted."""
        within = (one for one in clients.answers if self.since < one.sent_at and one.at < self.until)
        return sum(one.status == 202 for one in within)


@dataclass(slots=True)
class Looks:
    """What ``/readyz`` of a member said each time: a status, or nothing when nothing came."""

    member: Member
    said: list[int | None] = field(default_factory=list)
    _begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def ready(self) -> None:
        """Return once it was ready; what it says from then on counts."""
        await asyncio.wait_for(self._begun.wait(), _PATIENCE_S * 2)

    async def keep(self) -> None:
        """Look until cancelled."""
        async with Connection(self.member.port, patience_s=5) as connection:
            while True:
                try:
                    status = (await connection.send(_READY)).status
                except BrokenError:
                    status = None
                if status == 200:
                    self._begun.set()
                if self._begun.is_set():
                    self.said.append(status)
                await asyncio.sleep(_LOOK_EVERY_S)


async def run(world: World) -> Result:
    """Do 10 faults at 200 events/s, 3 at 60 when quick; each kind at least once."""
    faults, rate = QUICK if world.options.quick else FULL
    both: Both = world.part
    clients = Clients(both.gate, world.run_name(), rate, CLIENTS)
    members = both.gate.member, both.router
    since = await checker.ends(world.bootstrap)
    async with watching(world.bootstrap, world.lanes) as watch, running(*members):
        looks = [Looks(member) for member in members]
        looking = [asyncio.create_task(one.keep()) for one in looks]
        await asyncio.gather(*(one.ready() for one in looks))
        working = asyncio.create_task(clients.work())
        losses = await _losses(world, both.valkey, faults)
        clients.stop()
        await asyncio.wait_for(working, _PATIENCE_S)
        sent = [both.sent[one.event_id] for one in clients.acked]
        drained = await watch.drained(sent, _PATIENCE_S)
        for task in looking:
            task.cancel()
        restarts = sum(len(member.exits) for member in members)
        await asyncio.gather(*(member.stop() for member in members))
    world.options.told("memeriksa / checking every agency topic, read anew")
    findings = await checker.check(world.bootstrap, since, sent)
    result = judged(
        "redis-loss", len(sent), findings, len(losses), [one.used_again - one.until for one in losses]
    )
    result.rejected += clients.refused.total()
    result.require(
        result.rejected == 0, f"{result.rejected} good events were refused: {dict(clients.refused)}"
    )
    result.require(drained, "events were left without an outcome, and nothing moved any more")
    result.require(len(losses) == faults, f"only {len(losses)} of {faults} faults: Redis was not used")
    result.figures |= {"restarts": restarts, "ready_looks": sum(len(one.said) for one in looks)}
    result.require(restarts == 0, f"{restarts} restarts: Redis took a service with it")
    for look, name in zip(looks, ("ingest", "router"), strict=True):
        _judge_the_looks(result, look, name)
    _judge_the_answers(result, clients, losses)
    return result


async def _losses(world: World, valkey: Valkey, faults: int) -> list[Loss]:
    kinds: list[tuple[str, Callable[[Valkey], Awaitable[None]]]] = [
        ("wiped", Valkey.wipe),
        ("frozen", _freeze),
        ("killed", _kill),
    ]
    losses: list[Loss] = []
    if await valkey.used(monotonic(), _BACK_WITHIN_S) == float("inf"):
        return []  # what is not used cannot be missed
    while len(losses) < faults and not (losses and losses[-1].used_again == float("inf")):
        if len(losses) % len(kinds) == 0:
            world.draw.shuffle(kinds)
        name, strike = kinds[len(losses) % len(kinds)]
        await asyncio.sleep(world.draw.uniform(0.2, 1.5))
        at = monotonic()
        await strike(valkey)
        until = monotonic()
        losses.append(Loss(name, at, until, await valkey.used(until, _BACK_WITHIN_S)))
        after_s = losses[-1].used_again - until
        world.options.told(f"{name} {len(losses)}/{faults}, dipakai lagi / used again in {after_s:.1f} s")
    return losses


async def _freeze(valkey: Valkey) -> None:
    valkey.freeze()
    try:
        await asyncio.sleep(_FROZEN_S)
    finally:
        valkey.wake()


async def _kill(valkey: Valkey) -> None:
    await valkey.kill()
    await asyncio.sleep(_DEAD_S)
    await valkey.start()


def _judge_the_looks(result: Result, look: Looks, name: str) -> None:
    other = [status for status in look.said if status != 200]
    result.require(bool(look.said), f"/readyz of {name} was never looked at")
    result.require(not other, f"/readyz of {name} said {other[:3]} ({len(other)} of {len(look.said)} times)")


def _judge_the_answers(result: Result, clients: Clients, losses: list[Loss]) -> None:
    statuses = sorted({one.status for one in clients.answers})
    unanswered = sum(one.tries for one in clients.acked) - sum(
        one.status in (202, 503) for one in clients.answers
    )
    slowest = {
        kind: max(
            (one.at - one.sent_at for loss in losses if loss.kind == kind for one in loss.told(clients)),
            default=0.0,
        )
        for kind in ("wiped", "frozen", "killed")
    }
    result.figures |= {
        "clients": clients.number,
        "taken_while_away": {
            kind: sum(loss.taken(clients) for loss in losses if loss.kind == kind)
            for kind in ("frozen", "killed")
        },
        "slowest_answer_s": {kind: round(seconds, 2) for kind, seconds in slowest.items()},
    }
    result.require(statuses == [202], f"answers other than 202: {statuses}")
    result.require(unanswered == 0, f"{unanswered} requests were never answered")
    result.require(not clients.waiting, f"{len(clients.waiting)} events were never taken")
    result.require(
        all(loss.taken(clients) for loss in losses if loss.kind != "wiped"),
        "nothing was taken while Redis was away",
    )
    result.require(
        slowest["frozen"] < ACKNOWLEDGED_WITHIN_S,
        f"an answer took {slowest['frozen']:.1f} s while Redis was frozen",
    )
