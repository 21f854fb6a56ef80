"""Notices to alerts: the CloudEvents that agencies read, one for each recipient (contracts, section 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

import orjson

from sinergi_router.policy.book import FOREIGN, Policy
from sinergi_router.policy.disclosure import Json, Telling
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
    """One recipient's alert as it is written: ``full`` at its own level, ``thin`` for mailbox and phone."""

    notice: Notice
    number: str
    link: str  # the thread's id, or a blind one: record key and correlation id
    full_json: bytes
    thin_json: bytes

    @property
    def full(self) -> Json:
        """The alert on the recipient's topic, read back."""
        return orjson.loads(self.full_json)  # type: ignore[no-any-return]

    @property
    def thin(self) -> Json:
        """The alert cut at L1 without extra fields, read back."""
        return orjson.loads(self.thin_json)  # type: ignore[no-any-return]


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
    return [
        sheet.alert(notice, view(policy.views, notice.level, notice.recipient.kind), thin_view)
        for notice in notices
    ]


def due_at(notice: Notice, decided_at: datetime) -> datetime | None:
    """Return until when an answer is due, if at all; the clock starts when the alert is issued."""
    if notice.ack_minutes is None:
        return None
    return decided_at + timedelta(minutes=notice.ack_minutes)


def bare_alert(issue: Cause, thread: str, notice: Notice, data: Json, expires: str | None = None) -> Alert:
    """Return an alert that carries ``data`` and nothing of the event; both its forms are the same."""
    code = notice.recipient.code
    ids = alert_ids(thread, issue.cause, code)
    link = blind_thread_id(thread, code) if is_abroad(notice.recipient) else thread
    whole = {
        **_shared_envelope(issue),
        **({"expirytime": expires} if expires else {}),
        **_addressed(code, ids, link, Level.L1),
        "data": {**data, "alertNumber": ids.number},
    }
    written = orjson.dumps(whole)
    return Alert(notice, ids.number, link, written, written)


def expires_at(decided_at: datetime, last_step: timedelta) -> str:
    """Return until when an alert is worth delivering: a day after the ladder's last step, 72 h at least."""
    life = max(last_step + _AFTER_LAST_STEP, _LEAST_LIFE)
    return format_time((decided_at + life).astimezone(WIB))


def is_abroad(recipient: Recipient) -> bool:
    """Return whether a recipient is outside the country: it gets a twin that cannot be joined to ours."""
    return recipient.jurisdiction[0].startswith(FOREIGN)


