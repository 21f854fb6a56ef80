"""Receipts: what the broker has is what is signed, and only the holder of the key can sign."""

import base64
import copy
import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_ingest import receipts
from sinergi_ingest.receipts import (
    Place,
    ReceiptError,
    ReceiptKeyError,
    Receipts,
    Stored,
    demo_receipts,
    fits,
    read_receipts,
    verify,
)
from sinergi_shared.contracts.event import EXAMPLE
from tests.kit.senders_doc import blocks

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
OURS = Receipts(Ed25519PrivateKey.generate())


PLACE = Place(3, 41)


def signed(receipts, *documents, place=PLACE):
    return receipts.sign([Stored(document, place) for document in documents], NOW)


def another(number):
    return EXAMPLE | {"id": f"019cd550-3750-7e84-a16f-{number:012x}"}


(RECEIPT,) = signed(OURS, EXAMPLE)
ONE_OF_FIVE = signed(OURS, *map(another, range(5)))[2]


def unpacked(text):
    return base64.urlsafe_b64decode(text + "==")


def packed(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_receipt_says_what_was_stored_where_and_when_and_nothing_of_its_contents():
    told = verify(RECEIPT, OURS.published)
    assert len(told.pop("digest")) == 64
    assert told == {
        "iss": "urn:sinergi:layanan:ingest",
        "iat": int(NOW.timestamp()),
        "source": EXAMPLE["source"],
        "id": EXAMPLE["id"],
        "partition": 3,
        "offset": 41,
    }


@pytest.mark.parametrize("receipt", [RECEIPT, ONE_OF_FIVE], ids=["alone", "one of five"])
@given(data=st.data())
def test_a_receipt_that_was_changed_anywhere_is_none(receipt, data):
    at = data.draw(st.integers(0, len(receipt) - 1))
    changed = receipt[:at] + data.draw(st.sampled_from("ABCabc019-_.~")) + receipt[at + 1 :]
    if changed != receipt:
        with pytest.raises(ReceiptError):
            verify(changed, OURS.published)


@given(st.integers(1, 40), st.data())
@settings(max_examples=60, deadline=None)
def test_each_receipt_of_a_request_proves_its_own_event_and_no_other(size, data):
    documents = [another(number) for number in range(size)]
    found = OURS.sign([Stored(one, Place(1, 7 + at)) for at, one in enumerate(documents)], NOW)
    told = [verify(receipt, OURS.published) for receipt in found]
    assert [(one["id"], one["offset"]) for one in told] == [
        (document["id"], 7 + at) for at, document in enumerate(documents)
    ]
    assert all(fits(one, document) for one, document in zip(told, documents, strict=True))
    mine, others = (data.draw(st.integers(0, size - 1)) for _ in range(2))
    assert fits(told[mine], documents[others]) == (mine == others)
    if mine != others:
        for part in (1, 2):
            swapped = found[mine].split("~")
            swapped[part] = found[others].split("~")[part]
            with pytest.raises(ReceiptError):
                verify("~".join(swapped), OURS.published)


def test_a_request_costs_one_signature():
    signatures = []
    key = SimpleNamespace(sign=lambda text: signatures.append(text) or b"", public_key=OURS._key.public_key)
    signed(Receipts(key), *map(another, range(100)))
    assert len(signatures) == 1


def test_a_receipt_of_the_largest_tree_is_no_longer_than_one_may_be():
    assert max(map(len, signed(OURS, *map(another, range(1_000))))) < receipts.MAX_CHARACTERS / 1.5


def test_a_node_cannot_pass_for_an_event_nor_one_more_event_be_added():
    head, entry, path = ONE_OF_FIVE.split("~")
    told = json.loads(unpacked(entry))
    for forged in (
        [head, packed(unpacked(path)), ""],  # the siblings, as if they were an event
        [head, packed(b"\x01" + unpacked(path)[:64]), packed(unpacked(path)[64:])],
        [head, packed(json.dumps(told | {"index": 3}).encode()), path],
        [head, packed(json.dumps(told | {"index": "2"}).encode()), path],
        [head, packed(json.dumps([told]).encode()), path],
        [head, packed(b"[" * 1_200), path],
        [head, entry, path + packed(bytes(33))],
        [head, entry, packed(unpacked(path)[:-32])],
        [head, entry, packed(unpacked(path) + bytes(32))],
        [head, entry],
        [head, entry, path, ""],
        [head + "=", entry, path],
    ):
        with pytest.raises(ReceiptError):
            verify("~".join(forged), OURS.published)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "." * 10, "x" * 100_000, "\N{SNOWMAN}"])
