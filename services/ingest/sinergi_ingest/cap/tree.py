"""CAP bytes to elements with places, safely: no DTD, no entity, no file, no network (B85)."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from lxml import etree

from sinergi_ingest.cap.fault import CapFaultError
from sinergi_shared.contracts.reasons import Reason, Rule

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
ROOT: Final = "/alert"
MAX_ELEMENTS: Final = 2_048

_SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
_OTHER_CAP: Final = re.compile(r"urn:oasis:names:tc:emergency:cap:[0-9.]+|http://www\.incident\.com/cap/1\.0")
# Neither in a comment nor as text does a CAP sender need it, so it is not looked for more cleverly.
_DTD: Final = ("<!DOCTYPE", "<!ENTITY")

# CAP 1.2, section 3.2: what may stand in an element once, and what any number of times.
_ONCE: Final[dict[str, frozenset[str]]] = {
    "alert": frozenset(
        ("identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses")
    )
    | {"note", "references", "incidents"},
    "info": frozenset(
        ("language", "event", "urgency", "severity", "certainty", "audience", "effective", "onset", "expires")
    )
    | {"senderName", "headline", "description", "instruction", "web", "contact"},
    "resource": frozenset(("resourceDesc", "mimeType", "size", "uri", "derefUri", "digest")),
    "area": frozenset(("areaDesc", "altitude", "ceiling")),
    "eventCode": frozenset(("valueName", "value")),
    "parameter": frozenset(("valueName", "value")),
    "geocode": frozenset(("valueName", "value")),
}
_REPEATED: Final[dict[str, frozenset[str]]] = {
    "alert": frozenset(("code", "info")),
    "info": frozenset(("category", "responseType", "eventCode", "parameter", "resource", "area")),
    "area": frozenset(("polygon", "circle", "geocode")),
}


class Node:
    """An element of the message and its place; texts come without blanks around them (B48)."""

    def __init__(self, element: etree._Element, place: str) -> None:
        self._element = element
        self.place = place

    def text(self) -> str:
        """Return the text, which may be empty."""
        return (self._element.text or "").strip()

    def nodes(self, name: str) -> list["Node"]:
        """Return the children of this name, their places counted from 1."""
        found = self._element.findall(f"{{{NAMESPACE}}}{name}")
        return [Node(child, f"{self.place}/{name}[{number}]") for number, child in enumerate(found, start=1)]

    def told(self, name: str) -> str | None:
        """Return the text of the only child of this name; an empty one counts as absent (B42)."""
        found = self._element.find(f"{{{NAMESPACE}}}{name}")
        return None if found is None else (found.text or "").strip() or None

    def required(self, name: str) -> str:
        """Return the text of the only child of this name; its absence is a fault."""
        text = self.told(name)
        if text is None:
            raise CapFaultError(Rule.FIELD_MISSING, f"{self.place}/{name}")
        return text


def read_tree(body: bytes) -> Node:
    """Return the ``alert`` element of a CAP 1.2 message, each element known and where it may be."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise CapFaultError(Rule.XML) from None
    if any(mark in text for mark in _DTD):
        raise CapFaultError(Rule.DOCTYPE)
    root = _parse(body)
    _check_root(root)
    _check(root, ROOT, [MAX_ELEMENTS])
    return Node(root, ROOT)


def _parse(body: bytes) -> etree._Element:
    # One a message: a parser keeps what it has read. The encoding is ours, whatever the message says.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise CapFaultError(Rule.XML) from None


def _check_root(root: etree._Element) -> None:
    name = etree.QName(root)
    if name.namespace == NAMESPACE and name.localname == "alert":
        return
    if name.localname == "alert" and _OTHER_CAP.fullmatch(name.namespace or ""):
        raise CapFaultError(Rule.MAJOR, ROOT, reason=Reason.VERSION_UNKNOWN)
    raise CapFaultError(Rule.XML)


def _check(element: etree._Element, place: str, left: list[int]) -> None:
    # Recurses as deep as CAP goes: an element that may not be there is a fault before its children are seen.
    parent = etree.QName(element).localname
    once, repeated = _ONCE.get(parent, frozenset()), _REPEATED.get(parent, frozenset())
    seen: Counter[str] = Counter()
    for child in _elements(element, left):
        name = etree.QName(child)
        if name.namespace == _SIGNATURE and place == ROOT:
            continue
        if name.namespace != NAMESPACE or name.localname not in once | repeated:
            raise CapFaultError(Rule.FIELD_UNKNOWN, place)
        seen[name.localname] += 1
        below = f"{place}/{name.localname}"
        if name.localname in repeated:
            below += f"[{seen[name.localname]}]"
        elif seen[name.localname] > 1:
            raise CapFaultError(Rule.FIELD, below)
        _check(child, below, left)


def _elements(element: etree._Element, left: list[int]) -> Iterator[etree._Element]:
    for child in element:
        left[0] -= 1
        if left[0] < 0:
            raise CapFaultError(Rule.XML)
        if not isinstance(child.tag, str):
            raise CapFaultError(Rule.XML)
        yield child
