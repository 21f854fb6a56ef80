"""Notices to alerts: the CloudEvents that agencies read, one for each recipient (contracts, section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sinergi_router.policy.book import FOREIGN, Policy
from sinergi_router.policy.disclosure import Json, disclosed, tellable
from sinergi_router.policy.facts import Area, Arrived, Notice
from sinergi_router.policy.headline import headline
from sinergi_router.policy.views import ANYBODY, View, view
from sinergi_shared.contracts.alert import ALERT_TYPES
from sinergi_shared.contracts.base import WIB, format_time
from sinergi_shared.contracts.codes import AlertMsgType, Level
from sinergi_shared.contracts.envelope import schema_uri
from sinergi_shared.contracts.ids import AlertIds, alert_ids, blind_thread_id
from sinergi_shared.region.tables import Recipient

_LEAST_LIFE: Final = timedelta(hours=72)
_AFTER_LAST_STEP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Alert:
    """One recipient's alert: ``full`` at its own level for its topic, ``thin`` for mailbox and phone."""

    notice: Notice
    full: Json
    thin: Json


@dataclass(frozen=True, slots=True)
class Issue:
    """What all alerts of one decision have in common; ``cause`` is the event or request behind it."""

    arrived: Arrived
    area: Area
    msg_type: AlertMsgType
    cause: str
    decided_at: datetime
    last_step: timedelta  # of the ladder, from the decision on
    open_person_at_risk: bool
    late: bool


class Cause(Protocol):
    """What the envelope of an alert needs to know of its decision."""

    @property
    def msg_type(self) -> AlertMsgType:
        """What the alert does."""

    @property
    def cause(self) -> str:
        """Id of the event or request behind it."""

    @property
    def decided_at(self) -> datetime:
        """When it was decided."""


def issue_alerts(
    issue: Issue, notices: Sequence[Notice], policy: Policy, among: Sequence[Notice] | None = None
) -> list[Alert]:
    """Return the alerts of one decision; what several of them share is made once.

    ``among`` are all who hold an alert, when that is more than who is told now.
    """
    sheet = _Sheet(issue, policy, _joinable(notices if among is None else among, policy))
    thin_view = view(policy.views, Level.L1, ANYBODY)
    alerts = []
    for notice in notices:
        code = notice.recipient.code
        ids = alert_ids(issue.arrived.thread_id, issue.cause, code)
        own = view(policy.views, notice.level, notice.recipient.kind)
        full = sheet.alert(notice, ids, own)
        if own.level >= Level.L3:
            others = [other for other in sheet.joinable if other != code]
            if others:
                full["data"]["otherRecipients"] = others
        alerts.append(Alert(notice, full, sheet.alert(notice, ids, thin_view)))
    return alerts


def due_at(notice: Notice, decided_at: datetime) -> datetime | None:
    """Return until when an answer is due, if at all; the clock starts when the alert is issued."""
    if notice.ack_minutes is None:
        return None
    return decided_at + timedelta(minutes=notice.ack_minutes)


def envelope(issue: Cause, thread: str, recipient: Recipient, level: Level) -> Json:
    """Return the envelope of one recipient's alert, without its end and its data."""
    ids = alert_ids(thread, issue.cause, recipient.code)
    return _shared_envelope(issue) | _addressed(thread, recipient, ids, level)


def expires_at(decided_at: datetime, last_step: timedelta) -> str:
    """Return until when an alert is worth delivering: a day after the ladder's last step, 72 h at least."""
    life = max(last_step + _AFTER_LAST_STEP, _LEAST_LIFE)
    return format_time((decided_at + life).astimezone(WIB))


def is_abroad(recipient: Recipient) -> bool:
    """Return whether a recipient is outside the country: it gets a twin that cannot be joined to ours."""
    return recipient.jurisdiction[0].startswith(FOREIGN)


