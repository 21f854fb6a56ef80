"""Receipts: what the broker has is what is signed, and only the holder of the key can sign."""

import copy
from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest import receipts
from sinergi_ingest.receipts import (
    Place,
    ReceiptError,
    ReceiptKeyError,
    Receipts,
    demo_receipts,
    fits,
    read_receipts,
    verify,
)
from sinergi_shared.contracts.event import EXAMPLE

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
OURS = Receipts(Ed25519PrivateKey.generate())
TOKEN = OURS.sign(EXAMPLE, Place(3, 41), NOW)


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_receipt_says_what_was_stored_where_and_when_and_nothing_of_its_contents():
    told = verify(TOKEN, OURS.published)
    assert len(told.pop("digest")) == 64
    assert told == {
        "iss": "urn:sinergi:layanan:ingest",
        "iat": int(NOW.timestamp()),
        "source": EXAMPLE["source"],
        "id": EXAMPLE["id"],
        "partition": 3,
        "offset": 41,
    }


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCabc019-_."))
def test_a_receipt_that_was_changed_anywhere_is_none(at, letter):
    changed = TOKEN[:at] + letter + TOKEN[at + 1 :]
    # The last letter of a base64 text holds bits that stand for nothing.
    if changed != TOKEN and at < len(TOKEN) - 1:
        with pytest.raises(ReceiptError):
            verify(changed, OURS.published)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "." * 10, "x" * 100_000, "\N{SNOWMAN}"])
def test_what_is_no_receipt_is_told_as_such(text):
    with pytest.raises(ReceiptError):
        verify(text, OURS.published)


def test_a_receipt_of_another_key_or_kind_is_none():
    stranger, told = Ed25519PrivateKey.generate(), jwt.decode(TOKEN, options={"verify_signature": False})
    kind = {"kid": OURS.key_id, "typ": receipts.KIND}
    public = OURS.published["keys"][0]["x"]
    for forged in (
        Receipts(stranger).sign(EXAMPLE, Place(3, 41), NOW),
        jwt.encode(told, stranger, "EdDSA", headers=kind),
        jwt.encode(told, public, "HS256", headers=kind),
        jwt.encode(told, None, "none", headers=kind),
        jwt.encode(told, OURS._key, "EdDSA", headers=kind | {"typ": "JWT"}),
        jwt.encode(told | {"iss": "urn:sinergi:layanan:router"}, OURS._key, "EdDSA", headers=kind),
    ):
        with pytest.raises(ReceiptError):
            verify(forged, OURS.published)


def test_a_receipt_fits_its_event_however_it_is_written_and_no_other():
    told = verify(TOKEN, OURS.published)
    assert fits(told, dict(reversed(EXAMPLE.items())) | {"traceparent": "00-x"})
    assert not fits(told, EXAMPLE | {"data": EXAMPLE["data"] | {"revision": 2}})
    assert not fits(told, EXAMPLE | {"id": "019cd550-3750-7e84-a16f-91c183b034a6"})


def test_a_receipt_of_an_event_whose_note_was_withheld_fits_the_event_as_it_was_sent():
    sent = copy.deepcopy(EXAMPLE)
    sent["data"]["note"] = {"text": "x", "lang": "id", "screened": True}
    stored = EXAMPLE | {"data": {name: value for name, value in EXAMPLE["data"].items() if name != "note"}}
    assert fits(verify(OURS.sign(stored, Place(0, 0), NOW), OURS.published), sent)


def test_after_a_rotation_older_receipts_can_still_be_checked(tmp_path):
    old, new, path = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), tmp_path / "receipt.pem"
    before = Receipts(old).sign(EXAMPLE, Place(1, 2), NOW)
    path.write_bytes(pem(new) + public_pem(old))
    after = read_receipts(path)
    assert verify(before, after.published)["offset"] == 2
    assert verify(after.sign(EXAMPLE, Place(1, 3), NOW), after.published)["offset"] == 3
    assert all("d" not in key for key in after.published["keys"])  # the private part of a JWK


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"changeme",
        b"\xff",
        pem(ec.generate_private_key(ec.SECP256R1())),
        public_pem(Ed25519PrivateKey.generate()),
        pem(Ed25519PrivateKey.generate()) + public_pem(ec.generate_private_key(ec.SECP256R1())),
        pem(receipts._DEMO),
    ],
    ids=["empty", "a word", "no text", "another kind", "public only", "another public kind", "the demo's"],
)
def test_a_weak_or_wrong_key_file_is_refused_and_not_quoted(tmp_path, content):
    path = tmp_path / "receipt.pem"
    path.write_bytes(content)
    with pytest.raises(ReceiptKeyError, match=r"receipt\.pem: .+openssl genpkey") as refused:
        read_receipts(path)
    assert "changeme" not in str(refused.value)


def test_the_demos_receipts_are_the_same_on_every_machine():
    token = demo_receipts().sign(EXAMPLE, Place(0, 0), NOW)
    assert verify(token, demo_receipts().published)["source"] == EXAMPLE["source"]
