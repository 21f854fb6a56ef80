"""Receipts: what a ``202`` promised, signed, so that anyone can check it later without asking us.

A receipt is ``<head>~<entry>~<path>``. The entry names source, id, digest and place on Kafka of one
event, and nothing of its contents. The head is a JWS in compact form (RFC 7515), signed with Ed25519
(RFC 8037) over the time and the root of the Merkle tree (RFC 9162) in which all that one request stored
are entries; the path leads from the entry to that root. So a hundred events cost one signature, and
each receipt proves its own event alone. Not an HMAC: whoever could check that could also have made
it, and before a court it would prove nothing.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import OKPAlgorithm

from sinergi_ingest import merkle
from sinergi_shared.contracts.strict_json import body_digest

ISSUER: Final = "urn:sinergi:layanan:ingest"
KIND: Final = "sinergi-receipt-v2+jwt"
ALGORITHM: Final = "EdDSA"
MAX_CHARACTERS: Final = 2_048

_BETWEEN: Final = "~"
_HASH_BYTES: Final = 32
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")

_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)
_NEEDED: Final = (
    "needed: an Ed25519 private key as PEM (openssl genpkey -algorithm ed25519), "
    "then the public keys of before"
)
_DEMO: Final = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"sinergi demo receipts").digest())


class ReceiptKeyError(Exception):
    """The key file cannot be used: says what is needed, never what stood there."""


class ReceiptError(Exception):
    """The text is no receipt of ours, or not for this event; says which."""


class Place(NamedTuple):
    """Where Kafka keeps a record; a repeat that the broker recognised has no offset (-1)."""

    partition: int
    offset: int

    def after(self, number: int) -> "Place":
        """Return the place of the record so many after this one in the same batch."""
        return Place(self.partition, self.offset + number if self.offset >= 0 else self.offset)


class Stored(NamedTuple):
    """An event as it is stored, a withheld note left out, and where."""

    document: dict[str, Any]
    place: Place


class Receipts:
    """Signs receipts with one key, and publishes it beside the public keys of before."""

    def __init__(self, key: Ed25519PrivateKey, earlier: tuple[Ed25519PublicKey, ...] = ()) -> None:
        self._key = key
        own = key.public_key()
        self.key_id = _key_id(own)
        self._header = _packed(orjson.dumps({"alg": ALGORITHM, "kid": self.key_id, "typ": KIND}))
        self.published: dict[str, Any] = {"keys": [_jwk(one) for one in (own, *earlier)]}

    def sign(self, stored: Sequence[Stored], at: datetime) -> list[str]:
        """Return the receipt of each of these events, one at least: one signature for all of them."""
        entries = [_entry(index, one) for index, one in enumerate(stored)]
        root, paths = merkle.tree(entries)
        told = {"iss": ISSUER, "iat": int(at.timestamp()), "root": _packed(root), "size": len(entries)}
        head = f"{self._header}.{_packed(orjson.dumps(told))}"
        start = f"{head}.{_packed(self._key.sign(head.encode()))}{_BETWEEN}"
        return [
            f"{start}{_packed(entry)}{_BETWEEN}{_packed(b''.join(path))}"
            for entry, path in zip(entries, paths, strict=True)
        ]


def demo_receipts() -> Receipts:
    """Return the demo's: its key is public knowledge, so what it signs proves nothing."""
    return Receipts(_DEMO)


