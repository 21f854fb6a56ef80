"""The HTTP way in: ``POST /v1/events``, ``POST /v1/events:check``, and what became of an event.

The sender is known (``gate.py``) before a byte of its body is read; the body is bounded while it is
read (``posted.py``).
"""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from sinergi_ingest import openapi, posted, problem, replies, states
from sinergi_ingest.gate import Gate, TurnedAwayError
from sinergi_ingest.handlers import Answer, Intake
from sinergi_ingest.judges import Judge, judge_of
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.who import Caller
from sinergi_shared import directory
from sinergi_shared.contracts.reasons import Reason

Work = Callable[[Caller, Sequence[bytes], Judge], Awaitable[list[Answer]]]
EVENTS: Final = "/v1/events"


class Api(FastAPI):
    """The API; ``take`` answers what posts events, past the framework's layers.

    Those took a sixth of all that an event sent alone costs, and do nothing here that ``take`` needs.
    """

    take: Callable[[Request], Awaitable[Response]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.take is None or scope.get("path") != EVENTS or scope.get("method") != "POST":
            await super().__call__(scope, receive, send)
        else:
            request = Request(scope, receive)
            try:
                response = await self.take(request)
            except TurnedAwayError as error:
                answer: Any = self.exception_handlers[TurnedAwayError]
                response = await answer(request, error)
            await response(scope, receive, send)


def build_api(
    gate: Gate,
    intake: Intake,
    metrics: IngestMetrics,
    answers: Callable[[], bool],
    find: states.Find,
) -> Api:
    """Return the API; ``answers`` says whether Kafka seems to answer, so that nobody waits in vain."""
    # The usual pages load scripts from elsewhere; the document itself is at /openapi.json.
    api = Api(docs_url=None, redoc_url=None, **openapi.ABOUT)
    _take_events(api, gate, intake, answers)
    _tell_states(api, gate, find)
    _publish_receipt_keys(api, intake)
    _tell_refusals(api, metrics)
    openapi.describe(api)
    return api


def _take_events(api: Api, gate: Gate, intake: Intake, answers: Callable[[], bool]) -> None:
    async def taken(request: Request, work: Work, good: HTTPStatus) -> JSONResponse:
        caller = await gate.caller(
            request, directory.Scope.SEND if work == intake.take else directory.Scope.CHECK
        )
        form = posted.form(request)
        if work == intake.take and not answers():
            raise TurnedAwayError(problem.at_the_door(Reason.UNAVAILABLE))
        body = await posted.body(request)
        await gate.compare(request, caller, body)
        events = await posted.events(request, form, body)
        await gate.spend(caller, len(events))
        found = await work(caller, events, judge_of(form, caller.source))
        return replies.many(found, good) if form.many else replies.single(found[0], good, caller.source)

    @api.post(EVENTS, status_code=202, **openapi.operation(HTTPStatus.ACCEPTED))
    async def events(request: Request) -> JSONResponse:
        """Take one event or many. `202` means that every in-sync broker has the event."""
        return await taken(request, intake.take, HTTPStatus.ACCEPTED)

    api.take = events

    @api.post(f"{EVENTS}:check", status_code=200, **openapi.operation(HTTPStatus.OK))
    async def check(request: Request) -> JSONResponse:
        """Say what `POST /v1/events` would answer, and keep nothing."""
        return await taken(request, intake.check, HTTPStatus.OK)


def _tell_states(api: FastAPI, gate: Gate, find: states.Find) -> None:
    @api.get("/v1/events/{source}/{number}", **openapi.STATE)
    async def state(request: Request, source: str, number: str) -> JSONResponse:
        """Say what became of an event of one's own: `{source}` is `<system>.<channel>`."""
        caller = await gate.caller(request, directory.Scope.READ)
        await gate.compare(request, caller, b"")
        return await states.state_of(caller.source, source, number, find)


def _publish_receipt_keys(api: FastAPI, intake: Intake) -> None:
    @api.get("/v1/receipts/keys", **openapi.RECEIPT_KEYS)
    async def receipt_keys() -> JSONResponse:
        """Give the public keys that receipts are checked with (a JWK set); no key is needed to ask."""
        return JSONResponse(intake.receipts.published, headers={"Cache-Control": "max-age=3600"})


def _tell_refusals(api: FastAPI, metrics: IngestMetrics) -> None:
    @api.exception_handler(TurnedAwayError)
    async def turned_away(_request: Request, error: TurnedAwayError) -> JSONResponse:
        metrics.turned_away.labels(error.told.reason).inc()
        return replies.refusal(error.told)

    @api.exception_handler(HTTPException)
    async def no_such_page(_request: Request, error: HTTPException) -> JSONResponse:
        title = HTTPStatus(error.status_code).phrase
        told = {"type": "about:blank", "title": title, "status": error.status_code}
        return JSONResponse(told, error.status_code, error.headers, problem.MEDIA_TYPE)
