"""Builds and connects ingest; the only room that does, and the only one that reads the clock."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

import redis.asyncio as redis
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from sinergi_ingest.budget import ANSWER_WITHIN_S, Budget
from sinergi_ingest.certificates import CertificateProtocol, CertificatesError, LiveCertificates
from sinergi_ingest.gate import Gate
from sinergi_ingest.handlers import Intake
from sinergi_ingest.http import build_api
from sinergi_ingest.live import LiveDirectory
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.newcomers import Newcomers
from sinergi_ingest.outbox import BATCH_BYTES, Outbox
from sinergi_ingest.receipts import ReceiptKeyError, Receipts, demo_receipts, read_receipts
from sinergi_ingest.settings import IngestSettings
from sinergi_ingest.status_reader import StatusReader
from sinergi_ingest.statuses import Statuses
from sinergi_ingest.submitted import PART, Submitted
from sinergi_ingest.vigil import Vigil
from sinergi_ingest.watch import EVERY_S, TOPICS_AGAIN_S, Watch
from sinergi_shared.contracts import topics
from sinergi_shared.directory import Directory, DirectoryError
from sinergi_shared.region.activated import Packs
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.controls import Controls
from sinergi_shared.runtime.garbage import leave_loaded_alone
from sinergi_shared.runtime.health import AsgiRoute, Health, Receive, Scope, Send, routes
from sinergi_shared.runtime.service import die, patiently

NAME: Final = "ingest"
STATUSES: Final = "statuses"
CONTROLS: Final = "controls"
EXIT_SETTINGS: Final = 2
FINISH_WITHIN_S: Final = 8


class Ingest:
    """The running service: its producer, its reader of submitted topics, its API."""

    def __init__(
        self,
        settings: IngestSettings,
        live: LiveDirectory,
        certificates: LiveCertificates | None,
        receipts: Receipts,
    ) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.health = Health(monotonic)
        self._live = live
        self._log = logs.logger()
        self._producer = kafka.producer(settings.bootstrap, max_batch_size=BATCH_BYTES)
        self._outbox = Outbox(self._producer)
        self._open = False
        self._metrics = metrics = IngestMetrics(self.registry)
        vigil = Vigil(monotonic())
        self._watch = Watch(
            live,
            Packs(settings.packs, settings.pack),
            certificates,
            vigil,
            self._outbox,
            metrics,
            lanes=settings.lanes,
            clock=_now,
            seconds=monotonic,
        )
        self._controls = Controls(settings.bootstrap, self._watch.map.activations.take)
        self._redis = _redis(settings)
        self._budget = Budget(self._redis, monotonic)
        self._beside: list[asyncio.Task[None]] = []
        self._statuses = Statuses()
        self._status_reader = StatusReader(
            settings.bootstrap, live.current.sources, self._statuses, lanes=settings.lanes
        )
        intake = Intake(
            self._in_force,
            lambda: self._watch.map.current,
            self._outbox,
            metrics,
            vigil,
            receipts=receipts,
            statuses=self._statuses,
            lanes=settings.lanes,
            clock=_now,
            seconds=monotonic,
        )
        self._submitted = Submitted(
            settings.bootstrap,
            live.current.sources,
            intake,
            seconds=monotonic,
            slowed=metrics.slowed.inc,
            die=die,
        )
        self._newcomers = Newcomers(
            live.current.sources,
            lambda: kafka.partition_counts(settings.bootstrap),
            [self._submitted.follow, self._status_reader.follow],
        )
        gate = Gate(self._in_force, self._budget, metrics, clock=_now, seconds=monotonic)
        self.api = build_api(gate, intake, metrics, self._answers, self._status_reader.find)
        self.api.router.lifespan_context = self._lifespan

    def _in_force(self) -> Directory:
        return self._live.current

    def _answers(self) -> bool:
        return self._open and self._outbox.answers

    @asynccontextmanager
    async def _lifespan(self, _api: FastAPI) -> AsyncIterator[None]:
        """Serve at once, not ready; connect meanwhile, so that a probe is told what is missing."""
        self.health.problem("kafka", "waiting for Kafka")
        task = asyncio.create_task(self._run(), name=NAME)
        try:
            yield
        finally:
            self.health.stopping = True
            task.cancel()
            for other in self._beside:
                other.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self._leave()
            self._statuses.close()

    async def _run(self) -> None:
        try:
            await self._connect()
            reading = _or_die(STATUSES, lambda: self._status_reader.run(lambda: self.health.beat(STATUSES)))
            self.health.expect(STATUSES, reading)
            self._beside = [
                _or_die(PART, self._read_submitted),
                _or_die(CONTROLS, self._controls.follow),
            ]
            while True:
                await self._look()
                await asyncio.sleep(EVERY_S)
        except Exception as error:  # noqa: BLE001 - crash only: the supervisor starts us again
            die(NAME, error)

    async def _look(self) -> None:
        self._submitted.watch(self.health)
        await self._watch.look()
        self._metrics.rates_shared.set(self._budget.shared)

    async def _read_submitted(self) -> None:
        # Takes until the group has given up whom a kill has left in it; HTTP does not wait for that.
        await patiently(self.settings, self._submitted.start)
        await self._watch.take_in(self._newcomers)

    async def _connect(self) -> None:
        await self._wait_for_topics()
        await asyncio.gather(
            patiently(self.settings, self._producer.start), patiently(self.settings, self._controls.start)
        )
        # Before the first event: a limit holds from the start.
        await self._watch.look_at_map()
        self._open = True
        self._submitted.watch(self.health)
        self.health.problem("kafka", None)
        self._log.info("taking events", port=self.settings.port, count=len(self._live.current.sources))

    async def _wait_for_topics(self) -> None:
        names = [source.name for source in self._live.current.sources]
        mine = {
            topics.EVENTS,
            topics.REJECTED,
            topics.AUDIT,
            topics.CONTROLS,
            *map(topics.submitted, names),
            *map(topics.status, names),
        }
        wanted = [topic for topic in topics.wanted(names, (), self.settings.lanes) if topic.name in mine]
        while True:
            try:
                await patiently(self.settings, lambda: kafka.check_topics(self.settings.bootstrap, wanted))
            except kafka.TopicsWrongError as error:
                self.health.problem("kafka", str(error))
                self._log.error("not ready: topics are missing", problem=str(error))
                await asyncio.sleep(TOPICS_AGAIN_S)
            else:
                return

    async def _leave(self) -> None:
        leaving = [self._submitted.stop, self._producer.stop]
        if self._open:
            leaving.append(self._controls.stop)
        for stop in [*leaving, self._redis.aclose] if self._redis else leaving:
            await kafka.leave(stop)


def _or_die(name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Begin work that goes on beside HTTP; an error in it ends the process (crash only)."""

    async def beside() -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the supervisor starts us again
            die(name, error)

    return asyncio.create_task(beside(), name=name)


