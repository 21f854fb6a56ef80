"""The life of a service on FastStream: health from the first moment, the broker once Kafka answers.

FastStream alone would either answer before its broker has started, or end at once when Kafka is
away. So probes are served first, then ``connect`` waits, then FastStream starts broker and lifespan.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final, NoReturn, Protocol

import uvicorn
from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker
from prometheus_client import CollectorRegistry

from sinergi_shared.contracts.topics import WantedTopic
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.health import Health, routes
from sinergi_shared.runtime.settings import ServiceSettings

EXIT_BUG: Final = 3
_SAY_WHAT_TO_DO: Final = (kafka.KafkaAwayError, kafka.TopicsWrongError)
"""Errors of our own, whose words hold nothing of any message; those of others are never logged."""


class Service(Protocol):
    """What a service on FastStream is made of."""

    @property
    def settings(self) -> ServiceSettings:
        """Where Kafka is, and where probes are answered."""

    @property
    def health(self) -> Health:
        """What probes are told."""

    @property
    def registry(self) -> CollectorRegistry:
        """Its metrics."""

    def lifespan(self) -> AbstractAsyncContextManager[None]:
        """Work for as long as the block lasts."""

    async def connect(self) -> None:
        """Return once Kafka answers and every topic is as declared."""


def die(where: str, error: BaseException) -> NoReturn:
    """End the process, without a goodbye, on an error that a restart may cure (crash only)."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]  # the group itself says nothing
    told = {"problem": str(error)} if isinstance(error, _SAY_WHAT_TO_DO) else {}
    logs.logger().error("stopping: an error that a restart may cure", where=where, exc_info=error, **told)
    sys.stdout.flush()
    os._exit(EXIT_BUG)


def application(service: Service) -> AsgiFastStream:
    """Return the application that answers probes around a service's life."""
    return AsgiFastStream(
        KafkaBroker(service.settings.bootstrap, logger=None, allow_auto_create_topics=False),
        lifespan=service.lifespan,
        asgi_routes=routes(service.health, service.registry),
        logger=None,
    )


async def kafka_as_declared(settings: ServiceSettings, health: Health, wanted: Iterable[WantedTopic]) -> None:
    """Return once Kafka answers and these topics are as declared; not ready until then.

    Raise ``KafkaAwayError`` or ``TopicsWrongError``.
    """
    health.problem("kafka", "waiting for Kafka")
    topics = list(wanted)
    await patiently(settings, lambda: kafka.check_topics(settings.bootstrap, topics))
    health.problem("kafka", None)


async def patiently(settings: ServiceSettings, ask: Callable[[], Awaitable[None]]) -> None:
    """Return once Kafka has answered, asked again as long as a start waits; else ``KafkaAwayError``."""
    await kafka.until_answered(
        settings.bootstrap,
        ask,
        settings.kafka_wait_s,
        lambda seconds: logs.logger().warning("waiting for Kafka", seconds=round(seconds)),
    )


async def run(service: Service) -> None:
    """Serve until SIGTERM; exit 3 when Kafka or its topics are not there."""
    settings = service.settings
    try:
        await serve(application(service), host=settings.host, port=settings.port, connect=service.connect)
    except _SAY_WHAT_TO_DO as error:
        logs.logger().error("cannot start", problem=str(error))
        sys.exit(EXIT_BUG)


async def serve(app: AsgiFastStream, *, host: str, port: int, connect: Callable[[], Awaitable[None]]) -> None:
    """Serve the app's routes until SIGTERM; run its broker and lifespan once ``connect`` has returned.

    What ``connect`` or the lifespan raises ends the service. On SIGTERM the lifespan ends first, so
    that work in hand is finished.
    """
    # The server hands the signal on when it has closed; then we still drain.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off")
    serving = asyncio.create_task(uvicorn.Server(config).serve(), name="http")
    connecting = asyncio.ensure_future(connect())
    await asyncio.wait({serving, connecting}, return_when=asyncio.FIRST_COMPLETED)
    if not connecting.done():
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        return
    connecting.result()
    async with app.start_lifespan_context():
        await serving
