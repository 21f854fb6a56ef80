"""Notices to alerts: the CloudEvents that agencies read, one for each recipient (contracts, section 3)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

import orjson

from sinergi_router.policy.book import FOREIGN, Policy
from sinergi_router.policy.disclosure import Json, Telling
from sinergi_router.policy.facts import Area, Arrived
from sinergi_router.policy.headline import headline
from sinergi_router.policy.notice import Notice
from sinergi_router.policy.views import ANYBODY, View
from sinergi_shared.contracts.alert import ALERT_TYPES
from sinergi_shared.contracts.base import clock
from sinergi_shared.contracts.codes import AlertMsgType, Level
from sinergi_shared.contracts.envelope import schema_uri
from sinergi_shared.contracts.ids import AlertIds, alert_ids, blind_thread_id
from sinergi_shared.region.tables import Recipient

_LEAST_LIFE: Final = timedelta(hours=72)
_AFTER_LAST_STEP: Final = timedelta(hours=24)
_JOINING: Final = frozenset({Level.L3})
"""Levels at which an alert names the other recipients."""

_SCHEMA: Final = schema_uri("alert")
_NEXT: Final = '","'
_END: Final = b"}}"


class Alert(NamedTuple):
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


class Issue(NamedTuple):
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
    return [sheet.alert(notice) for notice in notices]


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
    addressed = _fragment(_addressed(code, ids, link, Level.L1))[1:]
    told = orjson.dumps({**data, "alertNumber": ids.number}).decode()
    written = f'{_shared_envelope(issue, expires)},{addressed},"data":{told}}}'.encode()
    return Alert(notice, ids.number, link, written, written)


@lru_cache(maxsize=256)
def expires_at(decided_at: datetime, last_step: timedelta) -> str:
    """Return until when an alert is worth delivering: a day after the ladder's last step, 72 h at least."""
    life = max(last_step + _AFTER_LAST_STEP, _LEAST_LIFE)
    return clock(decided_at + life)


def is_abroad(recipient: Recipient) -> bool:
    """Return whether a recipient is outside the country: it gets a twin that cannot be joined to ours."""
    return recipient.jurisdiction[0].startswith(FOREIGN)


class _Sheet:
    """What a decision's alerts have in common, as JSON that is written and encoded once, and glued.

    A fragment is an object without its closing brace. Glued are only words whose form needs no
    escape (codes, numbers, ids, times); text for people goes through the encoder.
    """

    def __init__(self, issue: Issue, policy: Policy, joinable: list[str]) -> None:
        self._issue = issue
        self._policy = policy
        self._thread = issue.arrived.thread_id
        self._joinable = joinable
        self._telling = Telling(issue.arrived, issue.area, policy)
        self._of_view: dict[View, bytes] = {}
        self._headlines: dict[bool, bytes] = {}
        expires = None
        if not issue.open_person_at_risk:
            expires = expires_at(issue.decided_at, issue.last_step)
        self._envelope = _shared_envelope(issue, expires).encode()
        self._number = f',"eventNumber":"{issue.arrived.event.data.eventNumber}"'
        self._ours = self._said_to_all().encode()
        area = issue.area
        self._area = f'"areaSource":"{area.source}"' + (f',"adminCode":"{area.code}"}}' if area.code else "}")
        self._thin = self._read_by(Level.L1, ANYBODY)

    def alert(self, notice: Notice) -> Alert:
        """Return one recipient's alert in both forms, under the same ids."""
        code, level = notice.recipient.code, notice.level
        ids = alert_ids(self._thread, self._issue.cause, code)
        abroad = code in self._policy.abroad
        link = blind_thread_id(self._thread, code) if abroad else self._thread
        addressed = (
            f',"id":"{ids.event}","subject":"{ids.number}","partitionkey":"{link}",'
            f'"correlationid":"{link}","causationid":"{ids.cause}","recipientcode":"{code}"'
        ).encode()
        told = self._told(notice, ids.number, abroad=abroad).encode()
        others = self._others(code).encode() if level in _JOINING else b""
        own = self._read_by(level, notice.recipient.kind)
        return Alert(
            notice,
            ids.number,
            link,
            b"".join((self._envelope, addressed, own, told, others, _END)),
            b"".join((self._envelope, addressed, self._thin, told, _END)),
        )

    def _told(self, notice: Notice, number: str, *, abroad: bool) -> str:
        minutes = notice.ack_minutes
        told = f'{notice.words}{self._area},"alertNumber":"{number}"{"" if abroad else self._number}'
        if minutes is None:
            return told
        told += f',"ackDueAt":"{_due(self._issue.decided_at, minutes)}"'
        above = notice.recipient.escalates_to
        return f'{told},"escalatesTo":"{above}"' if above else told

    def _others(self, code: str) -> str:
        others = [other for other in self._joinable if other != code]
        return f',"otherRecipients":["{_NEXT.join(others)}"]' if others else ""

    def _read_by(self, level: Level, kind: str) -> bytes:
        """Return what all readers of one view get: the end of the envelope and the data's beginning."""
        own = self._policy.views.view(level, kind)
        read = self._of_view.get(own)
        if read is None:
            pieces = (own.opening, self._ours, self._headline(own.level), self._telling.told(own))
            read = self._of_view[own] = b"".join(pieces)
        return read

    def _said_to_all(self) -> str:
        issue, data = self._issue, self._issue.arrived.event.data
        said = (
            f',"eventRevision":{data.revision},"msgType":"{issue.msg_type}","status":"{data.status}",'
            f'"policyVersion":{orjson.dumps(self._policy.version).decode()}'
        )
        if issue.late:
            said += ',"late":true'
        if issue.arrived.received_at is not None:
            waited = (issue.decided_at - issue.arrived.received_at).total_seconds()
            said += f',"latencyMs":{max(0, int(waited * 1000))}'  # clocks may differ (B32)
        return f'{said},"headline":'

    def _headline(self, level: Level) -> bytes:
        named = level >= Level.L2
        if named not in self._headlines:
            issue, data = self._issue, self._issue.arrived.event.data
            line = headline(data, issue.msg_type, level, issue.area.code, self._policy)
            self._headlines[named] = orjson.dumps(line)
        return self._headlines[named]


@lru_cache(maxsize=256)  # a batch is decided at one time, and has few deadlines
def _due(decided_at: datetime, minutes: int) -> str:
    return clock(decided_at + timedelta(minutes=minutes))


def _joinable(notices: Sequence[Notice], policy: Policy) -> list[str]:
    codes = (notice.recipient.code for notice in notices)
    return sorted(code for code in codes if code not in policy.abroad)


def _shared_envelope(issue: Cause, expires: str | None) -> str:
    now = clock(issue.decided_at)
    return (
        f'{{"specversion":"1.0","source":"urn:sinergi:layanan:router","type":"{ALERT_TYPES[issue.msg_type]}",'
        f'"time":"{now}","datacontenttype":"application/json","dataschema":"{_SCHEMA}","recordedtime":"{now}"'
        + (f',"expirytime":"{expires}"' if expires else "")
    )


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
