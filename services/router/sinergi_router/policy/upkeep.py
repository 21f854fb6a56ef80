"""What time alone does to a thread: it is written anew, closed, forgotten (architecture, 3).

A closed thread is forgotten after 90 days, so that a repeat is merged for longer than any sender
repeats. An open one is closed as ``expired`` when nothing was decided about it for 180 days.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from sinergi_router.policy.facts import Thread
from sinergi_shared.contracts.codes import ThreadState

LOOKED_AT_EVERY: Final = timedelta(days=30)
CARRIES_ITS_EVENT_FROM: Final = timedelta(days=60)
"""``sinergi.events.v1`` keeps an event for 90 days; from then on the thread itself has it."""

CLOSED_KEPT_FOR: Final = timedelta(days=90)
OPEN_KEPT_FOR: Final = timedelta(days=180)


class Care(Enum):
    """What a thread needs that has not been written for ``LOOKED_AT_EVERY``."""

    NOTHING = auto()
    REWRITE = auto()
    CARRY_EVENT = auto()
    EXPIRE = auto()
    FORGET = auto()


def care(thread: Thread, now: datetime) -> Care:
    """Return what is to be done about a thread at this time.

    Its age counts from its last decision, but the age of its event from the event's own: a request
    makes the thread young again, and not the record that it points to.
    """
    age = now - thread.decided_at if thread.decided_at is not None else OPEN_KEPT_FOR
    if thread.state is not ThreadState.OPEN:
        return Care.FORGET if age >= CLOSED_KEPT_FOR else Care.NOTHING
    if age >= OPEN_KEPT_FOR:
        return Care.EXPIRE
    event_age = now - thread.event_at if thread.event_at is not None else age
    if event_age >= CARRIES_ITS_EVENT_FROM and thread.carried is None:
        return Care.CARRY_EVENT
    return Care.REWRITE


def resting_since(thread: Thread, now: datetime) -> datetime:
    """Return from when a closed thread is left alone for ``LOOKED_AT_EVERY``: its last day is not missed."""
    closed_at = thread.decided_at if thread.decided_at is not None else now
    return min(closed_at + CLOSED_KEPT_FOR - LOOKED_AT_EVERY, now)


def expired(thread: Thread, now: datetime) -> Thread:
    """Return a thread that nobody has led to an end; nobody is told, who holds an alert still holds it."""
    return replace(
        thread, state=ThreadState.EXPIRED, lead=None, unanswered=False, carried=None, decided_at=now
    )
