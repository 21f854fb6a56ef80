"""Notices to alerts: the CloudEvents that agencies read, one for each recipient (contracts, section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.disclosure import Json, disclosed, tellable
from sinergi_router.policy.facts import Area, Arrived, Notice
from sinergi_router.policy.headline import headline
from sinergi_router.policy.views import ANYBODY, View, view
from sinergi_shared.contracts.alert import ALERT_TYPES
from sinergi_shared.contracts.base import WIB, format_time
from sinergi_shared.contracts.codes import AlertMsgType, Level
from sinergi_shared.contracts.envelope import schema_uri
from sinergi_shared.contracts.ids import alert_number, blind_thread_id, derived_uuid
from sinergi_shared.region.tables import Recipient

FOREIGN: Final = "MY"
"""Jurisdictions abroad begin so (ISO 3166-2); their recipients get blind twins."""

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


def issue_alerts(issue: Issue, notices: Sequence[Notice], policy: Policy) -> list[Alert]:
    """Return the alerts of one decision; each distinct view of the event is made once."""
    data = issue.arrived.event.data
    whole = tellable(data, issue.area, policy)
    made: dict[tuple[Level, str], Json] = {}

    def told(one: View) -> Json:
        key = (one.level, one.kind)
        if key not in made:
            made[key] = disclosed(whole, data, one, policy)
        return made[key]

    thin_view = view(policy.views, Level.L1, ANYBODY)
    alerts = []
    for notice in notices:
        own = view(policy.views, notice.level, notice.recipient.kind)
        others = _others(notice, notices)
        full = _alert(issue, notice, own, told(own), others, policy)
        thin = _alert(issue, notice, thin_view, told(thin_view), (), policy)
        alerts.append(Alert(notice, full, thin))
    return alerts


def due_at(notice: Notice, decided_at: datetime) -> datetime | None:
    """Return until when an answer is due, if at all; the clock starts when the alert is issued."""
    if notice.ack_minutes is None:
        return None
    return decided_at + timedelta(minutes=notice.ack_minutes)


def is_abroad(recipient: Recipient) -> bool:
    """Return whether a recipient is outside the country: it gets a twin that cannot be joined to ours."""
    return all(code.startswith(FOREIGN) for code in recipient.jurisdiction)


def _alert(
    issue: Issue, notice: Notice, own: View, told: Json, others: Sequence[str], policy: Policy
) -> Json:
    thread, code = issue.arrived.thread_id, notice.recipient.code
    number = alert_number(thread, issue.cause, code)
    link = blind_thread_id(thread, code) if is_abroad(notice.recipient) else thread
    now = format_time(issue.decided_at.astimezone(WIB))
    envelope: Json = {
        "specversion": "1.0",
        "id": derived_uuid("alert", number),
        "source": "urn:sinergi:layanan:router",
        "type": ALERT_TYPES[issue.msg_type],
        "subject": number,
        "time": now,
        "datacontenttype": "application/json",
        "dataschema": schema_uri("alert"),
        "partitionkey": link,
        "correlationid": link,
        "causationid": derived_uuid("cause", number),
        "recordedtime": now,
        "dataclassification": "restricted" if own.level >= Level.L2 else "confidential",
        "recipientcode": code,
        "disclosurelevel": own.level,
    }
    if not issue.open_person_at_risk:
        life = max(issue.last_step + _AFTER_LAST_STEP, _LEAST_LIFE)
        envelope["expirytime"] = format_time((issue.decided_at + life).astimezone(WIB))
    envelope["data"] = _data(issue, notice, own, told, others, policy) | {"alertNumber": number}
    return envelope


def _data(issue: Issue, notice: Notice, own: View, told: Json, others: Sequence[str], policy: Policy) -> Json:
    data = issue.arrived.event.data
    found: dict[str, Any] = {
        "alertRevision": notice.alert_revision,
        "eventRevision": data.revision,
        "msgType": issue.msg_type,
        "status": data.status,
        "recipient": {"code": notice.recipient.code, "kind": notice.recipient.kind, "role": notice.role},
        "lead": notice.lead,
        "disclosureLevel": own.level,
        "policyVersion": policy.version,
        "routing": _routing(issue, notice),
        **told,
        "headline": headline(data, issue.msg_type, own.level, issue.area.code, policy),
        "action": {"id": notice.action_id, "en": notice.action_en},
        "withheld": list(own.withheld),
        "redacted": list(own.redacted),
    }
    due = due_at(notice, issue.decided_at)
    optional: dict[str, Any] = {
        "eventNumber": None if is_abroad(notice.recipient) else data.eventNumber,
        "ackDueAt": format_time(due.astimezone(WIB)) if due else None,
        "late": True if issue.late else None,
        "escalatesTo": notice.recipient.escalates_to if due else None,
        "otherRecipients": list(others) or None,
        "latencyMs": _latency_ms(issue),
    }
    return found | {key: value for key, value in optional.items() if value is not None}


def _routing(issue: Issue, notice: Notice) -> Json:
    routing = {"rule": notice.rule, "areaSource": issue.area.source}
    return routing if issue.area.code is None else routing | {"adminCode": issue.area.code}


def _others(notice: Notice, notices: Sequence[Notice]) -> tuple[str, ...]:
    if notice.level < Level.L3:
        return ()
    codes = (other.recipient.code for other in notices if not is_abroad(other.recipient))
    return tuple(sorted(code for code in codes if code != notice.recipient.code))


def _latency_ms(issue: Issue) -> int | None:
    received = issue.arrived.received_at
    if received is None:
        return None
    return max(0, int((issue.decided_at - received).total_seconds() * 1000))  # clocks may differ (B32)
