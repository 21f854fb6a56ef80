"""Answers and problems as HTTP responses."""

from http import HTTPStatus
from typing import Any

import orjson
from fastapi.responses import JSONResponse

from sinergi_ingest import inflate, problem, states
from sinergi_ingest.answers import Problem
from sinergi_ingest.handlers import Accepted, Answer
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Source


class Json(JSONResponse):
    """A response in JSON, written by the faster library."""

    def render(self, content: Any) -> bytes:  # noqa: ANN401 - any JSON value
        """Return the body."""
        return orjson.dumps(content)


def single(answer: Answer, good: HTTPStatus, source: Source) -> JSONResponse:
    """Return the response to one event; ``good`` is the status of one that is taken."""
    match answer:
        case Accepted():
            return Json(_accepted(answer), good, _location(answer, source))
        case Problem():
            return refusal(answer)


def many(answers: list[Answer], good: HTTPStatus) -> JSONResponse:
    """Return the response to many events: one answer each, or 503 when none could be stored."""
    if answers and all(_unstored(answer) for answer in answers):
        return refusal(problem.at_the_door(Reason.UNAVAILABLE))
    return Json({"items": [_item(index, answer, good) for index, answer in enumerate(answers)]})


def refusal(told: Problem) -> JSONResponse:
    """Return a problem document, with the headers that its reason asks for."""
    headers = {"Content-Language": "id, en"}
    if told.retryAfterS is not None:
        headers["Retry-After"] = str(told.retryAfterS)
    if told.reason == Reason.MEDIA_UNSUPPORTED:
        headers["Accept-Encoding"] = inflate.ENCODING  # RFC 9110, 15.5.16
    if told.reason in (Reason.UNAUTHENTICATED, Reason.SIGNATURE_INVALID):
        headers["WWW-Authenticate"] = "Bearer"
    return Json(_told(told), told.status, headers, problem.MEDIA_TYPE)


def _location(answer: Accepted, source: Source) -> dict[str, str]:
    stored = answer.receipt is not None and answer.event_number is not None
    return {"Location": states.path_of(source, str(answer.event_number))} if stored else {}


def _unstored(answer: Answer) -> bool:
    return isinstance(answer, Problem) and answer.reason == Reason.UNAVAILABLE


def _item(index: int, answer: Answer, good: HTTPStatus) -> dict[str, Any]:
    match answer:
        case Accepted():
            return {"index": index, "status": int(good), **_accepted(answer)}
        case Problem():
            return {"index": index, "status": answer.status, "problem": _told(answer)}


def _accepted(answer: Accepted) -> dict[str, Any]:
    # As ``Taken``, whose fields were all checked before.
    told: dict[str, Any] = {"id": answer.id, "noteWithheld": answer.note_withheld}
    if answer.event_number is not None:
        told["eventNumber"] = answer.event_number
    if answer.receipt is not None:
        told["receipt"] = answer.receipt
    return told


def _told(told: Problem) -> dict[str, Any]:
    return told.model_dump(mode="json", exclude_none=True)
