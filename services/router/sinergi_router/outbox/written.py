"""What records of ours have in common: envelope, headers, who was told, the queue entry of an alert.

Written by hand, not encoded: codes, numbers, ids and times need no escape, and each record is made
of words that are there already. Anything else goes through the encoder.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Final, NamedTuple

from sinergi_router.policy.alert import Alert
from sinergi_router.policy.facts import Thread
from sinergi_router.threads import to_record
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import clock
from sinergi_shared.contracts.envelope import CONTENT_TYPE, schema_uri
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.job import JOB_TYPE
from sinergi_shared.contracts.thread import EventPointer
from sinergi_shared.directory import source_name
from sinergi_shared.runtime.transactions import Outgoing

SOURCE: Final = "urn:sinergi:layanan:router"
HEADERS: Final = (("content-type", CONTENT_TYPE.encode()),)


class Cause(NamedTuple):
    """Behind whatever we write: the thread, the event or request that made us, and when."""

    thread: str
    id: str
    decided_at: datetime


def envelope(cause: Cause, kind: str, noun: str, subject: str) -> str:
    """Return the attributes of a message of ours: an object without its closing brace."""
    return (
        f'{{"specversion":"1.0","id":"{derived_uuid(noun, cause.thread, cause.id)}","source":"{SOURCE}",'
        f'"type":"{kind}","subject":"{subject}","time":"{clock(cause.decided_at)}",'
        f'"datacontenttype":"application/json","dataschema":"{schema_uri(noun)}",'
        f'"partitionkey":"{cause.thread}","correlationid":"{cause.thread}","causationid":"{cause.id}"'
    )


def of_alert(alert: Alert, *, exercise: bool) -> Outgoing:
    """Return an alert on its recipient's topic."""
    topic = _drill_topic if exercise else _alert_topic
    return Outgoing(topic(alert.notice.recipient.code), alert.link.encode(), alert.full_json, 0, HEADERS)


@cache
def _alert_topic(code: str) -> str:
    return topics.alerts(code)


@cache
def _drill_topic(code: str) -> str:
    return topics.drills(code)


def queued(cause: Cause, subject: str, job: str, alerts: Sequence[Alert]) -> bytes:
    """Return the notifier's job: its beginning ``job``, then each alert in both forms."""
    # As published, byte for byte: what was written once is not written anew.
    pieces = [f'{envelope(cause, JOB_TYPE, "job", subject)},"data":{job}'.encode()]
    before = '{"recipient":"'
    for alert in alerts:
        pieces += (
            f'{before}{alert.notice.recipient.code}","full":'.encode(),
            alert.full_json,
            b',"thin":',
            alert.thin_json,
        )
        before = '},{"recipient":"'
    pieces.append(b"}]}}")
    return b"".join(pieces)


@lru_cache(maxsize=4096)
def status_topic(source: str) -> str:
    """Return where a source is told what became of its events."""
    return topics.status(source_name(source))


def of_thread(thread: Thread, lane: int) -> Outgoing:
    """Return a thread's record."""
    return Outgoing(topics.THREADS, thread.thread_id.encode(), to_record(thread), lane)


def told(alerts: Sequence[Alert]) -> str:
    """Return whom the audit says was told: members of a JSON array."""
    return ",".join([f'{notice.audited},"alertNumber":"{number}"}}' for notice, number, *_ in alerts])


def pointed(pointer: EventPointer) -> str:
    """Return where an accepted event lies, as a JSON object."""
    return f'{{"partition":{pointer.partition},"offset":{pointer.offset}}}'
