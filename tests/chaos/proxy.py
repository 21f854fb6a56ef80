"""A proxy that understands Kafka's frames and delays one commit until it can do the most harm.

It holds the first ``EndTxn`` that it sees. The client gives up and sends it anew; the proxy lets
that pass, lets the next transaction of several requests publish its first records, stops the rest,
and says that it is ``ready``. ``release()`` then delivers the late commit, which must not touch that
transaction (Jepsen on Bufstream, 2024).
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from sinergi_ops.ports import HOST

_PRODUCE, _ADD_OFFSETS, _END = 0, 25, 26

State = Literal["idle", "armed", "held", "retried", "begun", "torn"]


class Proxy:
    """Passes everything on until it is armed."""

    def __init__(self, port: int, broker_port: int) -> None:
        self.port = port
        self.state: State = "idle"
        self.ready = asyncio.Event()
        self._broker_port = broker_port
        self._held: bytes | None = None
        self._late = asyncio.Event()
        self._delivered = asyncio.Event()
        self._over = asyncio.Event()

    def arm(self) -> None:
        """Hold the next ``EndTxn``."""
        self.state, self._held = "armed", None
        for event in (self.ready, self._late, self._delivered, self._over):
            event.clear()

    async def release(self) -> None:
        """Deliver the late commit and return once the broker has been given time to answer it."""
        self._late.set()
        await self._delivered.wait()
        await asyncio.sleep(0.5)

    def drop(self) -> None:
        """Throw away what a killed client could not send any more."""
        self.state = "idle"
        self._over.set()
        self._late.set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client."""
        upstream, to_broker = await asyncio.open_connection(HOST, self._broker_port)
        down = asyncio.create_task(_copy(upstream, writer))
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    frame = await next_frame(reader)
                    await self._judge(frame)
                    to_broker.write(frame)
                    await to_broker.drain()
                    if frame is self._held:
                        self._delivered.set()
        finally:
            with suppress(asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                await asyncio.wait_for(down, 1)
            to_broker.close()
            writer.close()

    async def _judge(self, frame: bytes) -> None:
        key = struct.unpack(">h", frame[4:6])[0]
        if key not in (_PRODUCE, _ADD_OFFSETS, _END):
            return
        if self.state == "armed" and key == _END:
            self.state, self._held = "held", frame
            await self._late.wait()
        elif self._held is not None and _transaction(frame) == _transaction(self._held):
            await self._judge_next(key)

    async def _judge_next(self, key: int) -> None:
        match self.state, key:
            case "held", 26:
                self.state = "retried"
            case "retried", 0:
                self.state = "begun"
            case "begun", 25:  # its records have all passed: nothing to tear, so the next one
                self.state = "retried"
            case "begun", 0:
                self.state = "torn"
                self.ready.set()
                await self._over.wait()
                raise ConnectionError("the client is dead; its records never arrive")


def _transaction(frame: bytes) -> bytes:
    # size, key, version, correlation id, client id, then the transactional id in all three requests
    start = 12
    start += 2 + max(0, struct.unpack(">h", frame[start : start + 2])[0])
    length = struct.unpack(">h", frame[start : start + 2])[0]
    return frame[start + 2 : start + 2 + max(0, length)]


async def next_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next request or answer, with its size before it."""
    size = await reader.readexactly(4)
    return size + await reader.readexactly(struct.unpack(">i", size)[0])


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxying(port: int, broker_port: int) -> AsyncIterator[Proxy]:
    """Run a proxy in front of a broker's listener for as long as the block lasts."""
    proxy = Proxy(port, broker_port)
    server = await asyncio.start_server(proxy.connected, HOST, port)
    try:
        yield proxy
    finally:
        proxy.drop()
        server.close()
