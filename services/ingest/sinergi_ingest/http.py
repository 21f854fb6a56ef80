"""The HTTP way in: ``POST /v1/events`` and ``POST /v1/events:check``.

The sender is known (``gate.py``) before a byte of its body is read; the body is bounded while it is
read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, NoReturn

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sinergi_ingest import openapi, problem
from sinergi_ingest.answers import Problem, Taken
from sinergi_ingest.gate import Gate, TurnedAwayError
from sinergi_ingest.handlers import Accepted, Answer, Intake
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.request_body import (
    MAX_REQUEST_BYTES,
    Form,
    NotAnArrayError,
    TooManyItemsError,
    form_of,
    items,
)
from sinergi_ingest.who import Caller
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Scope

Work = Callable[[Caller, Sequence[bytes]], Awaitable[list[Answer]]]


def build_api(gate: Gate, intake: Intake, metrics: IngestMetrics, answers: Callable[[], bool]) -> FastAPI:
    """Return the API; ``answers`` says whether Kafka seems to answer, so that nobody waits in vain."""
    # The usual pages load scripts from elsewhere; the document itself is at /openapi.json.
    api = FastAPI(docs_url=None, redoc_url=None, **openapi.ABOUT)

    async def taken(request: Request, work: Work, good: HTTPStatus) -> JSONResponse:
        caller = await gate.caller(request, Scope.SEND if work == intake.take else Scope.CHECK)
        form = _form(request)
        if work == intake.take and not answers():
            _turn_away(Reason.UNAVAILABLE)
        body = await _body(request)
        await gate.compare(request, caller, body)
        bodies = await _items(form, body)
        await gate.spend(caller, len(bodies))
        found = await work(caller, bodies)
        return _single(found[0], good) if form is Form.ONE else _many(found, good)

    @api.post("/v1/events", status_code=202, **openapi.operation(HTTPStatus.ACCEPTED))
    async def events(request: Request) -> JSONResponse:
        """Take one event or many. `202` means that every in-sync broker has the event."""
        return await taken(request, intake.take, HTTPStatus.ACCEPTED)

    @api.post("/v1/events:check", status_code=200, **openapi.operation(HTTPStatus.OK))
    async def check(request: Request) -> JSONResponse:
        """Say what `POST /v1/events` would answer, and keep nothing."""
        return await taken(request, intake.check, HTTPStatus.OK)

    @api.exception_handler(TurnedAwayError)
    async def turned_away(_request: Request, error: TurnedAwayError) -> JSONResponse:
        metrics.turned_away.labels(error.told.reason).inc()
        return _problem(error.told)

    @api.exception_handler(HTTPException)
    async def no_such_page(_request: Request, error: HTTPException) -> JSONResponse:
        title = HTTPStatus(error.status_code).phrase
        told = {"type": "about:blank", "title": title, "status": error.status_code}
        return JSONResponse(told, error.status_code, error.headers, problem.MEDIA_TYPE)

    openapi.describe(api)
    return api


def _turn_away(reason: Reason) -> NoReturn:
    raise TurnedAwayError(problem.at_the_door(reason))


def _form(request: Request) -> Form:
    # Compressed bodies are refused, not inflated: a bomb costs nothing then (B79).
    form = form_of(request.headers.get("content-type"))
    if form is None or request.headers.get("content-encoding", "identity").lower() != "identity":
        _turn_away(Reason.MEDIA_UNSUPPORTED)
    return form


async def _body(request: Request) -> bytes:
    if int(request.headers.get("content-length", "0")) > MAX_REQUEST_BYTES:
        _turn_away(Reason.TOO_LARGE)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            _turn_away(Reason.TOO_LARGE)
    return bytes(body)


async def _items(form: Form, body: bytes) -> list[bytes]:
    try:
        # In a thread: four hostile megabytes take most of a second, and others are waiting.
        return [body] if form is Form.ONE else await asyncio.to_thread(items, form, body)
    except TooManyItemsError:
        _turn_away(Reason.TOO_LARGE)
    except NotAnArrayError:
        raise TurnedAwayError(problem.not_a_batch()) from None


def _single(answer: Answer, good: HTTPStatus) -> JSONResponse:
    match answer:
        case Accepted():
            return JSONResponse(_accepted(answer), good)
        case Problem():
            return _problem(answer)


def _many(answers: list[Answer], good: HTTPStatus) -> JSONResponse:
    if answers and all(_unstored(answer) for answer in answers):
        return _problem(problem.at_the_door(Reason.UNAVAILABLE))
    return JSONResponse({"items": [_item(index, answer, good) for index, answer in enumerate(answers)]})


def _unstored(answer: Answer) -> bool:
    return isinstance(answer, Problem) and answer.reason == Reason.UNAVAILABLE


def _item(index: int, answer: Answer, good: HTTPStatus) -> dict[str, Any]:
    match answer:
        case Accepted():
            return {"index": index, "status": int(good), **_accepted(answer)}
        case Problem():
            return {"index": index, "status": answer.status, "problem": _told(answer)}


def _accepted(answer: Accepted) -> dict[str, Any]:
    told = Taken(id=answer.id, eventNumber=answer.event_number, noteWithheld=answer.note_withheld)
    return told.model_dump(mode="json", exclude_none=True)


def _told(told: Problem) -> dict[str, Any]:
    return told.model_dump(mode="json", exclude_none=True)


def _problem(told: Problem) -> JSONResponse:
    headers = {"Content-Language": "id, en"}
    if told.retryAfterS is not None:
        headers["Retry-After"] = str(told.retryAfterS)
    if told.reason in (Reason.UNAUTHENTICATED, Reason.SIGNATURE_INVALID):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(_told(told), told.status, headers, problem.MEDIA_TYPE)
