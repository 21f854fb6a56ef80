"""Is this CAP message fit to become an event? The same verdict as for a CloudEvent, places in XML."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sinergi_ingest import screen
from sinergi_ingest.admit import Refused, Verdict, admit
from sinergi_ingest.cap import words
from sinergi_ingest.cap.event import CapEvent, event_of
from sinergi_ingest.cap.fault import CapFaultError
from sinergi_ingest.cap.tree import read_tree
from sinergi_shared.contracts.reasons import Reason, Rule, Stage
from sinergi_shared.contracts.strict_json import MAX_EVENT_BYTES

_MISSING: Final[Mapping[str, str]] = {
    f"/data/{path}": f"/alert/info/parameter[valueName='{name}']"
    for name, path in (words.TEXTS | words.NUMBERS | words.FLAGS).items()
} | {
    "/data/indicators": f"/alert/info/parameter[valueName='{words.INDICATOR}']",
    "/data/location": "/alert/info/parameter[valueName='sinergi.locationKind']",
    "/data/people": "/alert/info/parameter[valueName='peopleCount']",
}


def read_cap(body: bytes, source: str, now: datetime) -> CapEvent | Refused:
    """Return the event that a CAP message of this source stands for, or why it is none; never raises."""
    if len(body) > MAX_EVENT_BYTES:
        return Refused(Reason.TOO_LARGE, Rule.SIZE, Stage.ENVELOPE)
    try:
        return event_of(read_tree(body), source, now)
    except CapFaultError as fault:
        stage = Stage.SCHEMA if fault.places else Stage.ENVELOPE
        hidden = screen.holds_personal_data(body)
        retryable = fault.reason.retryable
        return Refused(
            fault.reason, fault.rule, stage, fault.places, retryable=retryable, personal_data=hidden
        )


def admit_cap(body: bytes, source: str, known_sources: Collection[str], now: datetime) -> Verdict:
    """Return what ``admit`` says of the event in a CAP message, its pointers led back to the XML."""
    read = read_cap(body, source, now)
    if isinstance(read, Refused):
        return read
    verdict = admit(json.dumps(read.document, ensure_ascii=False).encode(), known_sources, now)
    if not isinstance(verdict, Refused):
        return verdict
    fields = tuple(dict.fromkeys(_place(pointer, read.places) for pointer in verdict.fields))
    # The CAP text holds more than what was carried over, and it is the CAP text that would be kept.
    hidden = verdict.personal_data or screen.holds_personal_data(body)
    return replace(verdict, fields=fields, personal_data=hidden)


def _place(pointer: str, places: Mapping[str, str]) -> str:
    step = pointer
    while step:
        if found := places.get(step) or _MISSING.get(step):
            return found
        step = step.rpartition("/")[0]
    return pointer
