"""What the router writes about activations: a lane's memory of the last one, and the audit of each step."""

from collections.abc import Iterable
from datetime import datetime

import orjson

from sinergi_router.outbox.written import SOURCE
from sinergi_router.rules import InForce
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.contracts.audit import (
    POLICY_AUDIT_TYPE,
    PolicyAudited,
    PolicyAuditEvent,
    PolicyProblem,
    PolicyStep,
)
from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.envelope import CONTENT_TYPE, schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.thread import POLICY_KEY
from sinergi_shared.runtime.transactions import Outgoing

UNREAD = "?"
"""Stands for the version of an activation that cannot be read."""


def applied(activation: Activation, lane: int, now: datetime) -> Iterable[Outgoing]:
    """Yield what a lane writes with its first decisions by an activation, in their transaction."""
    yield Outgoing(topics.THREADS, POLICY_KEY, orjson.dumps(activation.model_dump()), lane)
    version = activation.policyVersion
    step = PolicyAudited(
        step=PolicyStep.APPLIED,
        activation=activation.activation,
        wanted=version,
        policyVersion=version,
        lane=lane,
        decidedAt=now.astimezone(WIB),
    )
    yield audit(step, lane)


def of_member(
    wanted: Activation | None, problem: PolicyProblem | None, in_force: InForce, member: str, now: datetime
) -> PolicyAudited:
    """Return the step of a router that cannot apply an activation, or, without a problem, can at last."""
    return PolicyAudited(
        step=PolicyStep.PENDING if problem else PolicyStep.RESOLVED,
        activation=wanted.activation if wanted else 0,
        wanted=wanted.policyVersion if wanted else UNREAD,
        policyVersion=in_force.policy.version,
        member=member,
        problem=problem,
        decidedAt=now.astimezone(WIB),
    )


def audit(step: PolicyAudited, lane: int) -> Outgoing:
    """Return the audit record of a step, to be written in this lane."""
    who = str(step.lane) if step.lane is not None else f"member {step.member}"
    event = PolicyAuditEvent(
        id=derived_uuid("audit-policy", step.step, str(step.activation), who),
        source=SOURCE,
        type=POLICY_AUDIT_TYPE,
        subject=step.wanted,
        time=step.decidedAt,
        dataschema=schema_uri("audit-policy"),
        partitionkey=step.wanted,
        data=step,
    )
    value = event.model_dump_json(exclude_none=True).encode()
    return Outgoing(topics.AUDIT, None, value, lane, (("content-type", CONTENT_TYPE.encode()),))
