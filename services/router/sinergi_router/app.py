"""Builds and connects the router; the only room that does, and the only one that reads the clock."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic

import uvloop
from prometheus_client import CollectorRegistry

from sinergi_router.activations import audit
from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.policy.book import Policy, compile_policy
from sinergi_router.reload import Reload
from sinergi_router.rules import InForce, Rules
from sinergi_router.settings import RouterSettings
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.audit import PolicyAudited
from sinergi_shared.contracts.topics import WantedTopic
from sinergi_shared.directory import read_directory
from sinergi_shared.region.activated import Packs
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.geography import read_geography
from sinergi_shared.region.pack import Pack
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.controls import Controls
from sinergi_shared.runtime.garbage import leave_loaded_alone
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.lanes import WAITING, Lanes
from sinergi_shared.runtime.reread import Rereader
from sinergi_shared.runtime.service import die, kafka_as_declared, run

NAME = "router"


def load_policy(pack: Pack) -> Policy:
    """Return the policy of a sealed pack."""
    return compile_policy(
        pack.tables,
        read_geography(pack.directory),
        version=pack.policy_version,
        province=pack.province_code,
        province_name=pack.province_name,
    )


class Router:
    """The running service: a loop over its lanes, and what it tells of itself."""

    def __init__(self, settings: RouterSettings) -> None:
        self.settings = settings
        self._log = logs.logger()
        self.registry = CollectorRegistry()
        self.health = Health(monotonic)
        self._metrics = RouterMetrics(self.registry, settings.lanes)
        self._packs = Packs(settings.packs, settings.pack)
        self._pack = self._packs.pack_of(None)
        self._rules = Rules(load_policy(self._pack), self._load, self._in_force)
        self._stop = asyncio.Event()

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Run the lanes while the application serves; a failure ends the process."""
        task = asyncio.create_task(self._run(), name="lanes")
        self.health.expect("lanes", task)
        try:
            yield
        finally:
            self.health.stopping = True
            self._stop.set()
            await task

    async def connect(self) -> None:
        """Return once Kafka answers and every topic is as declared."""
        # From the start: between Kafka's answer and the first lane an activated pack is read.
        self.health.problem("lanes", WAITING)
        await kafka_as_declared(self.settings, self.health, self._wanted(self._pack))

    def _wanted(self, pack: Pack) -> list[WantedTopic]:
        sources = (source.name for source in read_directory(self.settings.directory).sources)
        return topics.wanted(sources, recipients_on_bus(pack.tables), self.settings.lanes)

    async def _load(self, activation: Activation) -> Policy:
        """Return an activated pack's policy once all topics of its recipients are there."""
        # Off the loop: lanes go on meanwhile (35 ms for Kalbar).
        pack = await asyncio.to_thread(self._packs.pack_of, activation)
        await kafka.check_topics(self.settings.bootstrap, self._wanted(pack))
        return await asyncio.to_thread(load_policy, pack)

    def _in_force(self, in_force: InForce) -> None:
        self._metrics.in_force(in_force)
        if in_force.activation is not None:
            gc.freeze()  # as in ``main``: the new pack stays for long, and nobody need look at it again
        self._log.info("policy in force", policy_version=in_force.policy.version)

    async def _run(self) -> None:
        events = Rereader(self.settings.bootstrap, topics.EVENTS)
        lanes = Lanes(
            self.settings.lanes_of(NAME, (topics.EVENTS, topics.REQUESTS), topics.THREADS),
            lambda lane: RouterLane(
                lane, self._rules, self._metrics, _now, events.read, Threads(self.settings.threads_a_lane)
            ),
            die,
        )
        self._metrics.lanes.set_function(lambda: len(lanes.owned))

        async def audited(step: PolicyAudited) -> bool:
            lane = min(lanes.owned, default=None)
            return lane is not None and await lanes.publish(lane, [audit(step, lane)])

        reload = Reload(self._rules, self._metrics, audited, _now, self.settings.instance)
        controls = Controls(self.settings.bootstrap, self._rules.activations.take)
        try:
            await events.start()
            await controls.start()
            await reload.catch_up()  # the activated pack, before any lane decides
            async with asyncio.TaskGroup() as group:
                following = [group.create_task(controls.follow()), group.create_task(reload.run())]
                await lanes.run(self.health, self._stop)
                for task in following:
                    task.cancel()
            await controls.stop()
            await events.stop()
        except Exception as error:  # noqa: BLE001 - crash only: the supervisor starts us again
            die("lanes", error)


def main() -> None:
    """Run until SIGTERM; exit 3 on an error that a restart may cure."""
    logs.configure(NAME)
    router = Router(RouterSettings())
    leave_loaded_alone()
    uvloop.run(run(router))


def _now() -> datetime:
    return datetime.now(UTC)
