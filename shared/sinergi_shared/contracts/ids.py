"""Derived identities: every message of ours has an id derived from its cause (architecture, 2).

A replay gives the same ids, so a repeat is recognised everywhere; none of them counts, so none
tells volume.
"""

import hashlib
from typing import Final, NamedTuple

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # RFC 4648, base32
_PAIRS: Final = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 0x3] for digit in "0123456789abcdef"}


class AlertIds(NamedTuple):
    """The three ids of one alert; the cause is derived from the number, so it joins no two alerts."""

    number: str
    event: str
    cause: str


def thread_id(source: str, event_number: str) -> str:
    """Return the 26 base32 characters under which we know one event; tells neither source nor number."""
    return _thread(_digest(source, event_number))


def blind_thread_id(thread: str, recipient: str) -> str:
    """Return a thread's id for a recipient abroad; two of them cannot be joined, nor led back to ours."""
    return _thread(_digest("blind", thread, recipient))


def alert_number(thread: str, cause: str, recipient: str) -> str:
    """Return ``NTF-`` and 16 base32 characters; ``cause`` is the id of the accepted event or request."""
    return _number(hashlib.sha256(f"alert\n{thread}\n{cause}\n{recipient}".encode()).digest())


def alert_ids(thread: str, cause: str, recipient: str) -> AlertIds:
    """Return the ids of the alert of this decision for this recipient."""
    number = alert_number(thread, cause, recipient)
    raw = hashlib.sha256(number.encode()).hexdigest()
    return AlertIds(number, _uuid8(raw), _uuid8(raw[32:]))


def derived_uuid(*cause: str) -> str:
    """Return a UUIDv8 (RFC 9562, 5.8) that depends on nothing but its cause."""
    return _uuid8(_digest("uuid8", *cause).hex())


def delivery_id(alert: str, channel: str, contact: str) -> str:
    """Return the id of one delivery; ``contact`` is the contact point's id, never its address."""
    return _thread(_digest("delivery", alert, channel, contact))


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode()).digest()


def _thread(raw: bytes) -> str:
    # The first 26 characters of base32. Two are ten bits; the library goes through them one by one, at
    # ten times the cost.
    bits, pairs = int.from_bytes(raw[:17], "big"), _PAIRS
    return (
        f"{pairs[bits >> 126]}{pairs[bits >> 116 & 0x3FF]}{pairs[bits >> 106 & 0x3FF]}"
        f"{pairs[bits >> 96 & 0x3FF]}{pairs[bits >> 86 & 0x3FF]}{pairs[bits >> 76 & 0x3FF]}"
        f"{pairs[bits >> 66 & 0x3FF]}{pairs[bits >> 56 & 0x3FF]}{pairs[bits >> 46 & 0x3FF]}"
        f"{pairs[bits >> 36 & 0x3FF]}{pairs[bits >> 26 & 0x3FF]}{pairs[bits >> 16 & 0x3FF]}"
        f"{pairs[bits >> 6 & 0x3FF]}"
    )


def _number(raw: bytes) -> str:
    # As ``_thread``, 16 characters: an event has half a dozen of them.
    bits, pairs = int.from_bytes(raw[:10], "big"), _PAIRS
    return (
        f"NTF-{pairs[bits >> 70]}{pairs[bits >> 60 & 0x3FF]}{pairs[bits >> 50 & 0x3FF]}"
        f"{pairs[bits >> 40 & 0x3FF]}{pairs[bits >> 30 & 0x3FF]}{pairs[bits >> 20 & 0x3FF]}"
        f"{pairs[bits >> 10 & 0x3FF]}{pairs[bits & 0x3FF]}"
    )


def _uuid8(hexadecimal: str) -> str:
    return (
        f"{hexadecimal[:8]}-{hexadecimal[8:12]}-8{hexadecimal[13:16]}"
        f"-{_VARIANT[hexadecimal[16]]}{hexadecimal[17:20]}-{hexadecimal[20:32]}"
    )