def with_health(api: FastAPI, health: list[tuple[str, AsgiRoute]]) -> AsgiRoute:
    """Return one application that answers the probes itself and leaves the rest to the API."""
    probes = dict(health)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        probe = probes.get(scope.get("path", "")) if scope["type"] == "http" else None
        await (probe or api)(scope, receive, send)

    return application


def main() -> None:
    """Run until SIGTERM; exit 2 when the settings are wrong, 3 on an error that a restart may cure."""
    logs.configure(NAME)
    settings = IngestSettings()
    try:
        live = LiveDirectory(settings.directory, demo=settings.demo)
    except DirectoryError as error:
        sys.exit(_wrong_settings(str(error)))
    try:
        certificates = _certificates(settings)
    except CertificatesError as error:
        sys.exit(_wrong_settings(str(error), "SINERGI_TLS_CERT"))
    try:
        receipts = _receipts(settings)
    except ReceiptKeyError as error:
        sys.exit(_wrong_settings(str(error), "SINERGI_RECEIPT_KEY"))
    leave_loaded_alone()
    asyncio.run(_serve(settings, live, certificates, receipts))


def _certificates(settings: IngestSettings) -> LiveCertificates | None:
    if settings.tls_cert is None or settings.tls_key is None or settings.tls_ca is None:
        return None
    return LiveCertificates(settings.tls_cert, settings.tls_key, settings.tls_ca)


def _receipts(settings: IngestSettings) -> Receipts:
    if settings.receipt_key is not None:
        return read_receipts(settings.receipt_key)
    if settings.demo:
        return demo_receipts()
    raise ReceiptKeyError("not set; outside the demo an Ed25519 key as PEM file is needed")


def _wrong_settings(told: str, setting: str = "SINERGI_DIRECTORY") -> int:
    logs.logger().error("cannot start", setting=setting, problem=told)
    return EXIT_SETTINGS


def _redis(settings: IngestSettings) -> redis.Redis | None:
    if settings.redis is None:
        return None
    return redis.Redis.from_url(
        settings.redis.get_secret_value(),
        socket_timeout=ANSWER_WITHIN_S,
        socket_connect_timeout=ANSWER_WITHIN_S,
        retry=None,
    )


async def _serve(
    settings: IngestSettings, live: LiveDirectory, certificates: LiveCertificates | None, receipts: Receipts
) -> None:
    ingest = Ingest(settings, live, certificates, receipts)
    application = with_health(ingest.api, routes(ingest.health, ingest.registry))
    servers = [uvicorn.Server(_config(settings, application, port=settings.port, lifespan="on"))]
    if settings.tls_port is not None and certificates is not None:
        servers.append(uvicorn.Server(_tls_config(settings, ingest.api, certificates)))
    await asyncio.gather(*(server.serve() for server in servers))


def _config(settings: IngestSettings, application: AsgiRoute, **more: Any) -> uvicorn.Config:  # noqa: ANN401 - uvicorn's own options
    return uvicorn.Config(
        application,
        host=settings.host,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=FINISH_WITHIN_S,
        **more,
    )


def _tls_config(
    settings: IngestSettings, application: AsgiRoute, certificates: LiveCertificates
) -> uvicorn.Config:
    return _config(
        settings,
        application,
        port=settings.tls_port,
        lifespan="off",
        http=CertificateProtocol,
        ssl_context_factory=lambda _config, _default: certificates.listener(),
    )


def _now() -> datetime:
    return datetime.now(UTC)
