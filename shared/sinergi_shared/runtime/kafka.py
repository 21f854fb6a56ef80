"""Kafka as every service uses it: waited for at the start, safe defaults, no topic made by accident.

The time-outs are those measured on a three-node cluster (reliability, 3): a client's request
time-out above the broker's session time-out only hides outages.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from sinergi_shared.contracts.topics import WantedTopic
from sinergi_shared.runtime import logs

REQUEST_TIMEOUT_MS: Final = 5_000
SESSION_TIMEOUT_MS: Final = 6_000
TRANSACTION_TIMEOUT_MS: Final = 6_000
MAX_REQUEST_BYTES: Final = 1_048_576
LEAVE_WITHIN_S: Final = 5.0


class KafkaAwayError(Exception):
    """Kafka did not answer within the time that a start waits for it."""


class TopicsWrongError(Exception):
    """Topics are missing or have another partition count; names them and says what to run."""


async def wait_for_kafka(
    bootstrap: list[str], within_s: float, waiting: Callable[[float], None] = lambda _seconds: None
) -> None:
    """Return once Kafka answers; else as ``until_answered``."""

    async def ask() -> None:
        async with administering(bootstrap) as admin:
            await admin.list_topics()

    await until_answered(bootstrap, ask, within_s, waiting)


async def until_answered(
    bootstrap: list[str],
    ask: Callable[[], Awaitable[None]],
    within_s: float,
    waiting: Callable[[float], None] = lambda _seconds: None,
) -> None:
    """Return once ``ask`` does; it is called again while these brokers leave it without an answer.

    One that has answered may leave the next question unanswered: it has only begun, or is busy. Raise
    ``KafkaAwayError`` after ``within_s`` seconds; ``waiting`` hears the seconds waited so far after each
    failed try.
    """
    loop = asyncio.get_running_loop()
    start, pause = loop.time(), 0.2
    while True:
        try:
            await ask()
        except (KafkaError, OSError, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and told_to_stop():
                raise
            waited = loop.time() - start
            if waited > within_s:
                told = f"no Kafka at {', '.join(bootstrap)} after {waited:.0f} s: {type(error).__name__}"
                raise KafkaAwayError(told) from None
            waiting(waited)
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, 3.0)
        else:
            return


def told_to_stop() -> bool:
    """Return whether a cancellation is meant for this task: a client ends what it gave up alike (tried)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def leave(stop: Callable[[], Awaitable[None]]) -> None:
    """Stop a client as far as it can be: with the broker away its own stop may never return (B19)."""
    try:
        async with asyncio.timeout(LEAVE_WITHIN_S):
            await stop()
    except Exception as error:  # noqa: BLE001 - it is left anyway, and what was promised is stored
        logs.logger().warning("left without a goodbye", exc_info=error)


async def answering(bootstrap: list[str]) -> list[str]:
    """Return the first of these brokers that answers; a client learns of the others from it.

    A client tries its list one by one, and a frozen host costs each of them a request's time-out.
    Raise ``KafkaConnectionError`` when none answers.
    """
    if len(bootstrap) == 1:
        return bootstrap
    tries = [asyncio.create_task(_answers(server)) for server in bootstrap]
    for one in tries:  # none is cancelled: aiokafka would leave its connection open
        _asked.add(one)
        one.add_done_callback(_asked.discard)
    for first in asyncio.as_completed(tries):
        if (server := await first) is not None:
            return [server]
    raise KafkaConnectionError(f"none of {len(bootstrap)} brokers answers")


_asked: Final[set[asyncio.Task[str | None]]] = set()  # the loop itself keeps no task alive


async def _answers(server: str) -> str | None:
    client = AIOKafkaClient(bootstrap_servers=[server], request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await client.bootstrap()
    except (KafkaError, OSError):
        return None
    else:
        return server
    finally:
        await client.close()


@asynccontextmanager
async def administering(bootstrap: list[str]) -> AsyncIterator[AIOKafkaAdminClient]:
    """Connect an admin client for as long as the block lasts."""
    admin = AIOKafkaAdminClient(
        bootstrap_servers=await answering(bootstrap), request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def partition_counts(bootstrap: list[str]) -> dict[str, int]:
    """Return how many partitions each topic has."""
    async with administering(bootstrap) as admin:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def check_topics(bootstrap: list[str], wanted: Iterable[WantedTopic]) -> None:
    """Raise ``TopicsWrongError`` unless each topic exists with its partition count (B05, B09)."""
    found = await partition_counts(bootstrap)
    wrong = [topic for topic in wanted if found.get(topic.name) != topic.partitions]
    if wrong:
        told = ", ".join(f"{t.name} ({found.get(t.name, 0)} of {t.partitions} partitions)" for t in wrong[:5])
        rest = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""  # noqa: PLR2004 - as cut above
        raise TopicsWrongError(f"topics missing or misshapen: {told}{rest}; run: sinergi topics apply")


def producer(bootstrap: list[str], **more: Any) -> AIOKafkaProducer:  # noqa: ANN401 - aiokafka's own options
    """Return an idempotent producer that waits for every in-sync replica; not started."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=20,
        max_request_size=MAX_REQUEST_BYTES,
        **more,
    )


def reader(bootstrap: list[str], **more: Any) -> AIOKafkaConsumer:  # noqa: ANN401 - aiokafka's own options
    """Return a consumer that sees committed records only, from the first one on; not started."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **more,
    )
