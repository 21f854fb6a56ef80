"""Derived identities: every message of ours has an id derived from its cause (architecture, 2).

A replay gives the same ids, so a repeat is recognised everywhere; none of them counts, so none
tells volume.
"""

import base64
import hashlib
import uuid


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode()).digest()


def _base32(raw: bytes, length: int) -> str:
    return base64.b32encode(raw).decode()[:length]


def thread_id(source: str, event_number: str) -> str:
    """Return the 26 base32 characters under which we know one event; tells neither source nor number."""
    return _base32(_digest(source, event_number), 26)


def blind_thread_id(thread: str, recipient: str) -> str:
    """Return a thread's id for a recipient abroad; two of them cannot be joined, nor led back to ours."""
    return _base32(_digest("blind", thread, recipient), 26)


def alert_number(thread: str, cause: str, recipient: str) -> str:
    """Return ``NTF-`` and 16 base32 characters; ``cause`` is the id of the accepted event or request."""
    return "NTF-" + _base32(_digest("alert", thread, cause, recipient), 16)


def derived_uuid(*cause: str) -> str:
    """Return a UUIDv8 (RFC 9562, 5.8) that depends on nothing but its cause."""
    raw = bytearray(_digest("uuid8", *cause)[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def delivery_id(alert: str, channel: str, contact: str) -> str:
    """Return the id of one delivery; ``contact`` is the contact point's id, never its address."""
    return _base32(_digest("delivery", alert, channel, contact), 26)
