"""Is it ready yet? Each probe answers yes or no within its own time-out and raises nothing."""

import asyncio
import contextlib
import logging
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from sinergi_ops.supervisor import Probe

HOST: Final = "127.0.0.1"
ANSWER_WITHIN_S: Final = 2.0


def tcp(port: int) -> Probe:
    """Return a probe that is content when something listens on this port of this machine."""

    async def listens() -> bool:
        return await _exchange(port, b"", b"")

    return listens


def http(port: int, path: str) -> Probe:
    """Return a probe that is content with a 200 answer."""
    request = f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode()

    async def answers() -> bool:
        return await _exchange(port, request, b"200")

    return answers


def kafka(port: int) -> Probe:
    """Return a probe that is content when the broker tells its cluster; an open port says too little."""
    listens = tcp(port)

    async def serves() -> bool:
        return await listens() and await _tells_cluster(f"{HOST}:{port}")

    return serves


async def _exchange(port: int, request: bytes, status: bytes) -> bool:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(HOST, port)
            with contextlib.closing(writer):
                writer.write(request)
                return status in (await reader.readline() if request else b"")
    except (OSError, TimeoutError):
        return False


async def _tells_cluster(bootstrap: str) -> bool:
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a failed probe is no news
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(ANSWER_WITHIN_S * 1000))
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
