"""Bounded decompression: a bomb costs what the bound costs, and not one byte more (B79)."""

import zlib
from collections.abc import Iterator
from typing import Final

ENCODING: Final = "gzip"
SLICE: Final = 262_144
"""Bytes inflated at a time: under a millisecond, so that others get their turn in between."""

_GZIP_ONLY: Final = zlib.MAX_WBITS | 16


class NotGzipError(Exception):
    """The bytes are no single, whole gzip stream; never holds what they are."""


class TooLongError(Exception):
    """More comes out than the bound allows; the rest was not inflated."""


class Inflater:
    """Inflates one gzip stream as it comes in; ``bound`` is the most bytes that may come out.

    One member only: a stream of many empty ones would cost time and give nothing.
    """

    def __init__(self, bound: int) -> None:
        self._stream = zlib.decompressobj(_GZIP_ONLY)
        self._left = bound

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what these bytes give, a slice at a time; raise ``NotGzipError`` or ``TooLongError``."""
        while chunk:
            if self._stream.eof:
                raise NotGzipError
            piece = self._slice(chunk)
            chunk = self._stream.unconsumed_tail or self._stream.unused_data
            self._left -= len(piece)
            if self._left < 0:
                raise TooLongError
            yield piece

    def end(self) -> None:
        """Raise ``NotGzipError`` when the stream was cut off."""
        if not self._stream.eof:
            raise NotGzipError

    def _slice(self, chunk: bytes) -> bytes:
        try:
            return self._stream.decompress(chunk, min(SLICE, self._left + 1))
        except zlib.error:
            raise NotGzipError from None
