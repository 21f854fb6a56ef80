"""``sinergi.jobs.v1``: what to deliver for one decision. The notifier sees nothing fuller than this."""

from typing import Annotated

from pydantic import Field

from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.base import Contract, RecipientCode, ThreadId, Time, Uuid
from sinergi_shared.contracts.codes import Severity, Status
from sinergi_shared.contracts.envelope import CloudEvent


class JobEntry(Contract):
    """One recipient's alert in both forms: ``full`` as published, ``thin`` cut at L1.

    A channel's type has no way to a form above its ceiling (architecture, 4).
    """

    recipient: RecipientCode
    full: AlertEvent
    thin: AlertEvent


class Job(Contract):
    """One decision: everybody who is to be told, and by when the first of them must answer."""

    threadId: ThreadId
    eventId: Uuid
    status: Status
    severity: Severity
    decidedAt: Time
    receivedAt: Time
    entries: Annotated[tuple[JobEntry, ...], Field(min_length=1)]


JobEvent = CloudEvent[Job]
JOB_TYPE = "id.sinergi.job.queued.v1"
