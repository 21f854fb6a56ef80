"""The event's fields as the screen sees them: each field's own pattern, and what it leaves open.

Read from the contract's own JSON Schema, so that a new field is known here as soon as it is there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from sinergi_ingest.digit_runs import number_as_number
from sinergi_ingest.patterns import personal_data, personal_number
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.event import EVENT_TYPE, SuspiciousMovementEvent
from sinergi_shared.contracts.reasons import Rule

# Version 00 of W3C Trace Context: hexadecimal, so now and then mostly digits.
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
# What nearly every event has where anything may stand; the screen finds nothing in it (``patterns``).
_OUR_NUMBER: Final = re.compile(r"PRS-20[0-9]{6}-[0-9A-Z]{4,10}")
# Another sender's choice: base32, in which one in ten thousand has a run of digits like a telephone's.
_THREAD_ID: Final = re.compile(r"[A-Z2-7]{26}")
# A pattern that lets one of these through protects nobody: its fields are screened for numbers.
_PROBES: Final = ("6171012345670001", "A6171012345670001", "a6171012345670001")


@dataclass
class Field:
    """A field of the contract: what its own pattern is, and what it holds.

    ``free`` says that the contract lets any text, or any key, stand there.
    """

    own: list[Callable[[str], bool]] = field(default_factory=list)
    open_codes: list[Callable[[str], bool]] = field(default_factory=list)
    members: dict[str, "Field"] = field(default_factory=dict)
    free: bool = False

    def judge(self, text: str | int) -> Rule | None:
        """Return which kind of personal data this field's value holds, or nothing."""
        if isinstance(text, int):
            # A number of a known field is bounded by it, and a count or a time.
            return number_as_number(text) if self is UNKNOWN else None
        for fits in self.own:
            if fits(text):
                return None
        for fits in self.open_codes:
            if fits(text):
                return personal_number(text)
        return personal_data(text)

    def judge_fitting(self, text: str) -> Rule | None:
        """Return as ``judge`` of a text that is known to follow the contract."""
        return personal_number(text) if self.open_codes and not self.own else self.judge(text)

    @cached_property
    def left(self) -> dict[str, "Field"]:
        """The members in which a value that follows the contract could still hold personal data."""
        return {name: member for name, member in self.members.items() if member._open}  # noqa: SLF001

    @cached_property
    def _open(self) -> bool:
        return bool(self.free or self.open_codes or self.left)


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def _describe(node: dict[str, Any], definitions: dict[str, Any], into: Field) -> Field:
    if "$ref" in node:
        node = definitions[node["$ref"].rsplit("/", 1)[-1]]
    for option in node.get("anyOf", ()):
        _describe(option, definitions, into)
    for name, member in node.get("properties", {}).items():
        _describe(member, definitions, into.members.setdefault(name, Field()))
    if isinstance(items := node.get("items"), dict):
        _describe(items, definitions, into.members.setdefault("*", Field()))
    patterns = _patterns(node)
    into.own += [fits for fits, loose in patterns if not loose]
    into.open_codes += [fits for fits, loose in patterns if loose]
    into.free |= not patterns and _holds_anything(node)
    return into


def _patterns(node: dict[str, Any]) -> list[tuple[Callable[[str], bool], bool]]:
    """Return what a text here must fit, and for each whether a number of somebody would fit too."""
    found: list[tuple[Callable[[str], bool], bool]] = []
    if words := node.get("enum") or ([node["const"]] if "const" in node else None):
        found.append((frozenset(words).__contains__, False))
    if node.get("format") == "date-time":
        found.append((_is_time, False))
    if "pattern" in node:
        fits = re.compile(node["pattern"]).fullmatch
        loose = any(fits(probe) for probe in _PROBES)
        found.append((lambda text: fits(text) is not None, loose))
    return found


def _holds_anything(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    known = "$ref" in node or "anyOf" in node or "properties" in node or "items" in node
    return not known and kind not in ("integer", "number", "boolean", "null")


def _event_fields() -> Field:
    schema = SuspiciousMovementEvent.model_json_schema()
    event = _describe(schema, schema["$defs"], Field())
    event.members["traceparent"].own.append(lambda text: _TRACEPARENT.fullmatch(text) is not None)
    event.members["partitionkey"].own += [
        lambda text: _OUR_NUMBER.fullmatch(text) is not None,
        lambda text: _THREAD_ID.fullmatch(text) is not None,
    ]
    event.members["type"].own.append(EVENT_TYPE.__eq__)
    return event


EVENT: Final = _event_fields()
UNKNOWN: Final = Field()
