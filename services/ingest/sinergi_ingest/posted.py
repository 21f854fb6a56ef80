"""What was posted: a request to its form, its bytes and its events' bytes, bounded at every step.

The bytes are kept as they came until the gate has compared them: a signature's digest is that of
the compressed body (RFC 9530).
"""

import asyncio
from typing import Final, NoReturn

from fastapi import Request

from sinergi_ingest import binary, inflate, problem
from sinergi_ingest.gate import TurnedAwayError
from sinergi_ingest.request_body import (
    MAX_REQUEST_BYTES,
    Form,
    NotAnArrayError,
    TooManyItemsError,
    form_of,
    items,
)
from sinergi_shared.contracts.reasons import Reason

AT_ONCE_BYTES: Final = 65_536
"""So many are cut into events before others get their turn: some milliseconds when they are hostile."""


def form(request: Request) -> Form:
    """Return the form that the headers name; raise ``TurnedAwayError`` for any other."""
    spoken = binary.is_binary(_headers(request), binary.HTTP_PREFIX)
    found = form_of(request.headers.get("content-type"), binary=spoken)
    if found is None or _encoding(request) not in ("identity", inflate.ENCODING):
        _turn_away(Reason.MEDIA_UNSUPPORTED)
    return found


async def body(request: Request) -> bytes:
    """Return the bytes as they came; raise ``TurnedAwayError`` once they are too many."""
    if int(request.headers.get("content-length", "0")) > MAX_REQUEST_BYTES:
        _turn_away(Reason.TOO_LARGE)
    found = bytearray()
    async for chunk in request.stream():
        found += chunk
        if len(found) > MAX_REQUEST_BYTES:
            _turn_away(Reason.TOO_LARGE)
    return bytes(found)


async def events(request: Request, form: Form, body: bytes) -> list[bytes]:
    """Return each event's bytes; raise ``TurnedAwayError`` when they cannot be read or told apart."""
    plain = await _inflated(body) if _encoding(request) == inflate.ENCODING else body
    if form is Form.BINARY:
        return [binary.from_http(_headers(request), plain)]
    try:
        if len(plain) <= AT_ONCE_BYTES:
            return items(form, plain)
        # In a thread: four hostile megabytes take most of a second, and others are waiting.
        return await asyncio.to_thread(items, form, plain)
    except TooManyItemsError:
        _turn_away(Reason.TOO_LARGE)
    except NotAnArrayError:
        raise TurnedAwayError(problem.not_a_batch()) from None


async def _inflated(body: bytes) -> bytes:
    inflater = inflate.Inflater(MAX_REQUEST_BYTES)
    plain = bytearray()
    try:
        for piece in inflater.feed(body):
            plain += piece
            await asyncio.sleep(0)  # slice by slice, so that a bomb holds up nobody else
        inflater.end()
    except inflate.TooLongError:
        _turn_away(Reason.TOO_LARGE)
    except inflate.NotGzipError:
        raise TurnedAwayError(problem.not_gzip()) from None
    return bytes(plain)


def _encoding(request: Request) -> str:
    return ",".join(request.headers.getlist("content-encoding") or ["identity"]).strip().lower()


def _headers(request: Request) -> list[binary.Header]:
    return [(name.decode("latin-1"), value) for name, value in request.headers.raw]


def _turn_away(reason: Reason) -> NoReturn:
    raise TurnedAwayError(problem.at_the_door(reason))
