"""When is it tried again? Waits grow, are spread, and heed ``Retry-After`` within a bound; pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Schedule:
    """Waits after the first, second … failed attempt; when they are used up, a failure is for good.

    ``longest`` bounds what an endpoint may ask for with ``Retry-After``.
    """

    waits: tuple[timedelta, ...]
    longest: timedelta


SCHEDULE: Final = Schedule(
    waits=tuple(timedelta(seconds=wait) for wait in (3, 15, 60, 180, 600)),
    longest=timedelta(minutes=15),
)
_SHORTEST: Final = timedelta(seconds=1)
_MAX_DIGITS: Final = 9


def next_try(
    *,
    delivery: str,
    attempt: int,
    asked: str | None,
    ack_due: datetime | None,
    now: datetime,
    schedule: Schedule = SCHEDULE,
) -> datetime | None:
    """Return the time before which a failed delivery is not tried again, ``None`` when never.

    Not before the wait that the endpoint ``asked`` for (a ``Retry-After``, both forms), unless half
    the time left until the answer is due is shorter: a late alert helps nobody (B56).
    """
    if attempt > len(schedule.waits):
        return None
    own = schedule.waits[attempt - 1] * (0.8 + 0.4 * _spread(delivery, attempt))
    wanted = max(own, wait_asked(asked, now) or own)
    return now + max(_SHORTEST, min(wanted, _bound(ack_due, now, schedule)))


def wait_asked(text: str | None, now: datetime) -> timedelta | None:
    """Return what a ``Retry-After`` asks for, seconds or an HTTP date; ``None`` when it says nothing."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=int(text[:_MAX_DIGITS]))
    try:
        wait = parsedate_to_datetime(text) - now
    except (ValueError, TypeError):  # TypeError: a date without a zone
        return None
    return wait if wait > timedelta(0) else None


def _bound(ack_due: datetime | None, now: datetime, schedule: Schedule) -> timedelta:
    if ack_due is None or ack_due <= now:
        return schedule.longest
    return min(schedule.longest, (ack_due - now) / 2)


def _spread(delivery: str, attempt: int) -> float:
    """Return 0 to 1, the same for the same delivery and attempt, so that endpoints are not hit at once."""
    digest = hashlib.sha256(f"{delivery}/{attempt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
