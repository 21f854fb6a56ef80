"""Alerts that carry nothing of the event: a recall, and what is left to say when the event is gone.

Made from the thread alone. The contract wants a few words of every alert: the severity is the
thread's, the category says that there is none, and the time is that of the thread's last decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sinergi_router.policy.alert import Alert, bare_alert, due_at, expires_at
from sinergi_router.policy.book import Policy
from sinergi_router.policy.disclosure import Json
from sinergi_router.policy.facts import Thread
from sinergi_router.policy.headline import bare_headline
from sinergi_router.policy.notice import Notice
from sinergi_router.policy.views import ANYBODY
from sinergi_shared.contracts.base import WIB, format_time, quarter_hour
from sinergi_shared.contracts.codes import AlertMsgType, AreaSource, Level, Precision, Severity, Urgency

NO_CATEGORY: Final = "TANPA_ISI"
"""Stands where an alert names its category; no situation of a pack."""


@dataclass(frozen=True, slots=True)
class BareIssue:
    """What all such alerts of one decision have in common."""

    thread: Thread
    msg_type: AlertMsgType
    cause: str
    decided_at: datetime


def bare_alerts(issue: BareIssue, notices: Sequence[Notice], policy: Policy) -> list[Alert]:
    """Return one alert a notice, at L1 whatever the notice's level; both forms are the same."""
    # Of any but a recall, a person may be at risk: nobody can tell any more, so it has no end.
    recall = issue.msg_type is AlertMsgType.RECALL
    expires = expires_at(issue.decided_at, timedelta(0)) if recall else None
    thread = issue.thread.thread_id
    return [bare_alert(issue, thread, notice, _data(issue, notice, policy), expires) for notice in notices]


def _data(issue: BareIssue, notice: Notice, policy: Policy) -> Json:
    thread, least = issue.thread, policy.views.view(Level.L1, ANYBODY)
    recipient, due = notice.recipient, due_at(notice, issue.decided_at)
    told: Json = {
        "alertRevision": notice.alert_revision,
        "eventRevision": thread.revision,
        "msgType": issue.msg_type,
        "status": thread.status,
        "recipient": {"code": recipient.code, "kind": recipient.kind, "role": notice.role},
        "lead": notice.lead,
        "disclosureLevel": Level.L1,
        "policyVersion": policy.version,
        "routing": {"rule": notice.rule, "areaSource": AreaSource.PROVINCE},
        "situation": NO_CATEGORY,
        "severity": thread.highest_severity or Severity.KRITIS,
        "urgency": Urgency.SEGERA,
        "headline": bare_headline(thread.status, issue.msg_type),
        "observedAt": quarter_hour((thread.decided_at or issue.decided_at).astimezone(WIB)),
        "observedPrecision": Precision.QUARTER_HOUR,
        "action": {"id": notice.action_id, "en": notice.action_en},
        "withheld": least.withheld,
        "redacted": least.redacted,
    }
    optional = {
        "eventNumber": None if recipient.code in policy.abroad else thread.event_number,
        "ackDueAt": format_time(due.astimezone(WIB)) if due else None,
        "escalatesTo": recipient.escalates_to if due else None,
    }
    return told | {key: value for key, value in optional.items() if value is not None}
