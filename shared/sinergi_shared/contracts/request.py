"""``sinergi.requests.v1``: the notifier or an operator asks the router to decide again about a thread.

Only the router widens who knows or moves the lead; a request whose step is not the next is refused.
"""

from typing import Annotated

from pydantic import Field, StringConstraints

from sinergi_shared.contracts.base import Contract, RecipientCode, ThreadId, Time
from sinergi_shared.contracts.codes import RequestVerb
from sinergi_shared.contracts.envelope import CloudEvent


class Request(Contract):
    """One ask; ``step`` counts the ladder's steps of the thread, at most 8."""

    threadId: ThreadId
    verb: RequestVerb
    step: Annotated[int, Field(ge=1, le=8)] | None = None
    by: RecipientCode
    to: RecipientCode | None = None
    reasonCode: Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_]{1,47}$")] | None = None
    at: Time


RequestEvent = CloudEvent[Request]


def request_type(verb: RequestVerb) -> str:
    """Return the CloudEvents type of a request."""
    return f"id.sinergi.request.{verb}.v1"
