"""Follows activations of region packs: a good one is taken, else the old one stays and operators are told.

Nothing here touches a lane: each takes what is in force at its next batch (``handlers``). A thread
of an open event is not looked at again until something of its own arrives.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from aiokafka.errors import KafkaError
from pydantic import ValidationError

from sinergi_router.activations import of_member
from sinergi_router.metrics import RouterMetrics
from sinergi_router.rules import Rules
from sinergi_shared.contracts.activation import PACK_KEY, Activation, read_activation
from sinergi_shared.contracts.audit import PolicyAudited, PolicyProblem
from sinergi_shared.region.activated import PackMissingError
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime import logs
from sinergi_shared.runtime.kafka import TopicsWrongError
from sinergi_shared.runtime.lanes import Record

RETRY_S: Final = 2.0

_PROBLEMS: Final[tuple[tuple[type[Exception], PolicyProblem], ...]] = (
    (PackMissingError, PolicyProblem.PACK_MISSING),
    (PackError, PolicyProblem.PACK_DAMAGED),
    (TopicsWrongError, PolicyProblem.TOPICS_MISSING),
    (KafkaError, PolicyProblem.KAFKA_AWAY),
)


class Reload:
    """One router's way from activation to activation.

    ``audit`` writes a step into the audit record, ``False`` while that is not possible; ``member`` is
    this router's name in it.
    """

    def __init__(
        self,
        rules: Rules,
        metrics: RouterMetrics,
        audit: Callable[[PolicyAudited], Awaitable[bool]],
        now: Callable[[], datetime],
        member: str,
    ) -> None:
        self._rules = rules
        self._metrics = metrics
        self._audit = audit
        self._now = now
        self._member = member
        self._unreadable = False
        self._pending: tuple[Activation | None, PolicyProblem] | None = None
        self._untold: deque[PolicyAudited] = deque()
        self._log = logs.logger()

    def take(self, record: Record) -> None:
        """Take one record of ``sinergi.controls.v1``; only activations are looked at."""
        if record.key != PACK_KEY or record.value is None:
            return
        try:
            activation = read_activation(record.value)
        except ValidationError:
            self._unreadable = True
        else:
            self._unreadable = False
            self._rules.want(activation)
        self._rules.news.set()

    async def run(self) -> None:
        """Apply activations as they come, and try again what could not be applied; until cancelled."""
        while True:
            self._rules.news.clear()
            await self.catch_up()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._rules.news.wait()

    async def catch_up(self) -> None:
        """Try once to bring the newest activation into force, and tell what came of it."""
        wanted = self._rules.wanted
        failed = await self._apply(wanted)
        problem = failed or (PolicyProblem.RECORD_UNREADABLE if self._unreadable else None)
        pending = (wanted if failed else None, problem) if problem else None
        if pending != self._pending:
            told = of_member(
                pending[0] if pending else wanted, problem, self._rules.current, self._member, self._now()
            )
            self._untold.append(told)
            self._pending = pending
        self._metrics.pending(on=problem is not None)
        while self._untold and await self._audit(self._untold[0]):
            self._untold.popleft()

    async def _apply(self, wanted: Activation | None) -> PolicyProblem | None:
        if wanted is None:
            return None
        try:
            await self._rules.bring(wanted)
        except Exception as error:  # noqa: BLE001 - no pack may stop a router that has another to decide by
            problem = _problem(error)
            if self._pending != (wanted, problem):
                self._log.error(
                    "the activated pack cannot be applied; the old one stays",
                    policy_version=wanted.policyVersion,
                    reason=problem,
                    exc_info=error,
                )
            return problem
        return None


def _problem(error: Exception) -> PolicyProblem:
    for kind, problem in _PROBLEMS:
        if isinstance(error, kind):
            return problem
    return PolicyProblem.PACK_UNUSABLE
