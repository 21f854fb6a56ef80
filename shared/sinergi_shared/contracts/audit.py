"""``sinergi.audit.v1``: every decision, for the record; codes and ids only, no field of the event.

Also every change of the rules by which decisions are made, and what operators were told of.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from sinergi_shared.contracts.alert import RoutingRule
from sinergi_shared.contracts.base import (
    AdminCode,
    AlertNumber,
    Contract,
    RecipientCode,
    ThreadId,
    Time,
    UpstreamSource,
)
from sinergi_shared.contracts.codes import AreaSource, Level, Role
from sinergi_shared.contracts.envelope import CloudEvent
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule
from sinergi_shared.contracts.thread import EventPointer

AUDIT_TYPE = "id.sinergi.audit.decided.v1"
POLICY_AUDIT_TYPE = "id.sinergi.audit.policy.v1"
ALARM_TYPE = "id.sinergi.audit.alarm.v1"


class Told(Contract):
    """One recipient of a decision: why, as what, how much."""

    recipient: RecipientCode
    role: Role
    level: Level
    rule: RoutingRule
    alertNumber: AlertNumber
    alertRevision: Annotated[int, Field(ge=1)]


class Audited(Contract):
    """One decision of the router; with the event at ``event`` and this policy it can be made again."""

    threadId: ThreadId | None = None
    eventId: str | None = None
    outcome: Outcome
    reason: Reason | None = None
    rule: Rule | None = None
    areaSource: AreaSource | None = None
    adminCode: AdminCode | None = None
    areaConflict: bool = False
    late: bool = False
    lead: RecipientCode | None = None
    told: tuple[Told, ...] = ()
    event: EventPointer | None = None
    decidedAt: Time
    policyVersion: str


AuditEvent = CloudEvent[Audited]


class PolicyStep(StrEnum):
    """What has become of an activated pack: a lane decides by it, or a router cannot yet, or can at last."""

    APPLIED = "applied"
    PENDING = "pending"
    RESOLVED = "resolved"


class PolicyProblem(StrEnum):
    """Why an activated pack cannot be applied."""

    RECORD_UNREADABLE = "RECORD_UNREADABLE"
    PACK_MISSING = "PACK_MISSING"
    PACK_DAMAGED = "PACK_DAMAGED"
    PACK_UNUSABLE = "PACK_UNUSABLE"
    TOPICS_MISSING = "TOPICS_MISSING"
    KAFKA_AWAY = "KAFKA_AWAY"


class PolicyAudited(Contract):
    """A step of one activation: at one member of the router's group, or in one of its lanes."""

    step: PolicyStep
    activation: Annotated[int, Field(ge=0, description="0: not even that can be read")]
    wanted: Annotated[str, Field(description="policyVersion of the activated pack")]
    policyVersion: Annotated[str, Field(description="by which it is decided after this step")]
    lane: Annotated[int | None, Field(ge=0, description="which has applied it")] = None
    member: Annotated[str | None, Field(description="at which it is pending, or no longer")] = None
    problem: PolicyProblem | None = None
    decidedAt: Time


PolicyAuditEvent = CloudEvent[PolicyAudited]


class AlarmKind(StrEnum):
    """What operators are told of; the label of ``sinergi_operator_alert``."""

    SOURCE_SILENT = "source_silent"
    DIRECTORY = "directory"
    CERTIFICATES = "certificates"
    TOPICS_MISSING = "topics_missing"


class Alarm(Contract):
    """Operators were told of something, or it is over."""

    kind: AlarmKind
    source: Annotated[UpstreamSource | None, Field(description="which source, when it is about one")] = None
    active: Annotated[bool, Field(strict=True)]
    at: Time


AlarmEvent = CloudEvent[Alarm]
