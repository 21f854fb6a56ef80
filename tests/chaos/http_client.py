"""HTTP as bytes on a socket: cheap enough for a load, and free to send what no client would."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final, Self

from sinergi_ops.ports import HOST

PATH: Final = "/v1/events"
ONE: Final = "application/cloudevents+json"
PATIENCE_S: Final = 30.0


class BrokenError(Exception):
    """The other side is away, hung up, or said nothing for too long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body's JSON value; nothing when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Connection:
    """One connection, opened when it is needed and kept while the other side keeps it."""

    def __init__(self, port: int, *, patience_s: float = PATIENCE_S) -> None:
        self._port = port
        self._patience_s = patience_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes, key: str, media: str = ONE, **headers: str) -> Answer:
        """Send one request and return its answer; raise ``BrokenError``."""
        told = {"host": HOST, "authorization": f"Bearer {key}", "content-type": media, **headers}
        told["content-length"] = str(len(body))
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
        return await self.send(f"POST {PATH} HTTP/1.1\r\n{head}\r\n".encode() + body)

    async def send(self, raw: bytes, *, and_close: bool = False) -> Answer:
        """Send these bytes and return what is answered first; raise ``BrokenError``."""
        try:
            async with asyncio.timeout(self._patience_s):
                reader, writer = await self._open()
                writer.write(raw)
                if and_close:
                    writer.write_eof()
                return await self._answer(reader)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            self.close()
            raise BrokenError(type(error).__name__) from None

    async def trickle(self, raw: bytes, pause_s: float) -> None:
        """Send byte by byte, and raise ``BrokenError`` once the other side has had enough."""
        try:
            _, writer = await self._open()
            for one in raw:
                writer.write(bytes((one,)))
                await writer.drain()
                await asyncio.sleep(pause_s)
        except OSError as error:
            raise BrokenError(type(error).__name__) from None
        finally:
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None or self._streams[1].is_closing() or self._streams[0].at_eof():
            self._streams = await asyncio.open_connection(HOST, self._port)
        return self._streams

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if ": " in line)
        headers = {name.lower(): value for name, value in pairs}
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await reader.read()
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(head[0].split(" ")[1]), headers, body)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.close()
