"""Which reader a message has: JSON for events and heartbeats, CAP for what is sent as such."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import partial

from sinergi_ingest import binary
from sinergi_ingest.admit import Admitted, Refused, Verdict, admit
from sinergi_ingest.cap.admission import admit_cap
from sinergi_ingest.heartbeat import Beat, is_heartbeat, read_heartbeat
from sinergi_ingest.request_body import Form, form_of
from sinergi_shared.directory import Source

Judged = Admitted | Refused | Beat
Judge = Callable[[bytes | None, Collection[str], datetime], Judged]
"""Bytes (none is Kafka's null value), the source URNs that may speak, and the time in; never raises."""


def judge_of(form: Form, source: Source) -> Judge:
    """Return the reader of messages that this source posts in this form."""
    return partial(_judge_cap, source) if form is Form.CAP else judge_json


def judge_submitted(headers: Iterable[binary.Header], source: Source) -> Judge:
    """Return the reader of a Kafka record with these headers on the topic of this source."""
    return judge_of(Form.CAP, source) if is_cap(headers) else judge_json


def is_cap(headers: Iterable[binary.Header]) -> bool:
    """Return whether a Kafka record holds a CAP message: so its type says, and no attributes beside."""
    told = list(headers)
    content_type = next((value for name, value in told if name.lower() == "content-type"), None)
    named = (content_type or b"").decode("latin-1")
    return form_of(named, binary=binary.is_binary(told, binary.KAFKA_PREFIX)) is Form.CAP


def judge_json(body: bytes | None, known_sources: Collection[str], now: datetime) -> Judged:
    """Return the event or the heartbeat in these bytes, or the first reason why they are neither."""
    verdict = admit(body, known_sources, now)
    if body is not None and isinstance(verdict, Refused) and is_heartbeat(verdict):
        return read_heartbeat(body, verdict, known_sources, now)
    return verdict


def _judge_cap(source: Source, body: bytes | None, known_sources: Collection[str], now: datetime) -> Verdict:
    if body is None:
        return admit(None, known_sources, now)
    return admit_cap(body, source.urn, known_sources, now)
