"""Builds and connects the notifier; the only room that does, and the only one that reads the clock."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from sinergi_notifier.channels import webhook
from sinergi_notifier.channels.email import EmailChannel
from sinergi_notifier.compose import Composer, composer
from sinergi_notifier.handlers import Channels, Courier
from sinergi_notifier.journal import Journal
from sinergi_notifier.metrics import Alarm, Metrics
from sinergi_notifier.relabel import relabel
from sinergi_notifier.retry import SCHEDULE, Schedule
from sinergi_notifier.settings import NotifierSettings
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import pointers
from sinergi_shared.contracts.codes import Channel
from sinergi_shared.directory import Directory, DirectoryError, read_directory
from sinergi_shared.region.activated import Packs
from sinergi_shared.region.labels import Labels, read_labels
from sinergi_shared.region.pack import Pack, read_pack
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime import logs
from sinergi_shared.runtime.activations import Activations
from sinergi_shared.runtime.controls import Controls
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.lanes import Lanes
from sinergi_shared.runtime.reread import Rereader
from sinergi_shared.runtime.service import die, kafka_as_declared, run

NAME: Final = "notifier"
EXIT_SETTINGS: Final = 2
_TOPICS: Final = frozenset({topics.JOBS, topics.FOLLOWUP, topics.REJECTED, topics.CONTROLS})


class Notifier:
    """One process of the notifier. ``schedule`` and ``die`` are what a test sets otherwise."""

    def __init__(
        self,
        settings: NotifierSettings,
        schedule: Schedule = SCHEDULE,
        die: Callable[[str, BaseException], None] = die,
    ) -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.health = Health(monotonic)
        self._log = logs.logger()
        self._die = die
        self._stop = asyncio.Event()
        self._http = webhook.client()
        self._metrics = Metrics(self.registry, settings.lanes)
        self._email = EmailChannel(settings.mail_server, self._composer(_labels(read_pack(settings.pack))))
        self._courier = Courier(
            channels=Channels(
                email=self._email,
                webhook=webhook.WebhookChannel(self._http, loopback=settings.demo),
            ),
            contacts=checked(read_directory(settings.directory), demo=settings.demo).recipients,
            metrics=self._metrics,
            schedule=schedule,
            now=_now,
            die=self._die,
        )

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Take over and deliver while the application serves; a failure ends the process."""
        task = asyncio.create_task(self._run(), name="courier")
        self.health.expect("courier", task)
        try:
            yield
        finally:
            self.health.stopping = True
            self._stop.set()
            await task

    async def connect(self) -> None:
        """Return once Kafka answers and the notifier's topics are as declared."""
        wanted = topics.wanted((), (), self.settings.lanes)
        await kafka_as_declared(
            self.settings, self.health, [topic for topic in wanted if topic.name in _TOPICS]
        )

    def _composer(self, labels: Labels) -> Composer:
        return composer(labels, self.settings.base_url)

    def _activations(self) -> Activations:
        packs = Packs(self.settings.packs, self.settings.pack)

        def pending(on: bool) -> None:  # noqa: FBT001 - the state that it tells
            self._metrics.alarm(Alarm.POLICY_PENDING, "labels", on=on)

        return relabel(
            lambda activation: _labels(packs.pack_of(activation)),
            lambda labels: self._email.reword(self._composer(labels)),
            pending,
        )

    async def _run(self) -> None:
        try:
            jobs = Rereader(self.settings.bootstrap, topics.JOBS)
            await jobs.start()
            try:
                await self._work(jobs)
            finally:
                await jobs.stop()
                await self._http.aclose()
        except Exception as error:  # noqa: BLE001 - crash only: the supervisor starts us again
            self._die("lanes", error)

    async def _work(self, jobs: Rereader) -> None:
        lanes = Lanes(
            self.settings.lanes_of(NAME, (topics.JOBS,), topics.FOLLOWUP), self._courier.lane, self._die
        )
        activations = self._activations()
        controls = Controls(self.settings.bootstrap, activations.take)
        await controls.start()
        await activations.catch_up()  # the words of the activated pack, before the first letter
        # Lanes go last: what is under way still has to write its outcome.
        lanes_stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(controls.follow()), group.create_task(activations.run())]
            group.create_task(lanes.run(self.health, lanes_stop))
            await self._courier.run(
                Journal(lanes.publish), jobs, lambda: lanes.owned, self.health, self._stop
            )
            lanes_stop.set()
            for task in following:
                task.cancel()
        await controls.stop()


def _labels(pack: Pack) -> Labels:
    return read_labels(pack.directory, pack.tables)


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


def main() -> None:
    """Run until SIGTERM; exit 3 on an error that a restart may cure, 2 on settings that it may not."""
    logs.configure(NAME)
    try:
        notifier = Notifier(NotifierSettings())
    except (DirectoryError, PackError, ValidationError) as error:
        logs.logger().error("cannot start", problem=_told(error))
        sys.exit(EXIT_SETTINGS)
    asyncio.run(run(notifier))


def _told(error: DirectoryError | PackError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        return f"settings wrong at {', '.join(pointers(error)) or 'the whole'}; see settings.py"
    return str(error)


def _now() -> datetime:
    return datetime.now(UTC)