class _Sheet:
    """The parts of a decision's alerts that do not depend on the recipient, each made when first needed."""

    def __init__(self, issue: Issue, policy: Policy, joinable: list[str]) -> None:
        self.joinable = joinable
        self._issue = issue
        self._policy = policy
        self._whole = tellable(issue.arrived.event.data, issue.area, policy)
        self._made: dict[tuple[Level, str], Json] = {}
        self._dues: dict[int, str] = {}
        self._envelope = self._make_envelope()

    def alert(self, notice: Notice, ids: AlertIds, own: View) -> Json:
        """Return one recipient's alert in one view."""
        made = self._envelope | _addressed(self._issue.arrived.thread_id, notice.recipient, ids, own.level)
        made["data"] = self._data(notice, ids, own)
        return made

    def _data(self, notice: Notice, ids: AlertIds, own: View) -> Json:
        found = {
            **self._of_view(own),
            "alertNumber": ids.number,
            "alertRevision": notice.alert_revision,
            "recipient": {"code": notice.recipient.code, "kind": notice.recipient.kind, "role": notice.role},
            "lead": notice.lead,
            "routing": self._routing(notice.rule),
            "action": {"id": notice.action_id, "en": notice.action_en},
        }
        if notice.recipient.code not in self._policy.abroad:
            found["eventNumber"] = self._issue.arrived.event.data.eventNumber
        if notice.ack_minutes is not None:
            found["ackDueAt"] = self._due(notice.ack_minutes)
            if notice.recipient.escalates_to is not None:
                found["escalatesTo"] = notice.recipient.escalates_to
        return found

    def _of_view(self, own: View) -> Json:
        key = (own.level, own.kind)
        if key not in self._made:
            self._made[key] = self._make_view(own)
        return self._made[key]

    def _make_view(self, own: View) -> Json:
        issue = self._issue
        data = issue.arrived.event.data
        made: dict[str, Any] = {
            "eventRevision": data.revision,
            "msgType": issue.msg_type,
            "status": data.status,
            "disclosureLevel": own.level,
            "policyVersion": self._policy.version,
            **disclosed(self._whole, data, own, self._policy),
            "headline": headline(data, issue.msg_type, own.level, issue.area.code, self._policy),
            "withheld": own.withheld,
            "redacted": own.redacted,
        }
        if issue.late:
            made["late"] = True
        if issue.arrived.received_at is not None:
            waited = (issue.decided_at - issue.arrived.received_at).total_seconds()
            made["latencyMs"] = max(0, int(waited * 1000))  # clocks may differ (B32)
        return made

    def _make_envelope(self) -> Json:
        made = _shared_envelope(self._issue)
        if not self._issue.open_person_at_risk:
            made["expirytime"] = expires_at(self._issue.decided_at, self._issue.last_step)
        return made

    def _due(self, minutes: int) -> str:
        if minutes not in self._dues:
            moment = self._issue.decided_at + timedelta(minutes=minutes)
            self._dues[minutes] = format_time(moment.astimezone(WIB))
        return self._dues[minutes]

    def _routing(self, rule: str) -> Json:
        area = self._issue.area
        routing = {"rule": rule, "areaSource": area.source}
        return routing if area.code is None else routing | {"adminCode": area.code}


def _shared_envelope(issue: Cause) -> Json:
    now = format_time(issue.decided_at.astimezone(WIB))
    return {
        "specversion": "1.0",
        "source": "urn:sinergi:layanan:router",
        "type": ALERT_TYPES[issue.msg_type],
        "time": now,
        "datacontenttype": "application/json",
        "dataschema": schema_uri("alert"),
        "recordedtime": now,
    }


def _addressed(thread: str, recipient: Recipient, ids: AlertIds, level: Level) -> Json:
    link = blind_thread_id(thread, recipient.code) if is_abroad(recipient) else thread
    return {
        "id": ids.event,
        "subject": ids.number,
        "partitionkey": link,
        "correlationid": link,
        "causationid": ids.cause,
        "dataclassification": "restricted" if level >= Level.L2 else "confidential",
        "recipientcode": recipient.code,
        "disclosurelevel": level,
    }


def _joinable(notices: Sequence[Notice], policy: Policy) -> list[str]:
    codes = (notice.recipient.code for notice in notices)
    return sorted(code for code in codes if code not in policy.abroad)
