"""``sinergi.threads.v1``: what one event has become. The router's own memory, compacted by threadId."""

from typing import Annotated, Any, Final

from pydantic import Field

from sinergi_shared.contracts.base import (
    AlertNumber,
    Contract,
    EventNumber,
    RecipientCode,
    Sha256,
    ThreadId,
    Time,
    Uuid,
)
from sinergi_shared.contracts.codes import Level, Resolution, Role, Severity, Standing, Status, ThreadState
from sinergi_shared.contracts.reasons import Outcome


class Informed(Contract):
    """What one recipient was last told, in which role and at which level."""

    role: Role
    level: Level
    alertNumber: AlertNumber
    alertRevision: Annotated[int, Field(ge=1)]
    ackDueAt: Time | None = None
    standing: Standing | None = None
    referredBy: RecipientCode | None = None


class EventPointer(Contract):
    """Where the last applied event stands on ``sinergi.events.v1``."""

    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]


class Thread(Contract):
    """One event through all its revisions."""

    threadId: ThreadId
    source: str
    eventNumber: EventNumber
    status: Status
    state: ThreadState
    revision: Annotated[int, Field(ge=0)]
    highestSeverity: Severity | None = None
    lead: RecipientCode | None = None
    step: Annotated[int | None, Field(ge=1, le=8, description="the ladder's steps taken so far")] = None
    led: Annotated[
        tuple[RecipientCode, ...] | None, Field(description="who has led since it was opened, and no longer")
    ] = None
    unanswered: Annotated[bool | None, Field(description="the ladder ended: operators know")] = None
    resolution: Annotated[
        Resolution | None, Field(description="how it ended, by the answer that closed it")
    ] = None
    informed: dict[RecipientCode, Informed]
    seen: dict[Uuid, Sha256]
    requests: Annotated[tuple[Uuid, ...] | None, Field(description="ids of the requests applied")] = None
    event: EventPointer | None = None
    carried: Annotated[
        dict[str, Any] | None, Field(description="the event itself, once its topic may have dropped it")
    ] = None
    eventAt: Annotated[
        Time | None, Field(description="when the event was decided, if a request was decided since")
    ] = None
    decidedAt: Time
    policyVersion: str


TOTALS_KEY: Final = b"totals"
"""Key of a lane's totals among its threads; no threadId looks like it."""

POLICY_KEY: Final = b"policy"
"""Key of the activation by which a lane decides, an ``Activation``; there once a pack was activated."""


class Totals(Contract):
    """What became of every event of a lane up to ``position``, written in the offset's transaction."""

    position: Annotated[int, Field(ge=0)]
    outcomes: dict[Outcome, Annotated[int, Field(ge=0)]]
