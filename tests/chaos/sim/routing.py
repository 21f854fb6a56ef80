"""The real router's lanes in a schedule: events, requests about some of them, and a second pack.

What must be told is what the oracle says for the pack that an event's job names, and what the course
of requests says; nothing else may be, nobody twice, and along a lane no pack may come back.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from prometheus_client import CollectorRegistry

from sinergi_ops.places import PACK
from sinergi_router.app import load_policy
from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.policy.book import Policy
from sinergi_router.rules import Rules
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.ids import alert_number
from sinergi_shared.region.pack import Pack, read_pack
from sinergi_shared.runtime.lanes import Lane, Record
from tests.chaos import checker
from tests.chaos.by_policy import said
from tests.chaos.sim.broker import Broker
from tests.chaos.sim.network import Client, process
from tests.chaos.sim.works import EVENTS, LANES, Sending, Verdict, seen
from tests.chaos.templates import Sent, Template, made, templates
from tests.kit.asked import request
from tests.kit.oracle import Oracle, Tables, kalbar, sample_sources
from tests.kit.packs import PackCopy

REPEATED: Final = 0.3
THREADS_NEAR: Final = 2  # so few in memory that the file is used
ASKED_ABOUT: Final = 2  # so many events are asked about
ACTIVATED_WITHIN_S: Final = 6.0
HEARD_WITHIN_S: Final = 3.0
PAUSE_S: Final = 0.1

COURSE: Final[tuple[tuple[dict[str, Any], tuple[str, ...]], ...]] = (
    ({"verb": "escalate", "step": 1, "by": "IMI-ENT"}, ("IMI-ENT", "POL-61.03")),
    ({"verb": "escalate", "step": 1, "by": "IMI-ENT"}, ()),
    ({"verb": "escalate", "step": 3, "by": "POL-61.03"}, ()),  # it is not the next
    ({"verb": "escalate", "step": 2, "by": "POL-61.03"}, ("IMI-KANWIL", "POL-61.03")),
    ({"verb": "refer", "by": "IMI-KANWIL", "to": "LPSK"}, ("LPSK",)),
    ({"verb": "declined", "by": "P4MI-SGU"}, ()),
    ({"verb": "owned", "by": "POL-61.03"}, ("IMI-KANWIL", "POL-61.03")),
    ({"verb": "refer", "by": "IMI-KANWIL", "to": "LPSK"}, ()),
    ({"verb": "recall", "by": "POL-61.03", "to": "BP3MI"}, ("BP3MI",)),
    ({"verb": "escalate", "step": 2, "by": "POL-61.03"}, ()),
    ({"verb": "recall", "by": "POL-61.03", "to": "BP3MI"}, ()),
    ({"verb": "declined", "by": "POL-61.03"}, ("POL-61.03", "POL-POLDA")),
    ({"verb": "owned", "by": "POL-61.03"}, ()),  # only its id tells that this one is over
)
"""Requests about the first sample, in order, and whom each tells (contracts, REQUEST; its ladder is IMI-ENT,
POL-61.03, IMI-KANWIL, POL-POLDA). One that comes again tells nobody."""

Key = tuple[str, str]
"""Topic and subject of a record."""


@dataclass(frozen=True, slots=True)
class _House:
    """What a process needs to have once: both packs, and what the oracle makes of each."""

    now: datetime
    policies: tuple[Policy, Policy]
    activation: Activation
    said: tuple[dict[Template, frozenset[str]], dict[Template, frozenset[str]]]

    @property
    def versions(self) -> tuple[str, str]:
        """The packs' names in records, in the order in which they come into force."""
        return self.policies[0].version, self.policies[1].version


@dataclass(slots=True)
class _Asked:
    """One request of the sender's own list, and whom it must tell."""

    id: str
    thread: str
    tells: tuple[str, ...]

    @property
    def wanted(self) -> set[Key]:
        """Topic and subject of every record that it must cause; without anybody to tell there is no job."""
        alerts = {(topics.alerts(code), alert_number(self.thread, self.id, code)) for code in self.tells}
        return alerts | {(topics.JOBS, self.id)} if alerts else alerts


