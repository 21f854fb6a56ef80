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
    """Return what is to be done about a thread at this time; its age counts from its last decision."""
    age = now - thread.decided_at if thread.decided_at is not None else OPEN_KEPT_FOR
    if thread.state is not ThreadState.OPEN:
        return Care.FORGET if age >= CLOSED_KEPT_FOR else Care.NOTHING
    if age >= OPEN_KEPT_FOR:
        return Care.EXPIRE
    if age >= CARRIES_ITS_EVENT_FROM and thread.carried is None:
        return Care.CARRY_EVENT
    return Care.REWRITE


def expired(thread: Thread, now: datetime) -> Thread:
    """Return a thread that nobody has led to an end; nobody is told, who holds an alert still holds it."""
    return replace(
        thread, state=ThreadState.EXPIRED, lead=None, unanswered=False, carried=None, decided_at=now
    )