def read_receipts(path: Path) -> Receipts:
    """Return what this PEM file holds: one Ed25519 private key, then public keys of before.

    Raise ``ReceiptKeyError``, also for the demo's key.
    """
    try:
        blocks = [found.group().encode() for found in _BLOCK.finditer(path.read_text(encoding="ascii"))]
        private, *public = blocks or [b""]
        key = load_pem_private_key(private, password=None)
        earlier = tuple(load_pem_public_key(block) for block in public)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ReceiptKeyError(f"{path.name}: {type(error).__name__}; {_NEEDED}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ReceiptKeyError(f"{path.name}: another kind of key; {_NEEDED}")
    older = tuple(one for one in earlier if isinstance(one, Ed25519PublicKey))
    if len(older) < len(earlier):
        raise ReceiptKeyError(f"{path.name}: another kind of public key; {_NEEDED}")
    if _key_id(key.public_key()) == _key_id(_DEMO.public_key()):
        raise ReceiptKeyError(f"{path.name}: the demo's well-known key; {_NEEDED}")
    return Receipts(key, older)


def verify(receipt: str, published: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the receipt says; raise ``ReceiptError`` unless one of these keys has signed it."""
    if len(receipt) > MAX_CHARACTERS:
        raise ReceiptError("too long for a receipt")
    head, *rest = receipt.split(_BETWEEN)
    try:
        entry, path = map(_unpacked, rest)
        for part in head.split("."):
            _unpacked(part)
        told: dict[str, Any] = json.loads(entry)
        index = told.pop("index")
        signed = _signed(head, published)
        root, size = _unpacked(signed.pop("root")), signed.pop("size")
        siblings = [path[start : start + _HASH_BYTES] for start in range(0, len(path), _HASH_BYTES)]
        is_one = merkle.root(entry, index, size, siblings) == root
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ReceiptError("no receipt of ours") from None
    if not is_one:
        raise ReceiptError("the event is not one that was signed")
    return signed | told


def _signed(head: str, published: Mapping[str, Any]) -> dict[str, Any]:
    try:
        header = jwt.get_unverified_header(head)
        known = {one.key_id: one.key for one in jwt.PyJWKSet.from_dict(dict(published)).keys}
        if header.get("typ") != KIND or header.get("kid") not in known:
            raise ReceiptError("not signed by one of these keys")
        told: dict[str, Any] = jwt.decode(
            head,
            known[header["kid"]],
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            # A clock that is behind ours does not make a promise void.
            options={"verify_iat": False, "require": ["iss", "iat", "root", "size"]},
        )
    except jwt.PyJWTError:
        raise ReceiptError("the signature does not fit") from None
    return told


def fits(told: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    """Whether the receipt is of this event, as it was sent or with its note left out."""
    digests = {body_digest(dict(document)), body_digest(_without_note(document))}
    return told["id"] == document.get("id") and told["digest"] in digests


def _without_note(document: Mapping[str, Any]) -> dict[str, Any]:
    data = document.get("data")
    if not isinstance(data, dict):
        return dict(document)
    return {**document, "data": {name: value for name, value in data.items() if name != "note"}}


def _entry(index: int, stored: Stored) -> bytes:
    return orjson.dumps(
        {
            "source": stored.document["source"],
            "id": stored.document["id"],
            "digest": body_digest(stored.document),
            "partition": stored.place.partition,
            "offset": stored.place.offset,
            "index": index,
        }
    )


def _packed(raw: bytes) -> str:
    text = binascii.b2a_base64(raw, newline=False).rstrip(b"=")
    return text.translate(_URL_SAFE).decode()


def _unpacked(text: str) -> bytes:
    """Return the bytes of base64url without padding; a ``ValueError`` if it is written in any other way."""
    raw = base64.urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}")
    if _packed(raw) != text:
        raise ValueError("not as we write it")
    return raw


def _jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    return {**_bare(key), "kid": _key_id(key), "use": "sig", "alg": ALGORITHM}


def _key_id(key: Ed25519PublicKey) -> str:
    # The key's thumbprint (RFC 7638) names it: no number to keep, none to set wrongly.
    text = json.dumps(_bare(key), sort_keys=True, separators=(",", ":"))
    return _packed(hashlib.sha256(text.encode()).digest())


def _bare(key: Ed25519PublicKey) -> dict[str, Any]:
    told: dict[str, Any] = OKPAlgorithm.to_jwk(key, as_dict=True)
    return {name: told[name] for name in ("crv", "kty", "x")}
