"""The tree held against the definition of RFC 9162, 2.1, written a second time and recursively."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest import merkle


def hashed(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tree_hash(entries):
    """MTH, 2.1.1."""
    if len(entries) == 1:
        return hashed(b"\x00", entries[0])
    half = 1 << (len(entries) - 1).bit_length() - 1
    return hashed(b"\x01", tree_hash(entries[:half]), tree_hash(entries[half:]))


def path_of(index, entries):
    """PATH, 2.1.3.1."""
    if len(entries) == 1:
        return []
    half = 1 << (len(entries) - 1).bit_length() - 1
    if index < half:
        return [*path_of(index, entries[:half]), tree_hash(entries[half:])]
    return [*path_of(index - half, entries[half:]), tree_hash(entries[:half])]


@pytest.mark.parametrize("size", range(1, 70))
def test_root_and_paths_are_those_of_the_definition(size):
    entries = [str(number).encode() for number in range(size)]
    root, paths = merkle.tree(entries)
    assert root == tree_hash(entries)
    assert paths == [path_of(index, entries) for index in range(size)]
    assert all(merkle.root(entries[at], at, size, paths[at]) == root for at in range(size))


@given(st.integers(1, 40), st.data())
def test_a_path_leads_to_the_root_from_its_own_entry_and_place_alone(size, data):
    entries = [str(number).encode() for number in range(size)]
    root, paths = merkle.tree(entries)
    at, other = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    assert (merkle.root(entries[other], at, size, paths[at]) == root) == (at == other)
    assert (merkle.root(entries[at], other, size, paths[at]) == root) == (at == other)
    assert merkle.root(entries[at], -1, size, paths[at]) is None
    assert merkle.root(entries[at], size, size, paths[at]) is None
    assert merkle.root(entries[at], at, size, [*paths[at], root]) is None


def test_the_example_of_certificate_transparency_has_its_well_known_root():
    """The eight entries that the tests of every CT implementation share."""
    entries = [
        b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43",
        bytes.fromhex("5051525354555657"), bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
    ]  # fmt: skip
    assert merkle.tree(entries)[0].hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
