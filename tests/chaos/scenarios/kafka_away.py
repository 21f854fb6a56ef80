"""Kafka freezes: ingest says so at once, holds nothing in memory, and goes on by itself."""

import asyncio
import json
import os
import signal
from itertools import pairwise
from time import monotonic

from tests.chaos.http_client import Connection
from tests.chaos.ingest_world import Clients, Gate, Stored, stored
from tests.chaos.members import running
from tests.chaos.result import Result
from tests.chaos.world import World

RATE = 100
# The send that finds out waits 1.5 s (outbox.AWAY_AFTER_S); those beside it up to its own limit of 8 s.
DETECTED_AFTER_S = 1.5
_ANSWER_WITHIN_S = 1.0
_ON_ITS_WAY_S = 0.1  # the next may go in while the answer to the last is on its way to its client
_STORE_WITHIN_S = 8.0
_MORE_MIB = 24.0
_PATIENCE_S = 40.0


async def run(world: World) -> Result:
    """Freeze Kafka for 60 s under 40 clients, 20 s when quick."""
    away_s = 20.0 if world.options.quick else 60.0
    gate: Gate = world.part
    clients = Clients(gate, world.run_name(), RATE)
    async with running(gate.member):
        await gate.ready()
        working = asyncio.create_task(clients.work())
        await asyncio.sleep(3)
        before_mib = gate.resident_mib()
        frozen_at = monotonic()
        os.kill(gate.kafka_pid, signal.SIGSTOP)
        try:
            first_s = await _first_refusal(gate, frozen_at)
            await asyncio.sleep(frozen_at + away_s - monotonic())
            after_mib = gate.resident_mib()
        finally:
            os.kill(gate.kafka_pid, signal.SIGCONT)
        woken_at = monotonic()
        while clients.last_ack < woken_at and monotonic() - woken_at < _PATIENCE_S:  # noqa: ASYNC110 - by others
            await asyncio.sleep(0.05)
        recovered_s = clients.last_ack - woken_at
        await asyncio.sleep(2)
        clients.stop()
        await asyncio.wait_for(working, _PATIENCE_S)
        restarts = len(gate.member.exits)
        await gate.member.stop()
    result = _judged(clients, await stored(world.bootstrap), recovered_s)
    result.figures["first_refusal_s"] = round(first_s, 1)
    result.require(
        first_s < DETECTED_AFTER_S + _ANSWER_WITHIN_S, f"a new request was told after {first_s:.1f} s"
    )
    _judge_the_outage(result, clients, frozen_at, woken_at)
    result.figures |= {"memory_mib": [round(before_mib), round(after_mib)], "restarts": restarts}
    result.require(after_mib - before_mib < _MORE_MIB, f"memory grew by {after_mib - before_mib:.0f} MiB")
    result.require(restarts == 0, "it had to be started again")
    return result


async def _first_refusal(gate: Gate, frozen_at: float) -> float:
    """Ask every quarter of a second on a new connection, and return after how long one was refused."""
    reporter = gate.reporters[0]
    refused = asyncio.Event()

    async def ask(number: int) -> None:
        async with Connection(gate.port) as connection:
            answer = await connection.post(json.dumps(reporter.event("dddd", number)).encode(), reporter.key)
            if answer.status == 503 and "retry-after" in answer.headers:
                refused.set()

    asking: list[asyncio.Task[None]] = []
    while not refused.is_set() and monotonic() - frozen_at < _STORE_WITHIN_S:
        asking.append(asyncio.create_task(ask(len(asking))))
        await asyncio.wait([asyncio.create_task(refused.wait())], timeout=0.25)
    first_s = monotonic() - frozen_at
    await asyncio.gather(*asking)
    return first_s


def _judged(clients: Clients, found: Stored, recovered_s: float) -> Result:
    lost = [one.event_id for one in clients.acked if one.digest not in found.digests.get(one.identity, [])]
    result = Result(
        scenario="kafka-away",
        events=len(clients.acked),
        lost=len(lost),
        duplicated=len(found.reused),
        extra=0,
        rejected=clients.refused.total(),
        faults=1,
        seconds_to_recover=round(recovered_s, 1) if recovered_s > 0 else None,
    )
    result.figures = {"repeats_on_events": found.repeats}
    result.require(not lost, f"acknowledged and lost: {lost[:3]} ({len(lost)} in all)")
    result.require(not found.reused, f"one id, two contents, never merged: {found.reused[:3]}")
    result.require(result.rejected == 0, f"good events were refused: {dict(clients.refused)}")
    result.require(not clients.waiting, f"{len(clients.waiting)} events were never taken")
    result.require(recovered_s > 0, "no event was taken after Kafka was back")
    return result


def _judge_the_outage(result: Result, clients: Clients, frozen_at: float, woken_at: float) -> None:
    told = [one for one in clients.answers if frozen_at < one.sent_at and one.at < woken_at]
    detected = [one for one in told if one.sent_at > frozen_at + DETECTED_AFTER_S + _ANSWER_WITHIN_S]
    slow = sorted((one.sent_at, one.at) for one in detected if one.at - one.sent_at > _ANSWER_WITHIN_S)
    result.figures |= {
        "told_503": sum(one.status == 503 for one in told),
        "slow_503_after_detection": len(slow),
        "longest_answer_s": round(max((one.at - one.sent_at for one in told), default=0), 1),
    }
    result.require(bool(detected), "nobody was answered while Kafka was away")
    result.require(
        all(one.status == 503 and one.retry_after for one in detected),
        "an answer other than 503 with Retry-After",
    )
    # One at a time may be let through, to find out whether Kafka is back.
    together = [late for (_, end), (late, _) in pairwise(slow) if late < end - _ON_ITS_WAY_S]
    result.require(not together, f"{len(together)} requests waited though another did already")
    longest = result.figures["longest_answer_s"]
    result.require(longest < _STORE_WITHIN_S + 2, f"an answer took {longest} s")