class _Sheet:
    """What a decision's alerts have in common, as JSON text that is written once and glued.

    A fragment is an object without its closing brace. Glued are only words whose form needs no
    escape (codes, numbers, ids, times); text for people goes through the encoder.
    """

    def __init__(self, issue: Issue, policy: Policy, joinable: list[str]) -> None:
        self._issue = issue
        self._policy = policy
        self._thread = issue.arrived.thread_id
        self._joinable = joinable
        self._telling = Telling(issue.arrived.event.data, issue.area, policy)
        self._of_view: dict[tuple[Level, str], str] = {}
        self._dues: dict[int, str] = {}
        envelope = _shared_envelope(issue)
        if not issue.open_person_at_risk:
            envelope["expirytime"] = expires_at(issue.decided_at, issue.last_step)
        self._envelope = _fragment(envelope)
        area = issue.area
        self._area = f'"areaSource":"{area.source}"' + (f',"adminCode":"{area.code}"' if area.code else "")

    def alert(self, notice: Notice, own: View, thin: View) -> Alert:
        """Return one recipient's alert in both forms, under the same ids."""
        code = notice.recipient.code
        ids = alert_ids(self._thread, self._issue.cause, code)
        abroad = code in self._policy.abroad
        link = blind_thread_id(self._thread, code) if abroad else self._thread
        told = self._told(notice, ids.number, abroad=abroad)
        others = self._others(code) if own.level >= Level.L3 else ""
        return Alert(
            notice,
            ids.number,
            link,
            self._written(code, ids, link, own, f"{told}{others}"),
            self._written(code, ids, link, thin, told),
        )

    def _written(self, code: str, ids: AlertIds, link: str, view_: View, told: str) -> bytes:
        confidential = "restricted" if view_.level >= Level.L2 else "confidential"
        return (
            f'{self._envelope},"id":"{ids.event}","subject":"{ids.number}","partitionkey":"{link}",'
            f'"correlationid":"{link}","causationid":"{ids.cause}","dataclassification":"{confidential}",'
            f'"recipientcode":"{code}","disclosurelevel":"{view_.level}",'
            f'"data":{self._data_of(view_)}{told}}}}}'
        ).encode()

    def _told(self, notice: Notice, number: str, *, abroad: bool) -> str:
        recipient = notice.recipient
        told = (
            f',"alertNumber":"{number}","alertRevision":{notice.alert_revision},"recipient":{{"code":'
            f'"{recipient.code}","kind":"{recipient.kind}","role":"{notice.role}"}},'
            f'"lead":{"true" if notice.lead else "false"},"routing":{{"rule":"{notice.rule}",{self._area}}},'
            f'"action":{_action(notice.action_id, notice.action_en)}'
        )
        if not abroad:
            told += f',"eventNumber":"{self._issue.arrived.event.data.eventNumber}"'
        if notice.ack_minutes is not None:
            told += f',"ackDueAt":"{self._due(notice.ack_minutes)}"'
            if recipient.escalates_to is not None:
                told += f',"escalatesTo":"{recipient.escalates_to}"'
        return told

    def _others(self, code: str) -> str:
        others = [f'"{other}"' for other in self._joinable if other != code]
        return f',"otherRecipients":[{",".join(others)}]' if others else ""

    def _data_of(self, view_: View) -> str:
        key = (view_.level, view_.kind)
        if key not in self._of_view:
            members = (_fragment(self._make_data(view_)), self._telling.members(view_), view_.untold)
            self._of_view[key] = ",".join(members)
        return self._of_view[key]

    def _make_data(self, own: View) -> Json:
        issue, data = self._issue, self._issue.arrived.event.data
        made: Json = {
            "eventRevision": data.revision,
            "msgType": issue.msg_type,
            "status": data.status,
            "disclosureLevel": own.level,
            "policyVersion": self._policy.version,
            "headline": headline(data, issue.msg_type, own.level, issue.area.code, self._policy),
        }
        if issue.late:
            made["late"] = True
        if issue.arrived.received_at is not None:
            waited = (issue.decided_at - issue.arrived.received_at).total_seconds()
            made["latencyMs"] = max(0, int(waited * 1000))  # clocks may differ (B32)
        return made

    def _due(self, minutes: int) -> str:
        if minutes not in self._dues:
            moment = self._issue.decided_at + timedelta(minutes=minutes)
            self._dues[minutes] = format_time(moment.astimezone(WIB))
        return self._dues[minutes]


def _joinable(notices: Sequence[Notice], policy: Policy) -> list[str]:
    codes = (notice.recipient.code for notice in notices)
    return sorted(code for code in codes if code not in policy.abroad)


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


def _addressed(code: str, ids: AlertIds, link: str, level: Level) -> Json:
    return {
        "id": ids.event,
        "subject": ids.number,
        "partitionkey": link,
        "correlationid": link,
        "causationid": ids.cause,
        "dataclassification": "restricted" if level >= Level.L2 else "confidential",
        "recipientcode": code,
        "disclosurelevel": level,
    }


def _fragment(made: Json) -> str:
    return orjson.dumps(made)[:-1].decode()


@lru_cache(maxsize=1024)
def _action(text_id: str, text_en: str) -> str:
    # A pack has some hundred of them.
    return orjson.dumps({"id": text_id, "en": text_en}).decode()
