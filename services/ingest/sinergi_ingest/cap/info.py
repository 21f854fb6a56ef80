"""Which ``info`` block speaks for the message, and the facts in it.

One message is one event. Blocks in other languages say the same in other words; one that tells
another severity, time or situation is a fault, and so are two blocks in one language, since either
would be two events under one number.
"""

from enum import StrEnum
from typing import Any, Final

from sinergi_ingest.cap import words
from sinergi_ingest.cap.fault import CapFaultError
from sinergi_ingest.cap.tree import ROOT, Node
from sinergi_shared.contracts.reasons import Rule

OWN_LANGUAGE: Final = "id"
DEFAULT_LANGUAGE: Final = "en-US"  # CAP 1.2, 3.2.2

_SAME: Final = ("urgency", "severity", "certainty", "onset", "effective", "expires")


def spoken_info(alert: Node) -> Node:
    """Return the Indonesian block, else the first; a message without any is a fault."""
    infos = alert.nodes("info")
    if not infos:
        # Also for an Update or Cancel: an event's fields are needed in each of its revisions.
        raise CapFaultError(Rule.FIELD_MISSING, f"{ROOT}/info")
    languages = [_language(info) for info in infos]
    for number, info in enumerate(infos):
        if languages[number] in languages[:number]:
            raise CapFaultError(Rule.FIELD, f"{info.place}/language")
        _check_same(infos[0], info)
    return next((info for info, tag in zip(infos, languages, strict=True) if _indonesian(tag)), infos[0])


def word(node: Node, name: str, known: dict[str, StrEnum]) -> str:
    """Return our word for a CAP word; one without a counterpart is a fault."""
    found = known.get(node.required(name))
    if found is None:
        raise CapFaultError(Rule.FIELD, f"{node.place}/{name}")
    return found.value


def situation(info: Node) -> tuple[str, str]:
    """Return the situation code and its place."""
    found = [code for code in info.nodes("eventCode") if code.told("valueName") == words.SITUATION]
    if len(found) != 1:
        rule = Rule.FIELD if found else Rule.FIELD_MISSING
        raise CapFaultError(rule, f"{info.place}/eventCode[valueName='{words.SITUATION}']")
    return found[0].required("value"), f"{found[0].place}/value"


def parameters(info: Node) -> dict[str, list[tuple[str, str]]]:
    """Return the values of our parameters with their places; those of others are passed over."""
    found: dict[str, list[tuple[str, str]]] = {}
    for node in info.nodes("parameter"):
        name = node.required("valueName")
        if name in words.KNOWN:
            found.setdefault(name, []).append((node.required("value"), f"{node.place}/value"))
            if len(found[name]) > 1 and name not in words.REPEATED:
                raise CapFaultError(Rule.FIELD, node.place)
        elif name.startswith(words.OURS):
            raise CapFaultError(Rule.FIELD_UNKNOWN, f"{node.place}/valueName")
    return found


def language_of(info: Node) -> str:
    """Return the block's language tag as it stands."""
    return info.told("language") or DEFAULT_LANGUAGE


def _language(info: Node) -> str:
    return language_of(info).lower()


def _indonesian(tag: str) -> bool:
    return tag.partition("-")[0] in (OWN_LANGUAGE, "in")


def _check_same(first: Node, other: Node) -> None:
    for name in _SAME:
        if first.told(name) != other.told(name):
            raise CapFaultError(Rule.FIELD, f"{other.place}/{name}")
    if _codes(first) != _codes(other):
        raise CapFaultError(Rule.FIELD, f"{other.place}/eventCode")


def _codes(info: Node) -> list[Any]:
    return sorted(
        (code.told("valueName") or "", code.told("value") or "") for code in info.nodes("eventCode")
    )
