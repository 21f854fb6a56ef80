"""A broker as it is at a slow start: some requests are cut off, some answered too late.

Stands before a real one, and has its clients stay: where the broker names itself, it is this one's port
that they read.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

from sinergi_ops.ports import HOST, Ports
from tests.chaos.proxy import next_frame

Deed = Literal["pass", "cut", "late"]
Fault = Callable[[int, int], Deed]
"""What is done to a request of this kind (Kafka's API key), by its number among those, from 1."""


class Unsteady:
    """Passes requests on as ``fault`` lets them; ``done`` counts what was done to them."""

    def __init__(self, broker_port: int, fault: Fault) -> None:
        self.port = Ports.free().kafka
        self._seen: Counter[int] = Counter()
        self.done: Counter[Deed] = Counter()
        self._broker_port = broker_port
        self._fault = fault
        self._over = asyncio.Event()

    @property
    def address(self) -> str:
        """Where clients connect."""
        return f"{HOST}:{self.port}"

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client."""
        upstream, to_broker = await asyncio.open_connection(HOST, self._broker_port)
        answering = asyncio.create_task(self._answers(upstream, writer))
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._lets_pass(request := await next_frame(reader)):
                    to_broker.write(request)
                    await to_broker.drain()
        finally:
            answering.cancel()
            to_broker.close()
            writer.close()

    def stop(self) -> None:
        """Let go of what is held."""
        self._over.set()

    async def _lets_pass(self, request: bytes) -> bool:
        (kind,) = struct.unpack(">h", request[4:6])
        self._seen[kind] += 1
        deed = self._fault(kind, self._seen[kind])
        self.done[deed] += 1
        if deed == "late":
            await self._over.wait()  # its client has given it up by then
        return deed == "pass"

    async def _answers(self, broker: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = (_named(port) for port in (self._broker_port, self.port))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                writer.write((await next_frame(broker)).replace(theirs, ours))
                await writer.drain()


def _named(port: int) -> bytes:
    return struct.pack(">h", len(HOST)) + HOST.encode() + struct.pack(">i", port)


@asynccontextmanager
async def unsteady(bootstrap: str, fault: Fault) -> AsyncIterator[Unsteady]:
    """Stand before this broker for as long as the block lasts."""
    broker = Unsteady(int(bootstrap.rpartition(":")[2]), fault)
    server = await asyncio.start_server(broker.connected, HOST, broker.port)
    try:
        yield broker
    finally:
        broker.stop()
        server.close()
