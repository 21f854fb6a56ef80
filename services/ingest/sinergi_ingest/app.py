"""Builds and connects ingest; the only room that does, and the only one that reads the clock."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from sinergi_ingest.handlers import Intake
from sinergi_ingest.http import build_api
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.outbox import Outbox
from sinergi_ingest.receipts import ReceiptKeyError, Receipts, demo_receipts, read_receipts
from sinergi_ingest.settings import IngestSettings
from sinergi_ingest.status_reader import StatusReader
from sinergi_ingest.statuses import Statuses
from sinergi_ingest.submitted import Submitted
from sinergi_shared.contracts import topics
from sinergi_shared.directory import Directory, DirectoryError, read_directory
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.health import AsgiRoute, Health, Receive, Scope, Send, routes

NAME: Final = "ingest"
STATUSES: Final = "statuses"
EXIT_BUG: Final = 3
EXIT_SETTINGS: Final = 2
DEMO_KEY: Final = "demo-"
WATCH_EVERY_S: Final = 1.0
TOPICS_AGAIN_S: Final = 5.0
FINISH_WITHIN_S: Final = 8
LEAVE_WITHIN_S: Final = 5.0


class Ingest:
    """The running service: its producer, its reader of submitted topics, its API."""

    def __init__(self, settings: IngestSettings, directory: Directory, receipts: Receipts) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.health = Health(monotonic)
        self._directory = directory
        self._log = logs.logger()
        self._producer = kafka.producer(settings.bootstrap)
        self._outbox = Outbox(self._producer)
        self._open = False
        metrics = IngestMetrics(self.registry)
        self._statuses = Statuses()
        self._status_reader = StatusReader(
            settings.bootstrap, directory.sources, self._statuses, lanes=settings.lanes
        )
        intake = Intake(
            directory,
            self._outbox,
            metrics,
            receipts=receipts,
            statuses=self._statuses,
            lanes=settings.lanes,
            clock=lambda: datetime.now(UTC),
            seconds=monotonic,
        )
        self._submitted = Submitted(
            settings.bootstrap,
            directory.sources,
            intake,
            seconds=monotonic,
            die=self._die,
        )
        self.api = build_api(directory, intake, metrics, self._answers, self._status_reader.find)
        self.api.router.lifespan_context = self._lifespan

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
            with suppress(asyncio.CancelledError):
                await task
            await self._leave()
            self._statuses.close()

    async def _run(self) -> None:
        try:
            await self._connect()
            reading = asyncio.create_task(self._read_statuses(), name=STATUSES)
            self.health.expect(STATUSES, reading)
            while True:
                self._submitted.watch(self.health)
                await asyncio.sleep(WATCH_EVERY_S)
        except kafka.KafkaAwayError as error:
            self._log.error("cannot start", problem=str(error))
            self._die(NAME, error)
        except Exception as error:  # noqa: BLE001 - crash only: the supervisor starts us again
            self._die(NAME, error)

    async def _read_statuses(self) -> None:
        try:
            await self._status_reader.run(lambda: self.health.beat(STATUSES))
        except Exception as error:  # noqa: BLE001 - crash only, as above
            self._die(STATUSES, error)

    async def _connect(self) -> None:
        await kafka.wait_for_kafka(
            self.settings.bootstrap,
            self.settings.kafka_wait_s,
            lambda seconds: self._log.warning("waiting for Kafka", seconds=round(seconds)),
        )
        await self._wait_for_topics()
        await self._producer.start()
        await self._submitted.start()
        self._open = True
        self.health.problem("kafka", None)
        self._log.info("taking events", port=self.settings.port, count=len(self._directory.sources))

    async def _wait_for_topics(self) -> None:
        names = [source.name for source in self._directory.sources]
        mine = {topics.EVENTS, topics.REJECTED, *map(topics.submitted, names), *map(topics.status, names)}
        wanted = [topic for topic in topics.wanted(names, (), self.settings.lanes) if topic.name in mine]
        while True:
            try:
                await kafka.check_topics(self.settings.bootstrap, wanted)
            except kafka.TopicsWrongError as error:
                self.health.problem("kafka", str(error))
                self._log.error("not ready: topics are missing", problem=str(error))
                await asyncio.sleep(TOPICS_AGAIN_S)
            else:
                return

    async def _leave(self) -> None:
        # Bounded: with the broker away the client's own stop may never return (B19).
        for leave in (self._submitted.stop, self._producer.stop):
            try:
                async with asyncio.timeout(LEAVE_WITHIN_S):
                    await leave()
            except Exception as error:  # noqa: BLE001 - we are leaving anyway; what was promised is stored
                self._log.warning("left without a goodbye", exc_info=error)

    def _die(self, where: str, error: BaseException) -> None:
        self._log.error("stopping: an error that a restart may cure", where=where, exc_info=error)
        sys.stdout.flush()
        os._exit(EXIT_BUG)


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
        directory = read_directory(settings.directory)
    except DirectoryError as error:
        sys.exit(_wrong_settings(str(error)))
    if not settings.demo and any(
        key.id.startswith(DEMO_KEY) for one in directory.sources for key in one.keys
    ):
        sys.exit(_wrong_settings("the directory holds the demo's well-known keys; make keys of your own"))
    try:
        receipts = _receipts(settings)
    except ReceiptKeyError as error:
        sys.exit(_wrong_settings(str(error), "SINERGI_RECEIPT_KEY"))
    asyncio.run(_serve(settings, directory, receipts))


def _receipts(settings: IngestSettings) -> Receipts:
    if settings.receipt_key is not None:
        return read_receipts(settings.receipt_key)
    if settings.demo:
        return demo_receipts()
    raise ReceiptKeyError("not set; outside the demo an Ed25519 key as PEM file is needed")


def _wrong_settings(told: str, setting: str = "SINERGI_DIRECTORY") -> int:
    logs.logger().error("cannot start", setting=setting, problem=told)
    return EXIT_SETTINGS


async def _serve(settings: IngestSettings, directory: Directory, receipts: Receipts) -> None:
    ingest = Ingest(settings, directory, receipts)
    config = uvicorn.Config(
        with_health(ingest.api, routes(ingest.health, ingest.registry)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=FINISH_WITHIN_S,
    )
    await uvicorn.Server(config).serve()
