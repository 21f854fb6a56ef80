"""The HTTP way in: ``POST /v1/events`` and ``POST /v1/events:check``.

The sender is known before a byte of its body is read; the body is bounded while it is read.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final, NoReturn

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from sinergi_ingest import binary, inflate, openapi, problem, states
from sinergi_ingest.admit import Verdict, admit
from sinergi_ingest.answers import Problem, Taken
from sinergi_ingest.cap.admission import admit_cap
from sinergi_ingest.handlers import Accepted, Answer, Intake, Judge
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.request_body import (
    MAX_REQUEST_BYTES,
    Form,
    NotAnArrayError,
    TooManyItemsError,
    form_of,
    items,
)
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Directory, Source

Work = Callable[[Source, Sequence[bytes], Judge], Awaitable[list[Answer]]]

MAX_KEY_CHARACTERS: Final = 200

_MANY: Final = (Form.BATCH, Form.LINES)


class TurnedAwayError(Exception):
    """A request that is not taken; holds what the sender is told."""

    def __init__(self, told: Problem) -> None:
        super().__init__(told.reason)
        self.told = told


def build_api(
    directory: Directory,
    intake: Intake,
    metrics: IngestMetrics,
    answers: Callable[[], bool],
    find: states.Find,
) -> FastAPI:
    """Return the API; ``answers`` says whether Kafka seems to answer, so that nobody waits in vain."""
    # The usual pages load scripts from elsewhere; the document itself is at /openapi.json.
    api = FastAPI(docs_url=None, redoc_url=None, **openapi.ABOUT)

    async def taken(request: Request, work: Work, good: HTTPStatus) -> JSONResponse:
        source = _who(request, directory)
        form = _form(request)
        if work == intake.take and not answers():
            _turn_away(Reason.UNAVAILABLE)
        bodies = await _items(form, await _body(request))
        if form is Form.BINARY:
            bodies = [binary.from_http(_headers(request), bodies[0])]
        found = await work(source, bodies, partial(_judge_cap, source) if form is Form.CAP else admit)
        return _many(found, good) if form in _MANY else _single(found[0], good, source)

    @api.post("/v1/events", status_code=202, **openapi.operation(HTTPStatus.ACCEPTED))
    async def events(request: Request) -> JSONResponse:
        """Take one event or many. `202` means that every in-sync broker has the event."""
        return await taken(request, intake.take, HTTPStatus.ACCEPTED)

    @api.post("/v1/events:check", status_code=200, **openapi.operation(HTTPStatus.OK))
    async def check(request: Request) -> JSONResponse:
        """Say what `POST /v1/events` would answer, and keep nothing."""
        return await taken(request, intake.check, HTTPStatus.OK)

    @api.get("/v1/events/{source}/{number}", **openapi.STATE)
    async def state(request: Request, source: str, number: str) -> JSONResponse:
        """Say what became of an event of one's own: `{source}` is `<system>.<channel>`."""
        return await states.state_of(_who(request, directory), source, number, find)

    @api.get("/v1/receipts/keys", **openapi.RECEIPT_KEYS)
    async def receipt_keys() -> JSONResponse:
        """Give the public keys that receipts are checked with (a JWK set); no key is needed to ask."""
        return JSONResponse(intake.receipts.published, headers={"Cache-Control": "max-age=3600"})

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


def _who(request: Request, directory: Directory) -> Source:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    known = scheme.lower() == "bearer" and len(key) <= MAX_KEY_CHARACTERS
    source = directory.source_of_key(key.strip()) if known else None
    if source is None:
        _turn_away(Reason.UNAUTHENTICATED)
    return source


def _form(request: Request) -> Form:
    spoken = binary.is_binary(_headers(request), binary.HTTP_PREFIX)
    form = form_of(request.headers.get("content-type"), binary=spoken)
    if form is None or _encoding(request) not in ("identity", inflate.ENCODING):
        _turn_away(Reason.MEDIA_UNSUPPORTED)
    return form


def _encoding(request: Request) -> str:
    return ",".join(request.headers.getlist("content-encoding") or ["identity"]).strip().lower()


def _headers(request: Request) -> list[binary.Header]:
    return [(name.decode("latin-1"), value) for name, value in request.headers.raw]


def _judge_cap(source: Source, body: bytes | None, known_sources: Collection[str], now: datetime) -> Verdict:
    return admit_cap(body or b"", source.urn, known_sources, now)


async def _body(request: Request) -> bytes:
    if int(request.headers.get("content-length", "0")) > MAX_REQUEST_BYTES:
        _turn_away(Reason.TOO_LARGE)
    body = bytearray()
    async for chunk in _inflated(request) if _encoding(request) == inflate.ENCODING else request.stream():
        body += chunk
        if len(body) > MAX_REQUEST_BYTES:
            _turn_away(Reason.TOO_LARGE)
    return bytes(body)


async def _inflated(request: Request) -> AsyncIterator[bytes]:
    inflater = inflate.Inflater(MAX_REQUEST_BYTES)
    try:
        async for chunk in request.stream():
            for piece in inflater.feed(chunk):
                yield piece
                await asyncio.sleep(0)  # slice by slice, so that a bomb holds up nobody else
        inflater.end()
    except inflate.TooLongError:
        _turn_away(Reason.TOO_LARGE)
    except inflate.NotGzipError:
        raise TurnedAwayError(problem.not_gzip()) from None


async def _items(form: Form, body: bytes) -> list[bytes]:
    try:
        # In a thread: four hostile megabytes take most of a second, and others are waiting.
        return await asyncio.to_thread(items, form, body) if form in _MANY else [body]
    except TooManyItemsError:
        _turn_away(Reason.TOO_LARGE)
    except NotAnArrayError:
        raise TurnedAwayError(problem.not_a_batch()) from None


def _single(answer: Answer, good: HTTPStatus, source: Source) -> JSONResponse:
    match answer:
        case Accepted():
            where = {"Location": states.path_of(source, answer.event_number)} if answer.receipt else {}
            return JSONResponse(_accepted(answer), good, where)
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
    told = Taken(
        id=answer.id,
        eventNumber=answer.event_number,
        noteWithheld=answer.note_withheld,
        receipt=answer.receipt,
    )
    return told.model_dump(mode="json", exclude_none=True)


def _told(told: Problem) -> dict[str, Any]:
    return told.model_dump(mode="json", exclude_none=True)


def _problem(told: Problem) -> JSONResponse:
    headers = {"Content-Language": "id, en"}
    if told.reason == Reason.UNAVAILABLE:
        headers["Retry-After"] = str(problem.RETRY_AFTER_S)
    if told.reason == Reason.MEDIA_UNSUPPORTED:
        headers["Accept-Encoding"] = inflate.ENCODING  # RFC 9110, 15.5.16
    if told.reason == Reason.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(_told(told), told.status, headers, problem.MEDIA_TYPE)
