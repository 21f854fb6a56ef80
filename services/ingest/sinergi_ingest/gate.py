"""The gate: knows who asks before a byte of the body is read, and holds each source to its rate."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from fastapi import Request

from sinergi_ingest import problem
from sinergi_ingest.answers import Problem
from sinergi_ingest.budget import Budget
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.patience import Patience
from sinergi_ingest.who import Caller, Failure, Shown, body_is_as_signed, who
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Directory, Scope

_BY_SIGNATURE: Final = {Failure.SIGNATURE, Failure.SIGNATURE_TIME, Failure.DIGEST}


class TurnedAwayError(Exception):
    """A request that is not taken; holds what the sender is told."""

    def __init__(self, told: Problem) -> None:
        super().__init__(told.reason)
        self.told = told


class Gate:
    """Lets known callers in; ``directory`` gives the one in force, ``seconds`` is a steady clock."""

    def __init__(
        self,
        directory: Callable[[], Directory],
        budget: Budget,
        metrics: IngestMetrics,
        *,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._budget = budget
        self._metrics = metrics
        self._patience = Patience()
        self._clock = clock
        self._seconds = seconds

    async def caller(self, request: Request, scope: Scope) -> Caller:
        """Return who asks, when that one may do this; raise ``TurnedAwayError`` otherwise."""
        found = who(_shown(request), self._directory(), self._clock())
        if isinstance(found, Failure):
            raise TurnedAwayError(await self._failed(request, found))
        if scope not in found.scopes:
            raise TurnedAwayError(problem.out_of_scope(scope))
        if (wait := self._budget.shut_for(found.source)) > 0:
            raise TurnedAwayError(problem.too_fast(wait))
        return found

    async def compare(self, request: Request, caller: Caller, body: bytes) -> None:
        """Raise ``TurnedAwayError`` when these are not the bytes that the caller signed."""
        if not body_is_as_signed(caller, body):
            raise TurnedAwayError(await self._failed(request, Failure.DIGEST))

    async def spend(self, caller: Caller, events: int) -> None:
        """Take these events from the source's rate; raise ``TurnedAwayError`` when it is used up."""
        if (wait := await self._budget.take(caller.source, events)) > 0:
            raise TurnedAwayError(problem.too_fast(wait))

    async def _failed(self, request: Request, failure: Failure) -> Problem:
        self._metrics.failures.labels(failure).inc()
        address = request.client.host if request.client else ""
        wait = self._patience.failed(address, self._seconds())
        with self._patience:
            await asyncio.sleep(wait)
        return problem.at_the_door(
            Reason.SIGNATURE_INVALID if failure in _BY_SIGNATURE else Reason.UNAUTHENTICATED
        )


def _shown(request: Request) -> Shown:
    tls = request.scope.get("extensions", {}).get("tls", {})
    url = f"https://{request.headers.get('host') or 'sinergi'}{_target(request)}"
    return Shown(request.method, url, dict(request.headers), tls.get("client_cert"))


def _target(request: Request) -> str:
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (path.split(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")
