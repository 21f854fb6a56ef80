"""``sinergi.rejected.v1``: a refused message, kept where it can be replayed (contracts, section 5)."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.alert import Action
from sinergi_shared.contracts.base import Contract, JsonPointer, Sha256, Time
from sinergi_shared.contracts.envelope import CloudEvent
from sinergi_shared.contracts.reasons import Reason, Rule, Stage

REJECTED_TYPE: Final = "id.sinergi.movement.rejected.v1"
MAX_KEPT_BYTES: Final = 98_304
UNREAD: Final = "unread"
"""Stands for an id, source or type that could not be read."""


class Rejected(Contract):
    """Why and where a message was refused; pointers, never values."""

    rejectedId: str
    rejectedSource: str
    rejectedType: str
    reason: Reason
    stage: Stage
    fields: tuple[JsonPointer, ...] = ()
    rule: Rule | None = None
    retryable: bool
    payload: Annotated[str | None, Field(description="base64 of the original bytes, at most 96 KiB")] = None
    headers: dict[str, Annotated[str, StringConstraints(max_length=256)]] = Field(default_factory=dict)
    attempts: Annotated[int, Field(ge=1)] = 1
    firstSeen: Time
    payloadSha256: Sha256
    payloadKept: bool
    topic: str | None = None
    partition: Annotated[int, Field(ge=0)] | None = None
    offset: Annotated[int, Field(ge=0)] | None = None
    action: Action


RejectedEvent = CloudEvent[Rejected]
