"""Builds and connects the notifier; the only room that does, and the only one that reads the clock."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import uvicorn
from faststream.asgi import AsgiFastStream
from prometheus_client import CollectorRegistry

from sinergi_notifier.channels import webhook
from sinergi_notifier.channels.email import EmailChannel
from sinergi_notifier.compose import composer
from sinergi_notifier.handlers import Channels, Courier
from sinergi_notifier.jobs import JobReader
from sinergi_notifier.journal import Journal
from sinergi_notifier.metrics import Metrics
from sinergi_notifier.retry import SCHEDULE, Schedule
from sinergi_notifier.settings import NotifierSettings
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.codes import Channel
from sinergi_shared.directory import Directory, DirectoryError, read_directory
from sinergi_shared.region.labels import read_labels
from sinergi_shared.region.pack import read_pack
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.health import Health, routes
from sinergi_shared.runtime.lanes import Lanes

NAME: Final = "notifier"
EXIT_BUG: Final = 3
_TOPICS: Final = frozenset({topics.JOBS, topics.FOLLOWUP, topics.REJECTED})


class Notifier:
    """One process of the notifier. ``schedule`` and ``die`` are what a test sets otherwise."""

    def __init__(
        self,
        settings: NotifierSettings,
        schedule: Schedule = SCHEDULE,
        die: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.health = Health(monotonic)
        self._log = logs.logger()
        self._die = die or self._exit
        self._stop = asyncio.Event()
        self._http = webhook.client()
        pack = read_pack(settings.pack)
        letters = composer(read_labels(pack.directory, pack.tables), settings.base_url)
        self._courier = Courier(
            channels=Channels(
                email=EmailChannel(settings.mail_server, letters),
                webhook=webhook.WebhookChannel(self._http, loopback=settings.demo),
            ),
            contacts=checked(read_directory(settings.directory), demo=settings.demo).recipients,
            metrics=Metrics(self.registry, settings.lanes),
            schedule=schedule,
            now=_now,
            die=self._die,
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Take over and deliver while the application serves; a failure ends the process."""
        task = asyncio.create_task(self._run(), name="notifier")
        self.health.expect("notifier", task)
        try:
            yield
        finally:
            self.health.stopping = True
            self._stop.set()
            await task

    async def _run(self) -> None:
        try:
            await self._wait()
            jobs = JobReader(self.settings.bootstrap)
            await jobs.start()
            try:
                await self._work(jobs)
            finally:
                await jobs.stop()
                await self._http.aclose()
        except Exception as error:  # noqa: BLE001 - crash only: the supervisor starts us again
            self._die("lanes", error)

    async def _work(self, jobs: JobReader) -> None:
        lanes = Lanes(
            name=NAME,
            bootstrap=self.settings.bootstrap,
            inputs=(topics.JOBS,),
            state_topic=topics.FOLLOWUP,
            make=self._courier.lane,
            die=self._die,
        )
        # Lanes go last: what is under way still has to write its outcome.
        lanes_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(lanes.run(self.settings.instance, self.health, lanes_stop))
            await self._courier.run(
                Journal(lanes.publish), jobs, lambda: lanes.owned, self.health, self._stop
            )
            lanes_stop.set()

    async def _wait(self) -> None:
        self.health.problem("kafka", "waiting for Kafka")
        await kafka.wait_for_kafka(
            self.settings.bootstrap,
            self.settings.kafka_wait_s,
            lambda seconds: self._log.warning("waiting for Kafka", seconds=round(seconds)),
        )
        wanted = topics.wanted((), (), self.settings.lanes)
        await kafka.check_topics(
            self.settings.bootstrap, [topic for topic in wanted if topic.name in _TOPICS]
        )
        self.health.problem("kafka", None)

    def _exit(self, where: str, error: BaseException) -> None:
        self._log.error("stopping: an error that a restart may cure", where=where, exc_info=error)
        sys.stdout.flush()
        os._exit(EXIT_BUG)


def checked(directory: Directory, *, demo: bool) -> Directory:
    """Return the directory; raise ``DirectoryError`` for a webhook secret that is missing or weak."""
    weak = [
        contact.id
        for contacts in directory.recipients.values()
        for contact in contacts
        if contact.channel is Channel.WEBHOOK
        and webhook.secret_bytes(contact.secret.get_secret_value() if contact.secret else "") is None
    ]
    if weak and not demo:
        raise DirectoryError(
            f"webhook contacts without a secret of {webhook.SHORTEST_SECRET} random bytes or more: "
            f"{', '.join(weak)}; give each one as whsec_ and base64"
        )
    return directory


def application(notifier: Notifier) -> AsgiFastStream:
    """Return the application that a server runs."""
    return AsgiFastStream(lifespan=notifier.lifespan, asgi_routes=routes(notifier.health, notifier.registry))


def main() -> None:
    """Run until SIGTERM; exit 3 on an error that a restart may cure."""
    logs.configure(NAME)
    asyncio.run(_serve(NotifierSettings()))


async def _serve(settings: NotifierSettings) -> None:
    config = uvicorn.Config(
        application(Notifier(settings)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="on",
    )
    await uvicorn.Server(config).serve()


def _now() -> datetime:
    return datetime.now(UTC)
