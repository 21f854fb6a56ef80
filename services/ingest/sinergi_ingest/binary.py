"""CloudEvents binary mode, HTTP and Kafka alike: attributes from headers, the body is ``data``.

The event is put together as text in structured mode, its faults left as they are, so that one strict
reader judges both modes. A header that stands twice becomes a duplicate key and one that is not UTF-8
a lone surrogate, both of which that reader refuses with their own rule.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from sinergi_shared.contracts.strict_json import MAX_EVENT_BYTES

Header = tuple[str, bytes]

STRUCTURED: Final = "application/cloudevents"
HTTP_PREFIX: Final = "ce-"
KAFKA_PREFIX: Final = "ce_"

_CONTENT_TYPE: Final = "content-type"


def is_binary(headers: Iterable[Header], prefix: str) -> bool:
    """Return whether a message speaks binary mode: no CloudEvents media type, but attributes."""
    spoken = False
    for name, value in headers:
        lower = name.lower()
        if lower == _CONTENT_TYPE and _text(value).lower().startswith(STRUCTURED):
            return False
        spoken = spoken or lower.startswith(prefix)
    return spoken


def from_kafka(headers: Sequence[Header], data: bytes) -> bytes:
    """Return a binary Kafka message in structured form; its header values are plain UTF-8."""
    return _together(((name.lower(), _text(value)) for name, value in headers), KAFKA_PREFIX, data)


def from_http(headers: Sequence[Header], data: bytes) -> bytes:
    """Return a binary HTTP message in structured form; its header values are percent-encoded."""
    named = (
        (name.lower(), _text(unquote_to_bytes(value) if name.lower() != _CONTENT_TYPE else value))
        for name, value in headers
    )
    return _together(named, HTTP_PREFIX, data)


def _together(headers: Iterable[tuple[str, str]], prefix: str, data: bytes) -> bytes:
    if len(data) <= MAX_EVENT_BYTES and not _one_value(data):
        # Not put together: behind a comma the sender's text could go on as attributes.
        return data
    attributes = [
        ("datacontenttype" if name == _CONTENT_TYPE else name.removeprefix(prefix), value)
        for name, value in headers
        if name.startswith(prefix) or (name == _CONTENT_TYPE and value)
    ]
    told = "".join(f"{json.dumps(name)}:{json.dumps(value)}," for name, value in attributes)
    return b"{" + told.encode() + b'"data":' + data + b"}"


def _one_value(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="surrogateescape")
