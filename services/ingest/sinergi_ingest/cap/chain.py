"""Which event a CAP message belongs to, and which revision of it, from the message alone.

Ingest keeps no state, so everything comes from the chain's first message: for an ``Alert`` that is
itself, for an ``Update`` or ``Cancel`` the earliest of its ``references``. The revision is the
seconds since that message, so that it rises however many messages were lost in between.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sinergi_ingest.cap.fault import CapFaultError
from sinergi_ingest.cap.tree import ROOT, Node
from sinergi_shared.contracts.base import WIB, parse_time
from sinergi_shared.contracts.codes import MsgType
from sinergi_shared.contracts.reasons import Rule

MAX_REFERENCES: Final = 64

_IDENTITY: Final = re.compile(r"[^\s,<&]{1,200}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")
_NUMBER: Final = re.compile(r"PRS-[0-9]{8}-[0-9A-Z]{4,10}")
_BASE36: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Identity:
    """What names a CAP message everywhere: sender, identifier, time of sending."""

    sender: str
    identifier: str
    sent: datetime

    def event_id(self, source: str) -> str:
        """Return the CloudEvents id of this message from this source; a repeat gives the same.

        In the form of a UUIDv7, which an upstream id must have: its time is that of sending, the rest
        is derived instead of drawn.
        """
        digest = hashlib.sha256(
            f"cap\n{source}\n{self.sender}\n{self.identifier}\n{self.sent.isoformat()}".encode()
        ).hexdigest()
        moment = f"{int(self.sent.timestamp()) * 1000:012x}"
        variant = "89ab"[int(digest[3], 16) & 0x3]
        return f"{moment[:8]}-{moment[8:]}-7{digest[:3]}-{variant}{digest[4:7]}-{digest[7:19]}"

    @property
    def event_number(self) -> str:
        """The number of the event that this message began; tells neither sender nor volume."""
        value = int.from_bytes(
            hashlib.sha256(f"{self.sender}\n{self.identifier}".encode()).digest()[:8], "big"
        )
        letters = "".join(_BASE36[value // 36**place % 36] for place in range(10))
        return f"PRS-{self.sent.astimezone(WIB):%Y%m%d}-{letters}"


@dataclass(frozen=True, slots=True)
class Chain:
    """A message's place among those of its event."""

    message: Identity
    earlier: tuple[Identity, ...]
    event_number: str
    revision: int


def cap_time(text: str, place: str) -> datetime:
    """Return a CAP time in UTC: whole seconds and an offset, never ``Z`` (CAP 1.2, 3.3.2)."""
    try:
        if _TIME.fullmatch(text):
            return parse_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise CapFaultError(Rule.TIME, place)


def read_chain(alert: Node, kind: MsgType) -> Chain:
    """Return the chain of a message; a follow-up that names no earlier message is a fault."""
    message = Identity(
        _identity(alert.required("sender"), f"{ROOT}/sender"),
        _identity(alert.required("identifier"), f"{ROOT}/identifier"),
        cap_time(alert.required("sent"), f"{ROOT}/sent"),
    )
    earlier = () if kind is MsgType.ALERT else _references(alert, message)
    first = min((*earlier, message), key=lambda one: one.sent)
    revision = int((message.sent - first.sent).total_seconds()) + 1
    return Chain(message, earlier, _own_number(alert) or first.event_number, revision)


def _identity(text: str, place: str) -> str:
    if _IDENTITY.fullmatch(text) is None:
        raise CapFaultError(Rule.FIELD, place)
    return text


def _references(alert: Node, message: Identity) -> tuple[Identity, ...]:
    place = f"{ROOT}/references"
    triples = [one.split(",") for one in alert.required("references").split()]
    if len(triples) > MAX_REFERENCES or any(
        len(triple) != len(("sender", "identifier", "sent")) for triple in triples
    ):
        raise CapFaultError(Rule.REFERENCES, place)
    found = tuple(
        Identity(_identity(sender, place), _identity(identifier, place), cap_time(sent, place))
        for sender, identifier, sent in triples
    )
    if any(one.sent >= message.sent for one in found):
        # Otherwise its revision would not rise above what it follows, and the router would pass it over.
        raise CapFaultError(Rule.REFERENCES, place, f"{ROOT}/sent")
    return found


def _own_number(alert: Node) -> str | None:
    """Return the sender's own event number, where ``incidents`` names exactly one."""
    incidents = (alert.told("incidents") or "").split()
    return incidents[0] if len(incidents) == 1 and _NUMBER.fullmatch(incidents[0]) else None
