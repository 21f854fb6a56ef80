"""A Merkle tree as RFC 9162, 2.1: one root stands for many entries, and a short path proves one of them.

Leaves and nodes are hashed apart (a zero or a one byte before), so neither can pass for the other.
All hashes are raw SHA-256, 32 bytes.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def tree(entries: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Return the root over these entries, one at least, and each entry's path: its siblings, lowest first."""
    level = [leaf(entry) for entry in entries]
    paths: list[list[bytes]] = [[] for _ in entries]
    height = 0
    while len(level) > 1:
        for index, path in enumerate(paths):
            sibling = (index >> height) ^ 1
            if sibling < len(level):
                path.append(level[sibling])
        pairs = zip(level[::2], level[1::2], strict=False)
        # The last of an odd number goes up as it is.
        level = [_node(left, right) for left, right in pairs] + level[len(level) & ~1 :]
        height += 1
    return level[0], paths


def leaf(entry: bytes) -> bytes:
    """Return the hash of an entry."""
    return hashlib.sha256(_LEAF + entry).digest()


def root(entry: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root of the tree of ``size`` entries in which this path leads up from entry ``index``.

    ``None`` when no such path has this length (RFC 9162, 2.1.3.2).
    """
    if not 0 <= index < size:
        return None
    found, here, last = leaf(entry), index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if here & 1 or here == last:
            found = _node(sibling, found)
            while not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = _node(found, sibling)
        here, last = here >> 1, last >> 1
    return found if last == 0 else None


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
