"""Follows activations of region packs: a good one is taken, else the old one stays and operators are told.

Nothing here touches a lane: each takes what is in force at its next batch (``handlers``). A thread
of an open event is not looked at again until something of its own arrives.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from aiokafka.errors import KafkaError

from sinergi_router.activations import of_member
from sinergi_router.metrics import RouterMetrics
from sinergi_router.rules import Rules
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.audit import PolicyAudited, PolicyProblem
from sinergi_shared.region.activated import PackMissingError
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime import logs
from sinergi_shared.runtime.activations import Activations
from sinergi_shared.runtime.kafka import TopicsWrongError

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
        self._pending: tuple[Activation | None, PolicyProblem] | None = None
        self._untold: deque[PolicyAudited] = deque()
        self._log = logs.logger()

    async def run(self) -> None:
        """Apply activations as they come, and try again what could not be applied; until cancelled."""
        await self._rules.activations.follow(self.catch_up)

    async def catch_up(self) -> None:
        """Try once to bring the newest activation into force, and tell what came of it."""
        activations = self._rules.activations
        wanted = activations.wanted
        await activations.catch_up()
        self._note(wanted, _problem(activations))
        while self._untold and await self._audit(self._untold[0]):
            self._untold.popleft()

    def _note(self, wanted: Activation | None, problem: PolicyProblem | None) -> None:
        failed = self._rules.activations.pending
        pending = (failed.wanted if failed else None, problem) if problem else None
        self._metrics.pending(on=problem is not None)
        if pending == self._pending:
            return
        self._pending = pending
        about = pending[0] if pending else wanted
        self._untold.append(of_member(about, problem, self._rules.current, self._member, self._now()))
        if failed is not None:
            self._log.error(
                "the activated pack cannot be applied; the old one stays",
                policy_version=failed.wanted.policyVersion if failed.wanted else None,
                reason=problem,
                exc_info=failed.error,
            )


def _problem(activations: Activations) -> PolicyProblem | None:
    failed = activations.pending
    if failed is not None:
        kinds = (problem for kind, problem in _PROBLEMS if isinstance(failed.error, kind))
        return next(kinds, PolicyProblem.PACK_UNUSABLE)
    return PolicyProblem.RECORD_UNREADABLE if activations.unreadable else None
