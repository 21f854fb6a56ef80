"""Hostile bytes by both ways, among good events: each is refused with its reason, nobody else notices."""

import asyncio
import base64
import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from aiokafka import ConsumerRecord

from sinergi_ops.ports import HOST
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.runtime import kafka
from tests.chaos.http_client import ONE, Answer, BrokenError, Connection
from tests.chaos.ingest_world import Clients, Gate, Reporter, records_of, stored
from tests.chaos.members import running
from tests.chaos.result import Result
from tests.chaos.world import World
from tests.kit.hostile import PLANTED, corpus

BATCH, LINES = "application/cloudevents-batch+json", "application/x-ndjson"
_GOOD_RATE = 20
_HANDS = 12
_OF_MANY = 40
_STALL_S = 5.0  # a slow machine, not a blocked loop: that would be seen in the unit test of 50 ms
_PATIENCE_S = 60.0
_DOOR_WITHIN_S = 8.0
_NEVER_ENDS = frozenset({"length too large", "cut chunks", "no HTTP", "noise"})
_NO_PAYLOAD = frozenset({Reason.PII_DETECTED, Reason.PROFILE_FORBIDDEN, Reason.TOO_LARGE})


@dataclass(slots=True)
class Attack:
    """What was sent, and what came of it."""

    http: int = 0
    records: int = 0
    told: Counter[str] = field(default_factory=Counter)
    taken: set[str] = field(default_factory=set)  # ids of hostile ones that were valid after all
    refused: dict[str, str] = field(default_factory=dict)  # SHA-256 of a body, and its reason
    submitted: dict[tuple[str, int, int], bytes] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def wrong(self, what: str) -> None:
        """Note what must not happen."""
        if len(self.faults) < 20:
            self.faults.append(what)


async def run(world: World) -> Result:
    """Send 8,000 bodies by HTTP and 4,000 by Kafka; 500 and 300 when quick."""
    by_http, by_kafka = (500, 300) if world.options.quick else (8_000, 4_000)
    gate: Gate = world.part
    attack = Attack()
    clients = Clients(gate, world.run_name(), _GOOD_RATE, number=8)
    example = gate.reporters[0].event(world.run_name(), 0)
    world.options.told(f"menyusun / making {by_http + by_kafka:,} hostile bodies")
    bodies = corpus(example, by_http + by_kafka, world.options.seed)
    async with running(gate.member):
        await gate.ready()
        working = asyncio.create_task(clients.work())
        slow = [asyncio.create_task(_slowloris(gate)) for _ in range(20)]
        started = monotonic()
        await asyncio.gather(
            _by_http(gate, attack, bodies[:by_http]),
            _the_worst(gate, attack),
            _at_the_door(gate, attack),
            _by_kafka(world, attack, gate.reporters[1], bodies[by_http:]),
        )
        seconds = monotonic() - started
        world.options.told("menunggu hasil Kafka / waiting for what came by Kafka")
        await _settled(world, attack)
        clients.stop()
        await asyncio.wait_for(working, _PATIENCE_S)
        for one in slow:
            one.cancel()
        restarts = len(gate.member.exits)
        await gate.member.stop()
    result = await _judged(world, attack, clients)
    result.require(restarts == 0, f"ingest ended {restarts} times: {gate.member.exits}")
    result.figures |= {"bodies_per_s": round(len(bodies) / seconds), "restarts": restarts}
    return result


async def _by_http(gate: Gate, attack: Attack, bodies: list[tuple[str, bytes]]) -> None:
    queue = list(enumerate(bodies))
    key = gate.reporters[0].key

    async def hand() -> None:
        async with Connection(gate.port) as connection:
            while queue:
                number, (way, body) = queue.pop()
                attack.http += 1
                if number % _OF_MANY == 0:
                    await _many(connection, attack, key, [body, *(one for _, (_, one) in queue[-9:])])
                else:
                    await _one(connection, attack, key, way, body)

    await asyncio.gather(*(hand() for _ in range(_HANDS)))