def test_what_is_no_receipt_is_told_as_such(text):
    with pytest.raises(ReceiptError):
        verify(text, OURS.published)


def test_a_receipt_of_another_key_or_kind_is_none():
    head, *rest = RECEIPT.split("~")
    stranger, told = Ed25519PrivateKey.generate(), jwt.decode(head, options={"verify_signature": False})
    kind = {"kid": OURS.key_id, "typ": receipts.KIND}
    public = OURS.published["keys"][0]["x"]
    assert verify("~".join([jwt.encode(told, OURS._key, "EdDSA", headers=kind), *rest]), OURS.published)
    for forged in (
        signed(Receipts(stranger), EXAMPLE)[0].split("~")[0],
        jwt.encode(told, stranger, "EdDSA", headers=kind),
        jwt.encode(told, public, "HS256", headers=kind),
        jwt.encode(told, None, "none", headers=kind),
        jwt.encode(told, OURS._key, "EdDSA", headers=kind | {"typ": "JWT"}),
        jwt.encode(told | {"iss": "urn:sinergi:layanan:router"}, OURS._key, "EdDSA", headers=kind),
        jwt.encode({"iss": receipts.ISSUER, "iat": told["iat"]}, OURS._key, "EdDSA", headers=kind),
    ):
        with pytest.raises(ReceiptError):
            verify("~".join([forged, *rest]), OURS.published)


def test_a_receipt_fits_its_event_however_it_is_written_and_no_other():
    told = verify(RECEIPT, OURS.published)
    assert fits(told, dict(reversed(EXAMPLE.items())) | {"traceparent": "00-x"})
    assert not fits(told, EXAMPLE | {"data": EXAMPLE["data"] | {"revision": 2}})
    assert not fits(told, EXAMPLE | {"id": "019cd550-3750-7e84-a16f-91c183b034a6"})


def test_a_receipt_of_an_event_whose_note_was_withheld_fits_the_event_as_it_was_sent():
    sent = copy.deepcopy(EXAMPLE)
    sent["data"]["note"] = {"text": "x", "lang": "id", "screened": True}
    stored = EXAMPLE | {"data": {name: value for name, value in EXAMPLE["data"].items() if name != "note"}}
    assert fits(verify(signed(OURS, stored)[0], OURS.published), sent)


def test_after_a_rotation_older_receipts_can_still_be_checked(tmp_path):
    old, new, path = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate(), tmp_path / "receipt.pem"
    (before,) = signed(Receipts(old), EXAMPLE, place=Place(1, 2))
    path.write_bytes(pem(new) + public_pem(old))
    after = read_receipts(path)
    assert verify(before, after.published)["offset"] == 2
    (later,) = signed(after, EXAMPLE, place=Place(1, 3))
    assert verify(later, after.published)["offset"] == 3
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
    (receipt,) = signed(demo_receipts(), EXAMPLE)
    assert verify(receipt, demo_receipts().published)["source"] == EXAMPLE["source"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 11])
def test_the_program_of_the_senders_page_proves_each_receipt_and_no_swapped_one(size, monkeypatch, capsys):
    (program,) = [block for block in blocks("python") if "size" in block]
    published = json.dumps(OURS.published).encode()
    monkeypatch.setattr("urllib.request.urlopen", lambda _url: io.BytesIO(published))
    found = signed(OURS, *map(another, range(size)))
    for number, receipt in enumerate(found):
        monkeypatch.setattr("sys.stdin", io.StringIO(receipt))
        exec(program, {})  # noqa: S102 - it is ours
        assert another(number)["id"] in capsys.readouterr().out
        head, entry, path = receipt.split("~")
        other = found[number - 1].split("~")[1] if size > 1 else packed(b'{"index": 0}')
        for forged in ([head, other, path], [head, entry, path + packed(bytes(96))]):
            monkeypatch.setattr("sys.stdin", io.StringIO("~".join(forged)))
            with pytest.raises(AssertionError, match="NOT VALID"):
                exec(program, {})  # noqa: S102 - it is ours
