"""What the rules speak of: an event as it arrived, the area it is settled in, the thread it belongs to.

Values only; a rule reads them and the policy, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sinergi_router.policy.notice import Notice
from sinergi_shared.contracts.codes import (
    AreaSource,
    Level,
    Resolution,
    Role,
    Severity,
    Standing,
    Status,
    ThreadState,
)
from sinergi_shared.contracts.event import SuspiciousMovementEvent
from sinergi_shared.contracts.thread import EventPointer
from sinergi_shared.region.tables import Place, Recipient


class Arrived(NamedTuple):
    """An admitted event: read, as a document, and where and when it was received."""

    thread_id: str
    event: SuspiciousMovementEvent
    document: dict[str, Any]
    digest: str
    received_at: datetime | None = None
    pointer: EventPointer | None = None
    note_withheld: bool = False  # by ingest; the sender is told


class Area(NamedTuple):
    """Where an event is settled: a kecamatan, a kabupaten when only that is known, or the province."""

    code: str | None
    source: AreaSource
    place: Place | None = None  # the official post, when that settled it
    conflict: bool = False  # the source's code lies over 5 km from the point

    @property
    def at_post(self) -> bool:
        """Whether an official post settled it: its own offices win, and the point is ignored."""
        return self.source is AreaSource.POST


@dataclass(frozen=True, slots=True)
class Match:
    """One rule says: tell this recipient, in this role, up to this level."""

    recipient: Recipient
    role: Role
    level: Level
    rule: str
    row: int  # file order: mandates, then NEIGHBOUR, NEXT_JURISDICTION, BORDER_EXIT
    ack_minutes: int
    action_id: str
    action_en: str
    territorial: bool = False  # found by area, so that a share of the circle applies


@dataclass(frozen=True, slots=True)
class Excluded:
    """A rule that was looked at and tells nobody, or nobody else; for people who ask why."""

    recipient: str
    why: str


class Informed(NamedTuple):
    """What a recipient of the thread holds: the last role and level while the event was open."""

    role: Role
    level: Level
    alert_number: str
    alert_revision: int
    ack_due_at: datetime | None = None
    standing: Standing | None = None
    referred_by: str | None = None  # by whom it was handed on, until it owns

    @property
    def recalled(self) -> bool:
        """Whether it is to be told nothing more of this event but its end."""
        return self.standing is Standing.RECALLED


@dataclass(frozen=True, slots=True)
class Thread:
    """One event through all its revisions, as the router remembers it."""

    thread_id: str
    source: str
    event_number: str
    status: Status
    state: ThreadState = ThreadState.OPEN
    revision: int = 0
    highest_severity: Severity | None = None  # since it was opened, or opened again
    lead: str | None = None
    informed: dict[str, Informed] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)  # CloudEvents id to body digest
    pointer: EventPointer | None = None
    decided_at: datetime | None = None
    policy_version: str = ""
    step: int = 0  # of the ladder, since it was opened
    led: tuple[str, ...] = ()  # who has led since it was opened, and no longer
    unanswered: bool = False  # nobody is left on the ladder; operators are told until somebody owns
    resolution: Resolution | None = None  # how it ended, by the answer that closed it
    requests: tuple[str, ...] = ()  # ids of the requests applied
    carried: dict[str, Any] | None = None  # the event itself, once its topic may have dropped it
    event_at: datetime | None = None  # when the event was decided, if a request was since

    @property
    def owner(self) -> str | None:
        """Who has taken the event over; an owner leads."""
        held = self.informed.get(self.lead or "")
        return self.lead if held is not None and held.standing is Standing.OWNED else None


@dataclass(frozen=True, slots=True)
class Competent:
    """Whom the rules tell of an event of one kind in one area: found once, the same for all such events."""

    matched: Mapping[str, Match]  # one a recipient
    primaries: tuple[Match, ...]  # in first-lead order, where no line divides the circle
    last_step: timedelta  # until their ladder has come to its end
    tied: Mapping[str, frozenset[str]]  # territories of primaries that only their share can order
    # The notices of a thread's first message, by lead and lateness: made once (policy.followup).
    opening: dict[tuple[str | None, bool], tuple[Notice, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )
