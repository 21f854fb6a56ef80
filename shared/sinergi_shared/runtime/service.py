"""The life of a service on FastStream: health from the first moment, the broker once Kafka answers.

FastStream alone would either answer before its broker has started, or end at once when Kafka is
away. So probes are served first, then ``connect`` waits, then FastStream starts broker and lifespan.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterable

import uvicorn
from faststream.asgi import AsgiFastStream

from sinergi_shared.contracts.topics import WantedTopic
from sinergi_shared.runtime import kafka, logs
from sinergi_shared.runtime.health import Health
from sinergi_shared.runtime.settings import ServiceSettings


async def kafka_as_declared(settings: ServiceSettings, health: Health, wanted: Iterable[WantedTopic]) -> None:
    """Return once Kafka answers and these topics are as declared; not ready until then.

    Raise ``KafkaAwayError`` or ``TopicsWrongError``.
    """
    health.problem("kafka", "waiting for Kafka")
    await kafka.wait_for_kafka(
        settings.bootstrap,
        settings.kafka_wait_s,
        lambda seconds: logs.logger().warning("waiting for Kafka", seconds=round(seconds)),
    )
    await kafka.check_topics(settings.bootstrap, wanted)
    health.problem("kafka", None)


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
