"""What was posted: a request to its form, its bytes and its events' bytes, bounded while it is read."""

import asyncio
from typing import NoReturn

from fastapi import Request

from sinergi_ingest import problem
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


def form(request: Request) -> Form:
    """Return the form that the headers name; raise ``TurnedAwayError`` for any other."""
    # Compressed bodies are refused, not inflated: a bomb costs nothing then (B79).
    found = form_of(request.headers.get("content-type"))
    if found is None or request.headers.get("content-encoding", "identity").lower() != "identity":
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


async def events(form: Form, body: bytes) -> list[bytes]:
    """Return each event's bytes; raise ``TurnedAwayError`` when they cannot be told apart."""
    try:
        # In a thread: four hostile megabytes take most of a second, and others are waiting.
        return await asyncio.to_thread(items, form, body) if form.many else [body]
    except TooManyItemsError:
        _turn_away(Reason.TOO_LARGE)
    except NotAnArrayError:
        raise TurnedAwayError(problem.not_a_batch()) from None


def _turn_away(reason: Reason) -> NoReturn:
    raise TurnedAwayError(problem.at_the_door(reason))
