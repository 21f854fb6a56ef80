"""The answer to ``GET /v1/events/{source}/{number}``: a sender's own events, and nothing of others."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.errors import KafkaError
from fastapi.responses import JSONResponse

from sinergi_ingest import problem
from sinergi_ingest.answers import EventState, Problem
from sinergi_ingest.statuses import ACCEPTED, BehindError
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Source

Find = Callable[[str, str], Awaitable[EventState | None]]
"""Source name (``<system>.<channel>``) and event number in, what became of the event out."""

ASK_AGAIN_S: Final = 2
_NEVER_KEPT: Final = {"Cache-Control": "no-store"}


async def state_of(who: Source, source: str, number: str, find: Find) -> JSONResponse:
    """Return the state; an event of another source is told like one that does not exist."""
    try:
        found = await find(source, number) if source == who.name else None
    except (BehindError, KafkaError):
        return _problem(problem.at_the_door(Reason.UNAVAILABLE), {"Retry-After": str(problem.RETRY_AFTER_S)})
    if found is None:
        return _problem(problem.no_such_event(), {})
    wait = {"Retry-After": str(ASK_AGAIN_S)} if found.state == ACCEPTED else {}
    return JSONResponse(found.model_dump(mode="json", exclude_none=True), headers=_NEVER_KEPT | wait)


def path_of(source: Source, number: str) -> str:
    """Return where the state of this source's event is asked for."""
    return f"/v1/events/{source.name}/{number}"


def _problem(told: Problem, headers: dict[str, str]) -> JSONResponse:
    body = told.model_dump(mode="json", exclude_none=True)
    language = {"Content-Language": "id, en"}
    return JSONResponse(body, told.status, _NEVER_KEPT | language | headers, problem.MEDIA_TYPE)