class Routing:
    """Sources repeat themselves, requests too, and nobody is told twice."""

    events_topic, requests_topic, state_topic = topics.EVENTS, topics.REQUESTS, topics.THREADS

    def __init__(self, draw: Random) -> None:
        self.begins_at = _house().now
        self._draw = draw
        self._activated_at_s = draw.uniform(0, ACTIVATED_WITHIN_S)
        self._rules: dict[str, Rules] = {}
        self._hearing: set[asyncio.Task[None]] = set()
        self._events: list[Sent] = []
        self._requests: list[_Asked] = []
        self.sent = self._mixed([self._event() for _ in range(EVENTS * LANES)])

    # --- what is sent

    def _event(self) -> Sending:
        draw = self._draw
        if self._events and draw.random() < REPEATED:
            one = draw.choice(self._events[-LANES:])
        else:
            template = templates()[0] if len(self._events) < ASKED_ABOUT else draw.choice(templates())
            one = made(template, "0000", len(self._events), LANES)
            self._events.append(one)
        return Sending(self.events_topic, one.lane, one.thread.encode(), one.template.event(one))

    def _mixed(self, events: list[Sending]) -> list[Sending]:
        """Put the requests among the events, each course in order and after its event."""
        sent = list(events)
        for about in self._events[:ASKED_ABOUT]:
            first = next(at for at, one in enumerate(sent) if one.key == about.thread.encode()) + 1
            course = list(self._course(about))
            places = sorted(self._draw.randint(first, len(sent)) for _ in course)
            for before, (place, one) in enumerate(zip(places, course, strict=True)):
                sent.insert(place + before, one)
        return sent

    def _course(self, about: Sent) -> Iterator[Sending]:
        for words, tells in COURSE:
            body = request(about.thread, at=self.begins_at.astimezone(WIB), **words)
            self._requests.append(_Asked(body["id"], about.thread, tells))
            yield Sending(self.requests_topic, about.lane, about.thread.encode(), json.dumps(body).encode())

    # --- what works on it

    def lane(self, number: int, now: Callable[[], datetime]) -> Lane:
        return RouterLane(number, self._rules_of_process(), _metrics(), now, _again, Threads(THREADS_NEAR))

    def _rules_of_process(self) -> Rules:
        name = process.get().name
        if name not in self._rules:
            self._rules[name] = Rules(_house().policies[0], _load)
            self._hearing.add(asyncio.create_task(self._hears(self._rules[name])))
        return self._rules[name]

    async def _hears(self, rules: Rules) -> None:
        """Learn of the second pack at some time after its activation, or after the start."""
        left_s = self._activated_at_s - process.get().world.now
        await asyncio.sleep(max(0.0, left_s) + self._draw.uniform(0, HEARD_WITHIN_S))
        await rules.bring(_house().activation)

    # --- what must come of it

    def judge(self, broker: Broker, verdict: Verdict) -> None:
        found = [
            (topic, record)
            for topic, partition in list(broker.logs)
            if checker.is_read(topic)
            for record in seen(broker, topic, partition)
        ]
        told = [(topic, checker.subject(record.value or b"")) for topic, record in found]
        named = self._versions([record for topic, record in found if topic == topics.JOBS], verdict)
        wanted = self._wanted(named)
        verdict.judge(wanted, told)
        for key, times in (Counter(told) - Counter(wanted)).items():
            verdict.trace.append(f"{times} too many: {key}")
        for key in Counter(wanted) - Counter(told):
            verdict.trace.append(f"not there: {key}")

    def _wanted(self, named: dict[str, int]) -> set[Key]:
        wanted = {key for one in self._requests for key in one.wanted}
        for one in self._events:
            codes = _house().said[named.get(one.event_id, 0)][one.template]
            wanted.update(one.template.told(one, codes))
        return wanted

    def _versions(self, jobs: list[Any], verdict: Verdict) -> dict[str, int]:
        """Return by which pack each event was decided, the first or the second; a lane never goes back."""
        named: dict[str, int] = {}
        latest: defaultdict[int, int] = defaultdict(int)
        for record in jobs:
            job = orjson.loads(record.value)
            [version] = {entry["full"]["data"]["policyVersion"] for entry in job["data"]["entries"]}
            number = named[job["subject"]] = _house().versions.index(version)
            if number < latest[record.partition]:
                verdict.wrong += 1
                verdict.trace.append(f"lane {record.partition} goes back to {version} at {record.offset}")
            latest[record.partition] = max(number, latest[record.partition])
        return named


async def _again(partition: int, offset: int) -> Record | None:
    """Read an accepted event again, over the network."""
    world = process.get().world
    read = partial(world.broker.read, TopicPartition(topics.EVENTS, partition), offset, 1)
    [record], _ = await Client(world).repeated(FetchRequest, read, PAUSE_S)
    return record


async def _load(_activation: Activation) -> Policy:
    return _house().policies[1]


@cache
def _house() -> _House:
    now = datetime.now(WIB)
    templates()
    with TemporaryDirectory() as folder:
        second = PackCopy(Path(folder) / "second")
        second.add(
            "mandates", "M009", rule_id="M990", recipient_kind="NAKER", scope="territory", condition="always"
        )
        second.edit("recipients", "TNI-PAMTAS", active="tidak")
        second.seal_unchecked(version="2026.12")
        packs = read_pack(PACK), read_pack(second.directory)
        return _House(
            now,
            (load_policy(packs[0]), load_policy(packs[1])),
            Activation(activation=1, policyVersion=packs[1].policy_version, hash=packs[1].hash),
            (_said(packs[0]), _said(packs[1])),
        )


def _said(pack: Pack) -> dict[Template, frozenset[str]]:
    answers = said(Oracle(Tables(pack.directory, kalbar().geo), sample_sources()))
    return {template: frozenset(codes) for template, codes in answers.items()}


@cache
def _metrics() -> RouterMetrics:
    return RouterMetrics(CollectorRegistry(), LANES)