async def _the_worst(gate: Gate, attack: Attack) -> None:
    """Send four megabytes of what the screen takes longest over, item by item as large as may be."""
    async with Connection(gate.port) as connection:
        for unit in (b"1.000.000,", b"ktp 1-2-3-4-5-6 "):
            item = b'{"x":"' + unit * (65_000 // len(unit)) + b'"}'
            answer = await connection.post(b"\n".join([item] * 60), gate.reporters[0].key, LINES)
            for one in answer.json()["items"]:
                attack.http += 1
                _note(attack, "the worst", one["status"], one["problem"], None)


async def _one(connection: Connection, attack: Attack, key: str, way: str, body: bytes) -> None:
    at = monotonic()
    try:
        answer = await connection.post(body, key)
    except BrokenError as error:
        attack.wrong(f"{way}: no answer, {error}")
        return
    attack.slowest_s = max(attack.slowest_s, monotonic() - at)
    _note(attack, way, answer.status, answer.json(), body)


async def _many(connection: Connection, attack: Attack, key: str, bodies: list[bytes]) -> None:
    for media, raw in ((LINES, b"\n".join(bodies)), (BATCH, b"[" + b",".join(bodies) + b"]")):
        try:
            answer = await connection.post(raw, key, media)
        except BrokenError as error:
            attack.wrong(f"{media}: no answer, {error}")
            continue
        told = answer.json()
        if answer.status != 200:
            _note(attack, media, answer.status, told, None)
            continue
        for item in told["items"]:
            _note(attack, f"item of {media}", item["status"], item.get("problem", item), None)


def _note(attack: Attack, way: str, status: int, told: Any, body: bytes | None) -> None:
    if PLANTED in json.dumps(told):
        attack.wrong(f"{way}: the answer quotes personal data")
    if status == 202:
        attack.told["202"] += 1
        attack.taken.add(told["id"])
        return
    reason = told.get("reason") if isinstance(told, dict) else None
    attack.told[f"{status} {reason}"] += 1
    if not 400 <= status < 500 or reason not in list(Reason):
        attack.wrong(f"{way}: {status} {reason}")
    elif body is not None:
        attack.refused[hashlib.sha256(body).hexdigest()] = reason


async def _at_the_door(gate: Gate, attack: Attack) -> None:
    """Send what is hostile before its body is read; each on a connection of its own."""
    good = json.dumps(gate.reporters[0].event("ffff", 1)).encode()

    async def knock(name: str, raw: bytes, may: set[Any]) -> None:
        attack.http += 1
        async with Connection(gate.port, patience_s=_DOOR_WITHIN_S) as connection:
            try:
                answer = await connection.send(raw, and_close=name in _NEVER_ENDS)
            except BrokenError:
                attack.told[f"hung up on: {name}"] += 1
                if "hang up" not in may:
                    attack.wrong(f"{name}: no answer")
            else:
                _note_door(attack, name, answer, may)

    await asyncio.gather(*(knock(*one) for one in _door(good, gate.reporters[0].key)))


def _note_door(attack: Attack, name: str, answer: Answer, may: set[Any]) -> None:
    attack.told[f"door {answer.status}"] += 1
    if answer.status not in may:
        attack.wrong(f"{name}: {answer.status}")
    told = answer.json()
    ours = isinstance(told, dict) and "titleEn" in told
    if ours and told["reason"] not in list(Reason):
        attack.wrong(f"{name}: reason {told['reason']}")


def _door(good: bytes, key: str) -> list[tuple[str, bytes, set[Any]]]:
    def request(
        body: bytes = good,
        *more: str,
        line: str = "POST /v1/events HTTP/1.1",
        length: int | None = None,
        media: str = ONE,
    ) -> bytes:
        head = [line, f"host: {HOST}", f"content-type: {media}", *more]
        if not any(one.lower().startswith("authorization") for one in more):
            head.append(f"authorization: Bearer {key}")
        if not any(one.lower().startswith("transfer-encoding") for one in more):
            head.append(f"content-length: {len(body) if length is None else length}")
        return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body

    bomb = gzip.compress(b" " * 8_000_000)
    told: list[tuple[str, bytes, set[Any]]] = [
        ("no key", request(good, "authorization: x"), {401}),
        ("wrong key", request(good, f"authorization: Bearer sng_chaos_{'0' * 64}"), {401}),
        ("huge key", request(good, f"authorization: Bearer {'k' * 8_000}"), {401}),
        ("no media type", request(media=""), {415}),
        ("odd media type", request(media="text/html"), {415}),
        ("media type with noise", request(media="application/cloudevents+json\xff; \x7f=1"), {415, 400, 202}),
        ("unknown coding", request(good, "content-encoding: br"), {415}),
        ("bomb", request(bomb, "content-encoding: gzip"), {413, 415, 400}),
        ("no gzip at all", request(good, "content-encoding: gzip"), {400, 415}),
        ("over 4 MiB", request(b" " * (4 * 2**20 + 1)), {413}),
        ("over 4 MiB in one array", request(b"[" + b"1," * (2**21) + b"1]", media=BATCH), {413}),
        ("1,001 items", request(b"[" + b",".join([b"1"] * 1_001) + b"]", media=BATCH), {413}),
        ("array of arrays", request(b"[" * 100_000, media=BATCH), {400}),
        ("no array", request(b"{}", media=BATCH), {400}),
        ("length too small", request(length=20), {400, 422}),
        ("length too large", request(length=len(good) + 500), {400, "hang up"}),
        ("length negative", request(length=-5), {400, "hang up"}),
        ("length of nothing", request(b"", "content-length: 5x"), {400, "hang up"}),
        ("two lengths", request(good, "content-length: 3"), {400, "hang up"}),
        (
            "length and chunks",
            request(good, "transfer-encoding: chunked", "content-length: 9"),
            {400, "hang up"},
        ),
        ("broken chunks", request(b"zz\r\nabc\r\n", "transfer-encoding: chunked"), {400, "hang up"}),
        ("cut chunks", request(b"ff\r\nabc", "transfer-encoding: chunked"), {400, "hang up"}),
        (
            "many headers",
            request(good, *(f"x-{n}: {'y' * 200}" for n in range(900))),
            {202, 400, 431, "hang up"},
        ),
        ("no such path", request(line="POST /v1/../../etc/passwd HTTP/1.1"), {404}),
        ("no such method", request(line="BREW /v1/events HTTP/1.1"), {400, 405, "hang up"}),
        ("GET", request(line="GET /v1/events HTTP/1.1"), {405}),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00" * 30, {400, "hang up"}),
        ("noise", bytes(range(256)) * 40, {400, "hang up"}),
    ]
    return [*told, *told]


async def _slowloris(gate: Gate) -> None:
    """Hold a connection with a request that never ends."""
    head = f"POST /v1/events HTTP/1.1\r\nhost: {HOST}\r\nx: ".encode()
    while True:
        async with Connection(gate.port) as connection:
            try:
                await connection.trickle(head + b"y" * 10_000, 0.5)
            except BrokenError:
                await asyncio.sleep(0.5)


async def _by_kafka(
    world: World, attack: Attack, reporter: Reporter, bodies: list[tuple[str, bytes]]
) -> None:
    topic = topics.submitted(reporter.name)
    own = reporter.urn.encode()
    theirs = world.part.reporters[0].urn.encode()
    producer = kafka.producer(world.bootstrap, linger_ms=5)
    await producer.start()
    try:
        for number, (_, body) in enumerate(bodies):
            value = body.replace(theirs, own)
            headers, sent = _record(number, value)
            place = await (await producer.send(topic, sent, key=b"hostile", headers=headers))
            attack.submitted[topic, place.partition, place.offset] = sent or b""
            attack.records += 1
    finally:
        await producer.stop()


def _record(number: int, value: bytes) -> tuple[list[tuple[str, bytes]], bytes | None]:
    structured = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
    match number % 20:
        case 0:
            return structured, None
        case 1:
            return [], value
        case 2:
            return [("ce_id", b"\xff\xfe"), ("ce_id", b"2"), ("content-type", b"\xff")], value
        case 3:
            return [*structured, *((f"h{n}", b"x" * 500) for n in range(50))], value
        case _:
            return structured, value


async def _settled(world: World, attack: Attack) -> None:
    wanted = set(attack.submitted)
    deadline = monotonic() + _PATIENCE_S
    while monotonic() < deadline:
        answered = {_place(one) for one in await _refusals(world)}
        events = await stored(world.bootstrap)
        ids = {event_id for _, event_id in events.digests}
        if all(_claimed(attack.submitted[place]) in ids for place in wanted - answered):
            return
        await asyncio.sleep(0.5)
    attack.wrong("records without a refusal and without an event")


async def _refusals(world: World) -> list[dict[str, Any]]:
    return [json.loads(one.value)["data"] for one in await records_of(world.bootstrap, [topics.REJECTED])]


def _place(refusal: dict[str, Any]) -> tuple[Any, Any, Any]:
    return refusal.get("topic"), refusal.get("partition"), refusal.get("offset")


def _claimed(value: bytes) -> str | None:
    try:
        return json.loads(value)["id"]
    except (ValueError, TypeError, KeyError):
        return None


async def _judged(world: World, attack: Attack, clients: Clients) -> Result:
    refusals = await _refusals(world)
    events = await stored(world.bootstrap)
    good = {one.identity for one in clients.acked}
    lost = [one for one in clients.acked if one.digest not in events.digests.get(one.identity, [])]
    twice = [one for one in good if len(events.digests.get(one, [])) > 1]
    stalls = [one.at - one.sent_at for one in clients.answers]
    result = Result(
        scenario="ingest-hostile",
        events=len(clients.acked),
        lost=len(lost),
        duplicated=len(twice),
        extra=0,
        rejected=clients.refused.total(),
        faults=attack.http + attack.records,
        seconds_to_recover=0.0,
    )
    result.figures = {
        "by_http": attack.http,
        "by_kafka": attack.records,
        "told": dict(attack.told.most_common()),
        "on_rejected": len(refusals),
        "longest_good_request_s": round(max(stalls, default=0.0), 2),
        "longest_hostile_request_s": round(attack.slowest_s, 2),
    }
    result.require(bool(good), "no good event was sent, so nothing is shown")
    result.require(not attack.faults, f"{attack.faults}")
    result.require(not lost and not twice, f"good events: {len(lost)} lost, {len(twice)} twice")
    result.require(
        result.rejected == 0 and not clients.waiting, f"good ones refused: {dict(clients.refused)}"
    )
    result.require(max(stalls, default=0) < _STALL_S, "a good request waited too long")
    ids = {event_id for _, event_id in events.digests}
    result.require(attack.taken <= ids, f"taken, not stored: {sorted(attack.taken - ids)[:3]}")
    _judge_refusals(result, attack, refusals)
    await _judge_secrets(result, world)
    return result


def _judge_refusals(result: Result, attack: Attack, refusals: list[dict[str, Any]]) -> None:
    by_digest = {one["payloadSha256"]: one["reason"] for one in refusals if "offset" not in one}
    missing = {sha: reason for sha, reason in attack.refused.items() if by_digest.get(sha) != reason}
    result.require(
        not missing, f"{len(missing)} refusals are not on the topic as told: {list(missing.items())[:3]}"
    )
    bad = [one for one in refusals if one["reason"] not in list(Reason)]
    result.require(not bad, f"{len(bad)} records without a reason of the contract")
    kept = [one for one in refusals if one["reason"] in _NO_PAYLOAD and one.get("payload")]
    result.require(not kept, f"{len(kept)} payloads kept that must not be")


async def _judge_secrets(result: Result, world: World) -> None:
    """Nowhere that we write may the planted number stand: no topic of ours, no payload, no log."""
    names = [topics.EVENTS, topics.REJECTED, *(topics.status(one.name) for one in world.part.reporters)]
    found = [one.topic for one in await records_of(world.bootstrap, names) if any(map(_holds, _texts(one)))]
    result.require(not found, f"personal data on {sorted(set(found))}, {len(found)} records")
    log = (world.logs / "ingest.log").read_bytes()
    result.require(not _holds(log), "personal data in the log")
    result.require(b"Traceback" not in log, f"{log.count(b'Traceback')} errors of ours in the log")


def _texts(record: ConsumerRecord) -> list[bytes]:
    value = record.value or b""
    payload = json.loads(value).get("data", {}).get("payload") if record.topic == topics.REJECTED else None
    return [value, base64.b64decode(payload) if payload else b"", record.key or b""]


def _holds(text: bytes) -> bool:
    return PLANTED.encode() in text
