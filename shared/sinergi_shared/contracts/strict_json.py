"""Bytes to one strict JSON object, or a rule that says what is wrong; never a guess, never a quote.

The standard library accepts NaN, duplicate keys and lone surrogates, other libraries differ from
each other; so the rules of the contracts (section 5) are checked here, once, for every edge.
"""

import hashlib
import json
import re
from typing import Any, Final

import orjson

from sinergi_shared.contracts.reasons import Rule

MAX_EVENT_BYTES: Final = 65_536
MAX_STORED_BYTES: Final = 4 * MAX_EVENT_BYTES
"""Longest record that an admitted event can become: ``1e15`` is stored as ``1000000000000000.0``."""

MAX_DEPTH: Final = 32
MAX_KEYS: Final = 512

# A string that never ends is matched to the end too: otherwise every quote would start anew (quadratic).
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

# Outside the digest: what a gateway may change between two sendings of one message (contracts, 2a).
_NOT_DIGESTED: Final = frozenset({"traceparent", "tracestate", "recordedtime", "partitionkey"})


class UnreadableError(Exception):
    """The bytes are not one strict JSON object; says which rule they break, never what they hold."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(str(rule))
        self.rule = rule


def parse_object(body: bytes | None) -> dict[str, Any]:
    """Return the JSON object in these bytes; raise ``UnreadableError`` with the first rule it breaks.

    At most ``MAX_DEPTH`` levels and ``MAX_KEYS`` keys; no duplicate key, no NaN or infinity, no
    number that a float cannot hold, no control or direction mark, no lone surrogate.
    """
    if body is None:
        raise UnreadableError(Rule.NULL_VALUE)
    if _brackets(body) > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise UnreadableError(Rule.DEPTH)
    document = _as_we_write(body)
    if document is None:
        document = _read(body)
    # The parser itself refuses raw control characters: only these three can bring in another.
    if not body.isascii() or b"\\" in body or b"\x7f" in body:
        _check_text(document)
    return document


def _as_we_write(body: bytes) -> dict[str, Any] | None:
    """Return the object in bytes that are just as we write them ourselves, at a third of the cost.

    What the fast library writes again byte for byte has no key twice, nothing but JSON and only
    numbers that it holds. Of anything else nothing is said here: the careful reader judges it.
    """
    if body.count(b'":') > MAX_KEYS:
        return None
    try:
        document = orjson.loads(body)
        again = orjson.dumps(document, option=orjson.OPT_STRICT_INTEGER)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None
    return document if again == body and isinstance(document, dict) else None


def _read(body: bytes) -> dict[str, Any]:
    reader = _Reader()
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=reader.pairs,
            parse_float=_float,
            parse_int=_int,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise UnreadableError(Rule.UTF8) from None
    except (ValueError, RecursionError):
        raise UnreadableError(Rule.JSON) from None
    if not isinstance(document, dict):
        raise UnreadableError(Rule.NOT_OBJECT)
    return document


def body_digest(document: dict[str, Any]) -> str:
    """Return the SHA-256 (hex) that tells whether two messages with one id say the same."""
    told = {key: value for key, value in document.items() if key not in _NOT_DIGESTED}
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


class _Reader:
    """Counts keys and refuses a key that stands twice in one object."""

    def __init__(self) -> None:
        self.keys = 0

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.keys += len(pairs)
        if self.keys > MAX_KEYS:
            raise UnreadableError(Rule.KEYS)
        found = dict(pairs)
        if len(found) != len(pairs):
            raise UnreadableError(Rule.DUPLICATE_KEY)
        return found


def _brackets(body: bytes) -> int:
    # By what is left without them: counting goes byte by byte, at five times the cost.
    return len(body) - len(body.replace(b"{", b"").replace(b"[", b""))


def _depth(body: bytes) -> int:
    # Before parsing: a parser that recurses would fail at some thousand levels, or block the loop.
    depth = deepest = 0
    for match in _BRACKETS.finditer(body):
        first = match.group()
        if first in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif first in (b"]", b"}"):
            depth -= 1
    return deepest


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise UnreadableError(Rule.NUMBER)
    return value


def _int(text: str) -> int:
    # JSON integers beyond 2^53 lose digits in other languages (B83).
    if len(text) > 17 or abs(int(text)) > 2**53 - 1:  # noqa: PLR2004 - sign and sixteen digits
        raise UnreadableError(Rule.NUMBER)
    return int(text)


def _constant(_text: str) -> float:
    raise UnreadableError(Rule.NUMBER)


def _check_text(value: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        if _SURROGATE.search(value):
            raise UnreadableError(Rule.UTF8)
        if _CONTROL.search(value):
            raise UnreadableError(Rule.CONTROL)
    elif isinstance(value, dict):
        for key, member in value.items():
            _check_text(key)
            _check_text(member)
    elif isinstance(value, list):
        for member in value:
            _check_text(member)
