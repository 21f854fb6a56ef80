"""What the rules on requests speak of: the case, whom to tell, the thread as a request leaves it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Arrived, Match, Thread
from sinergi_router.policy.lead import first_lead_order
from sinergi_shared.contracts.codes import AlertMsgType, Role, Status
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.contracts.request import Request


@dataclass(frozen=True, slots=True)
class Case:
    """The event that a request is about, settled and matched anew by the policy of today."""

    arrived: Arrived
    area: Area
    matched: Mapping[str, Match]


@dataclass(frozen=True, slots=True)
class Ask:
    """A request and what it is judged by: an open thread, and its event unless that is not readable."""

    request: Request
    thread: Thread
    case: Case | None
    policy: Policy

    @property
    def exercise(self) -> bool:
        """Whether nothing of this may reach an office that an exercise spares."""
        return self.thread.status is Status.EXERCISE

    @property
    def timed(self) -> bool:
        """Whether answers are due at all: never for a late event, which nobody escalates (B30)."""
        return any(held.ack_due_at is not None for held in self.thread.informed.values())

    def primaries(self) -> list[Match]:
        """Return who matches as a primary today, in first-lead order."""
        if self.case is None:
            return []
        found = [match for match in self.case.matched.values() if match.role is Role.PRIMARY]
        return list(first_lead_order(found, self.case.arrived.event.data, self.case.area, self.policy))


@dataclass(frozen=True, slots=True)
class Words:
    """The rule that an alert names and what it asks for, where no mandate says it."""

    rule: str
    id: str
    en: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Somebody is to be told; ``asked`` when it is now theirs to answer."""

    code: str
    msg_type: AlertMsgType
    words: Words | None = None
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """The thread as the request leaves it, but for the alerts, and whom to tell."""

    thread: Thread
    tell: tuple[Tell, ...] = ()


Verdict = Applied | Reason
"""What a verb comes to; a reason when nothing is applied."""
