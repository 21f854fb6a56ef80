"""Records that no reader can bear, between good ones of one lane: each is refused once, nothing else is."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sinergi_shared.contracts import topics
from sinergi_shared.runtime import kafka
from tests.chaos.broken import CRASH_MARK
from tests.chaos.result import Result
from tests.chaos.sender import Sender
from tests.chaos.templates import made, templates
from tests.chaos.watch import Watch
from tests.chaos.world import Fault, Load, World, under_load

LOAD = Load(events=1_000, rate=100, ahead=5_000)
QUICK = Load(events=300, rate=50, ahead=2_000)
LANE = 0
BOMB_BYTES = 24_000_000
_PATIENCE_S = 60.0

Offset = int


@dataclass(frozen=True, slots=True)
class Poison:
    """A record, and the reasons that may be given for it; ``bomb`` travels compressed."""

    name: str
    value: bytes | None
    reasons: frozenset[str]
    bomb: bool = False


async def run(world: World) -> Result:
    """Send each kind of poison into one lane; the last kills every router that works on it."""
    planted: dict[Offset, Poison] = {}
    member = world.member("0", "crash-on-mark")

    async def strike(watch: Watch, sender: Sender) -> list[Fault]:
        await watch.progress(monotonic(), _PATIENCE_S)
        faults = []
        for poison in poisons(world.run_name()):
            at, before = monotonic(), len(sender.acked)
            planted[await _plant(world, poison)] = poison
            passed = await _passed(watch, sender, before)
            faults.append(Fault(at, passed - at))
            world.options.told(f"{poison.name}: lewat / passed in {passed - at:.1f} s")
        return faults

    done = await under_load(world, QUICK if world.options.quick else LOAD, strike, member)
    result = done.result("poison")
    result.figures |= {"router_starts": len(member.exits)}
    refused = Counter((one["topic"], one["partition"], one["offset"]) for one in done.findings.refused)
    reasons = {one["offset"]: one["reason"] for one in done.findings.refused}
    result.require(
        refused == Counter({(topics.EVENTS, LANE, offset): 1 for offset in planted}),
        f"refused {sorted(refused.items())}, planted {sorted(planted)}",
    )
    for offset, poison in planted.items():
        told = reasons.get(offset)
        result.require(
            told in poison.reasons, f"{poison.name} is refused as {told}, not {set(poison.reasons)}"
        )
    return result


def poisons(run: str) -> list[Poison]:
    """Return one record of each kind, the deadly one last."""
    schema = frozenset({"SCHEMA_INVALID"})
    return [
        Poison("not JSON", b'{"id":', schema),
        Poison("not UTF-8", b"\xff\xfe{}", schema),
        Poison("null", None, schema),
        Poison("deep", b'{"a":' * 20_000 + b"1" + b"}" * 20_000, schema),
        Poison(
            "newer type",
            _event(run, 1, type="id.sinergi.movement.suspicious.v9"),
            frozenset({"TYPE_UNSUPPORTED"}),
        ),
        Poison("newer schema", _event(run, 2, dataschema=_NEWER), frozenset({"VERSION_UNKNOWN"})),
        Poison("huge", _event(run, 3, pad="x" * 1_000_000), frozenset({"TOO_LARGE"})),
        Poison("bomb", _event(run, 4, pad="x" * BOMB_BYTES), frozenset({"TOO_LARGE"}), bomb=True),
        Poison("deadly", _event(run, 5, note=CRASH_MARK.decode()), frozenset({"CRASH_LOOP"})),
    ]


_NEWER = "https://schema.sinergi.example/movement/suspicious/2-0-0.json"


def _event(run: str, number: int, note: str | None = None, **envelope: Any) -> bytes:
    template = templates()[0]
    event = json.loads(template.event(made(template, run, 0xFFFF00 + number, 1)))
    if note is not None:
        event["data"]["note"] = {"text": note, "lang": "id", "screened": True}
    return json.dumps(event | envelope).encode()


async def _plant(world: World, poison: Poison) -> Offset:
    packed = {"compression_type": "gzip"} if poison.bomb else {}
    producer = kafka.producer(world.bootstrap, max_batch_size=2 * BOMB_BYTES, **packed)
    producer._max_request_size = 2 * BOMB_BYTES  # ours would refuse what another client may well send
    await producer.start()
    try:
        stored = await producer.send_and_wait(topics.EVENTS, poison.value, key=b"?", partition=LANE)
    finally:
        await producer.stop()
    return stored.offset


async def _passed(watch: Watch, sender: Sender, before: int) -> float:
    """Return when a good event that came behind it in the lane had its outcome; infinite if never."""
    start = monotonic()
    while monotonic() < start + _PATIENCE_S:
        # A few are on their way while the poison is planted: they may stand before it.
        behind = [one for one in sender.acked[before:] if one.lane == LANE and one.sent_at > start]
        if any(one.event_id in watch.seen for one in behind):
            return monotonic()
        await asyncio.sleep(0.05)
    return float("inf")
