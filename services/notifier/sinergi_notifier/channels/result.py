"""One call, one result: what every channel takes and gives back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, Literal, Protocol, TypeVar

from sinergi_notifier.forms import Full, Thin
from sinergi_shared.contracts.codes import DeliveryState
from sinergi_shared.directory import Contact

TIME_LIMIT_S: Final = 10.0
"""A whole attempt, from connecting to the answer, takes no longer (B67)."""

REPEAT_HEADER: Final = "Sinergi-Possible-Repeat"

FormT = TypeVar("FormT", Thin, Full)


class Trouble(StrEnum):
    """Why an attempt failed: the same word in state, log and metric; never a server's own text."""

    TIMEOUT = "TIMEOUT"
    UNREACHABLE = "UNREACHABLE"
    CUT_OFF = "CUT_OFF"
    BUSY = "BUSY"
    REFUSED = "REFUSED"
    REDIRECT = "REDIRECT"
    RELAY_REFUSED = "RELAY_REFUSED"
    ADDRESS_INVALID = "ADDRESS_INVALID"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"
    SECRET_MISSING = "SECRET_MISSING"  # noqa: S105 - the name of a trouble
    CEILING = "CEILING"
    CONTACT_GONE = "CONTACT_GONE"
    CONTENT_GONE = "CONTENT_GONE"


@dataclass(frozen=True, slots=True)
class Parcel(Generic[FormT]):
    """One attempt: the form that the channel may carry, and to whom; a repeat has the same ``delivery``."""

    delivery: str
    contact: Contact
    form: FormT
    possible_repeat: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of one attempt. ``in_doubt``: it failed, yet may have reached the agency."""

    state: Literal[
        DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.TEMPORARY, DeliveryState.PERMANENT
    ]
    trouble: Trouble | None = None
    http_status: int | None = None
    retry_after: str | None = None
    in_doubt: bool = False


class DeliveryChannel(Protocol[FormT]):
    """A way to a person or a system. ``send`` never raises for what the other side does."""

    async def send(self, parcel: Parcel[FormT], /) -> DeliveryResult:
        """Make one attempt within ``TIME_LIMIT_S``."""
        ...


def later(trouble: Trouble, *, in_doubt: bool = False) -> DeliveryResult:
    """Return a failure that may pass."""
    return DeliveryResult(DeliveryState.TEMPORARY, trouble, in_doubt=in_doubt)


def never(trouble: Trouble) -> DeliveryResult:
    """Return a failure that no repeat cures."""
    return DeliveryResult(DeliveryState.PERMANENT, trouble)
