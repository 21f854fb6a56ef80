"""A request to its events' bytes: which form, where one item ends; nothing of the events is judged.

Items are cut out as they stand, so that each is read strictly by itself and a bad one loses none
of the others.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

from sinergi_shared.contracts.strict_json import MAX_DEPTH

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
MAX_ITEMS: Final = 1_000

# A long string is matched in pieces: no other thread gets a turn while one match lasts.
_PIECE: Final = rb'(?>(?:[^"\\]{1,1024}+|\\.){1,256})'
_TOKEN: Final = re.compile(rb'"(?>(?:' + _PIECE + rb')?)("?)|[\[\]{},]', re.DOTALL)
_MORE_OF_A_STRING: Final = re.compile(_PIECE, re.DOTALL)


class Form(Enum):
    """How events stand in a request."""

    ONE = "application/cloudevents+json"
    BATCH = "application/cloudevents-batch+json"
    LINES = "application/x-ndjson"
    BINARY = "application/json"
    CAP = "application/cap+xml"

    @property
    def many(self) -> bool:
        """Whether a request of this form may carry more than one event."""
        return self in (Form.BATCH, Form.LINES)


_BY_TYPE: Final = {form.value: form for form in Form if form is not Form.BINARY}


class TooManyItemsError(Exception):
    """More items than one request may carry."""


class NotAnArrayError(Exception):
    """A batch that is not one JSON array, or nests too deeply to be cut."""


def form_of(content_type: str | None, *, binary: bool) -> Form | None:
    """Return the form that a ``Content-Type`` names, in any case and with any parameters.

    ``binary`` says that attributes stand in headers: then the body is ``data``, whatever its type.
    """
    essence = (content_type or "").split(";", 1)[0].strip().lower()
    if binary:
        return Form.BINARY
    return _BY_TYPE.get(essence)


def items(form: Form, body: bytes) -> list[bytes]:
    """Return each event's bytes; raise ``TooManyItemsError`` or ``NotAnArrayError``."""
    match form:
        case Form.ONE | Form.BINARY | Form.CAP:
            return [body]
        case Form.LINES:
            return _at_most(line for line in body.split(b"\n") if line.strip())
        case Form.BATCH:
            return _at_most(_elements(body.strip()))


def _at_most(found: Iterator[bytes]) -> list[bytes]:
    taken: list[bytes] = []
    for item in found:
        if len(taken) == MAX_ITEMS:
            raise TooManyItemsError
        taken.append(item)
    return taken


def _elements(array: bytes) -> Iterator[bytes]:
    if array[:1] != b"[":
        raise NotAnArrayError
    depth, start = 0, 1
    for token in _tokens(array):
        match token.group()[:1]:
            case b"[" | b"{":
                depth += 1
                if depth > MAX_DEPTH + 1:
                    raise NotAnArrayError
            case b"," if depth == 1:
                yield array[start : token.start()].strip()
                start = token.end()
            case b"]" | b"}":
                depth -= 1
                if depth == 0:
                    yield from _last(array, start, token.end())
                    return
    raise NotAnArrayError


def _tokens(array: bytes) -> Iterator[re.Match[bytes]]:
    at = 0
    while at < len(array):
        for token in _TOKEN.finditer(array, at):
            if token[1] == b"":
                at = _end_of_string(array, token.end())
                break
            yield token
        else:
            return


def _end_of_string(array: bytes, at: int) -> int:
    while piece := _MORE_OF_A_STRING.match(array, at):
        at = piece.end()
    return at + 1


def _last(array: bytes, start: int, end: int) -> Iterator[bytes]:
    if end != len(array) or array[-1:] != b"]":
        raise NotAnArrayError
    item = array[start : end - 1].strip()
    if item or start > 1:
        yield item
