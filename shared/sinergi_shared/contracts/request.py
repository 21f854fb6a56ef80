"""``sinergi.requests.v1``: the notifier or an operator asks the router to decide again about a thread.

Only the router widens who knows or moves the lead; a request whose step is not the next is refused.
"""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from sinergi_shared.contracts.base import Contract, RecipientCode, ThreadId, Time
from sinergi_shared.contracts.codes import RequestVerb, Resolution
from sinergi_shared.contracts.envelope import CloudEvent


class Request(Contract):
    """One ask; ``step`` counts the ladder's steps of the thread, at most 8.

    Its CloudEvents id is derived from the alert that it is about, so that an event which is opened
    again can be escalated again.
    """

    threadId: ThreadId
    verb: RequestVerb
    step: Annotated[
        int | None, Field(ge=1, le=8, description="with escalate: one more than those taken so far")
    ] = None
    by: Annotated[RecipientCode, Field(description="who answered; with escalate the lead that did not")]
    to: Annotated[
        RecipientCode | None,
        Field(description="with refer: to whom; with recall: from whom, absent for everybody"),
    ] = None
    outcome: Annotated[Resolution | None, Field(description="with resolved: how the event ended")] = None
    reasonCode: Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_]{1,47}$")] | None = None
    at: Time

    @model_validator(mode="after")
    def _says_what_its_verb_needs(self) -> Self:
        if self.verb is RequestVerb.ESCALATE and self.step is None:
            raise ValueError("escalate names its step")
        if self.verb is RequestVerb.REFER and self.to is None:
            raise ValueError("refer names to whom")
        if (self.verb is RequestVerb.RESOLVED) != (self.outcome is not None):
            raise ValueError("resolved, and nothing else, names how the event ended")
        return self


RequestEvent = CloudEvent[Request]


def request_type(verb: RequestVerb) -> str:
    """Return the CloudEvents type of a request."""
    return f"id.sinergi.request.{verb}.v1"
