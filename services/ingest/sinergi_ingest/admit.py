"""Is this report fit to become an event? Bytes and the time in, a verdict out.

Source: contracts, sections 1, 5, 6, 7. An event with several faults gets the first reason in the
order of section 5, with every pointer of that reason.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from sinergi_ingest import screen
from sinergi_shared.contracts import strict_json
from sinergi_shared.contracts.event import (
    EVENT_TYPE,
    KNOWN_MAJOR,
    EventAttributes,
    SuspiciousMovementEvent,
    read_event,
    schema_version,
)
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.reasons import UNREADABLE, Reason, Rule, Stage

MAX_AHEAD: Final = timedelta(seconds=600)
"""``FUTURE_TIME.max_ahead`` of the Kalbar pack: a clock may be off, an event is not from tomorrow."""

MAX_POINTERS: Final = 32
"""So many places are told; a hostile event could have thousands."""

_OF_THE_DATA: Final = frozenset({"time", "data"})
# As CloudEvents demands; so nothing unread comes along as ``data_base64``.
_ATTRIBUTE_NAME: Final = re.compile("[a-z0-9]{1,64}")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_SOURCE: Final = re.compile(r"urn:sinergi:sumber:[a-z0-9-]{1,32}:[a-z0-9-]{1,32}")
_TYPE: Final = re.compile(r"id\.sinergi\.[a-z]{1,32}\.[a-z_]{1,32}\.v[0-9]{1,4}")
_NUMBER: Final = re.compile(r"PRS-[0-9]{8}-[0-9A-Z]{4,10}")
_FAMILY: Final = EVENT_TYPE.rstrip("0123456789")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a message says of itself, each part only when it has the form that it must have."""

    id: str | None = None
    source: str | None = None
    type: str | None = None
    event_number: str | None = None
    revision: int | None = None

    @property
    def thread_id(self) -> str | None:
        """The thread that the message would belong to."""
        return thread_id(self.source, self.event_number) if self.source and self.event_number else None


class Admitted(NamedTuple):
    """An event to be stored: the sender's document, its partition key ours, a faulty note left out."""

    event: SuspiciousMovementEvent
    document: dict[str, Any]
    thread_id: str
    note_withheld: Rule | None = None

    @property
    def claim(self) -> Claim:
        """What the event says of itself."""
        event = self.event
        return Claim(event.id, event.source, event.type, event.data.eventNumber, event.data.revision)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a message is no event: reason, rule and JSON pointers, never a value."""

    reason: Reason
    rule: Rule
    stage: Stage
    fields: tuple[str, ...] = ()
    claim: Claim = Claim()
    retryable: bool = False
    personal_data: bool = False

    @property
    def payload_kept(self) -> bool:
        """Whether the original bytes may be kept: never when personal data was found in them."""
        return self.reason.payload_kept and not self.personal_data

    @property
    def unreadable(self) -> bool:
        """Whether the bytes are not one strict JSON object."""
        return self.rule in UNREADABLE


Verdict = Admitted | Refused


def admit(body: bytes | None, known_sources: Collection[str], now: datetime) -> Verdict:
    """Return the event in these bytes, or the first reason why it is none; never raises.

    ``known_sources`` are the source URNs that may speak; no body is Kafka's null value.
    """
    if body is not None and len(body) > strict_json.MAX_EVENT_BYTES:
        return Refused(Reason.TOO_LARGE, Rule.SIZE, Stage.ENVELOPE)
    try:
        document = strict_json.parse_object(body)
    except strict_json.UnreadableError as unreadable:
        hidden = body is not None and screen.holds_personal_data(body)
        return Refused(Reason.SCHEMA_INVALID, unreadable.rule, Stage.ENVELOPE, personal_data=hidden)
    return _faultless(document, known_sources, now) or _judge(document, known_sources, now)


def stored_bytes(admitted: Admitted) -> bytes:
    """Return the record's value for ``sinergi.events.v1``; its digest equals that of a repeat."""
    return orjson.dumps(admitted.document)


def _faultless(document: dict[str, Any], known_sources: Collection[str], now: datetime) -> Admitted | None:
    """Return the event of a document with no fault at all, as ``_judge`` does at three times the cost.

    Of any other nothing is said here, nor of one with extension attributes.
    """
    try:
        event = SuspiciousMovementEvent.model_validate(document)
    except ValidationError:
        return None
    if (
        event.model_extra
        or event.type != EVENT_TYPE
        or event.source not in known_sources
        or event.schema_version[0] != KNOWN_MAJOR
        or not screen.nothing_to_find(document)
        or screen.forbidden_profiles(document)
        or max(event.time, event.data.observedAt) - now > MAX_AHEAD
    ):
        return None
    return _admitted(event, document)


def _admitted(
    event: SuspiciousMovementEvent, document: dict[str, Any], withheld: Rule | None = None
) -> Admitted:
    thread = thread_id(event.source, event.data.eventNumber)
    return Admitted(event, document | {"partitionkey": thread}, thread, withheld)


def _judge(document: dict[str, Any], known_sources: Collection[str], now: datetime) -> Verdict:
    claim = read_claim(document)
    findings = screen.personal_findings(document)
    refused = (
        _envelope(document, claim)
        or _source(claim, known_sources)
        or _type(document, claim)
        or _version(document, claim)
        or _carried(document, claim, findings)
    )
    if refused is None:
        withheld = findings[0].rule if findings else None
        verdict = _event(_without_note(document) if withheld else document, claim, withheld, now)
        if isinstance(verdict, Admitted):
            return verdict
        refused = verdict
    return replace(refused, fields=refused.fields[:MAX_POINTERS], personal_data=bool(findings))


def _envelope(document: dict[str, Any], claim: Claim) -> Refused | None:
    attributes = {name: value for name, value in document.items() if name not in _OF_THE_DATA}
    if odd := [name for name in attributes if not _ATTRIBUTE_NAME.fullmatch(name)]:
        fields = tuple(dict.fromkeys(screen.plain_pointer("", name) for name in odd))
        return Refused(Reason.ENVELOPE_INVALID, Rule.ATTRIBUTE, Stage.ENVELOPE, fields, claim)
    try:
        EventAttributes.model_validate(attributes)
    except ValidationError as error:
        fields = _places(error, document)
        return Refused(Reason.ENVELOPE_INVALID, Rule.ATTRIBUTE, Stage.ENVELOPE, fields, claim)
    return None


def _source(claim: Claim, known_sources: Collection[str]) -> Refused | None:
    if claim.source in known_sources:
        return None
    return Refused(Reason.SOURCE_UNKNOWN, Rule.SOURCE, Stage.ENVELOPE, ("/source",), claim)


def _type(document: dict[str, Any], claim: Claim) -> Refused | None:
    if document["type"] == EVENT_TYPE:
        return None
    ours = claim.type is not None and claim.type.startswith(_FAMILY)
    rule = Rule.MAJOR if ours else Rule.ATTRIBUTE
    return Refused(Reason.TYPE_UNSUPPORTED, rule, Stage.ENVELOPE, ("/type",), claim, retryable=ours)


def _version(document: dict[str, Any], claim: Claim) -> Refused | None:
    major, _minor = schema_version(document["dataschema"])
    if major == KNOWN_MAJOR:
        return None
    return Refused(
        Reason.VERSION_UNKNOWN, Rule.MAJOR, Stage.ENVELOPE, ("/dataschema",), claim, retryable=True
    )


def _carried(document: dict[str, Any], claim: Claim, findings: tuple[screen.Finding, ...]) -> Refused | None:
    only_the_note = all(finding.pointer == screen.NOTE_TEXT for finding in findings)
    if findings and not (only_the_note and screen.person_at_risk(document)):
        fields = tuple(dict.fromkeys(finding.pointer for finding in findings))
        return Refused(Reason.PII_DETECTED, findings[0].rule, Stage.SCREEN, fields, claim)
    if profiles := screen.forbidden_profiles(document):
        return Refused(Reason.PROFILE_FORBIDDEN, Rule.INDICATOR, Stage.SCREEN, profiles, claim)
    return None


def _event(document: dict[str, Any], claim: Claim, withheld: Rule | None, now: datetime) -> Verdict:
    try:
        event = read_event(document)
    except ValidationError as error:
        rule = _rule(error)
        return Refused(Reason.SCHEMA_INVALID, rule, Stage.SCHEMA, _places(error, document), claim)
    if ahead := _ahead(event, now):
        return Refused(Reason.TIME_OUT_OF_RANGE, Rule.FUTURE_TIME, Stage.SCHEMA, ahead, claim)
    return _admitted(event, document, withheld)


def _ahead(event: SuspiciousMovementEvent, now: datetime) -> tuple[str, ...]:
    told = (("/time", event.time), ("/data/observedAt", event.data.observedAt))
    return tuple(pointer for pointer, moment in told if moment - now > MAX_AHEAD)


def _without_note(document: dict[str, Any]) -> dict[str, Any]:
    data = {name: value for name, value in document["data"].items() if name != "note"}
    return document | {"data": data}


def read_claim(document: dict[str, Any]) -> Claim:
    """Return what can be told of a message without quoting anything that breaks its form."""
    data = document.get("data")
    inner = data if isinstance(data, dict) else {}
    revision = inner.get("revision")
    return Claim(
        id=_fitting(document.get("id"), _UUID),
        source=_fitting(document.get("source"), _SOURCE),
        type=_fitting(document.get("type"), _TYPE),
        event_number=_fitting(inner.get("eventNumber"), _NUMBER)
        or _fitting(document.get("subject"), _NUMBER),
        revision=revision if type(revision) is int and revision > 0 else None,
    )


def _fitting(value: object, pattern: re.Pattern[str]) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _rule(error: ValidationError) -> Rule:
    first = error.errors(include_input=False, include_url=False)[0]
    if first["loc"][-1] in ("time", "observedAt", "reportedAt"):
        return Rule.TIME
    return {"missing": Rule.FIELD_MISSING, "extra_forbidden": Rule.FIELD_UNKNOWN}.get(
        first["type"], Rule.FIELD
    )


def _places(error: ValidationError, document: dict[str, Any]) -> tuple[str, ...]:
    found = (
        _place(detail["loc"], document, missing=detail["type"] == "missing")
        for detail in error.errors(include_input=False, include_url=False)
    )
    return tuple(dict.fromkeys(found))


def _place(loc: tuple[int | str, ...], document: Any, *, missing: bool) -> str:  # noqa: ANN401 - any JSON value
    """Return the pointer of what is wrong, or of what is missing.

    Ends where the document ends: the library's locations go on with names of types.
    """
    pointer, here = "", document
    for number, step in enumerate(loc, start=1):
        inside = step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)
        if not inside:
            return f"{pointer}/{step}" if missing and number == len(loc) else pointer
        pointer, parent, here = screen.plain_pointer(pointer, str(step)), pointer, here[step]
        if pointer == parent:
            return pointer
    return pointer
