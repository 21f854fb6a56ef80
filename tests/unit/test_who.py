"""Who is let in, and by what; nobody by anything that has ended, is not signed or is not of its time."""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
from pydantic import ValidationError

from sinergi_ingest.who import Caller, Failure, Shown, body_is_as_signed, who
from sinergi_shared.directory import Directory, Scope

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
URN = "urn:sinergi:sumber:imi-ent:tpi"
KEY = "sng_one_" + "a" * 24
BODY = b'{"a":1}'
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
SECRET = b"s" * 32
CERTIFICATE = b"the bytes of a certificate"
URL = "https://sinergi.example/v1/events"


def sha(raw):
    return hashlib.sha256(raw).hexdigest()


def directory(**more):
    source = {
        "urn": URN,
        "keys": [{"id": "one", "sha256": sha(KEY.encode()), **more}],
        "signing": [
            {"id": "ed", "ed25519": b64encode(PUBLIC).decode(), **more},
            {"id": "mac", "hmac": SECRET.decode(), **more},
        ],
        "certificates": [{"id": "cert", "sha256": sha(CERTIFICATE), **more}],
    }
    return Directory.model_validate({"sources": [source], "recipients": {}})


class Keys(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id):
        return PRIVATE if key_id == "ed" else SECRET

    def resolve_public_key(self, key_id):
        raise NotImplementedError(key_id)


def signed(key_id="ed", *, at=NOW, cover=("@method", "@path", "content-digest"), body=BODY, **more):
    """A request as a sender signs it with the library's own signer."""
    message = SimpleNamespace(method="POST", url=URL, headers={"host": "sinergi.example"})
    algorithm = algorithms.ED25519 if key_id == "ed" else algorithms.HMAC_SHA256
    signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Keys())
    signer.sign(message, key_id=key_id, created=at, covered_component_ids=cover, body=body, **more)
    return Shown("POST", URL, {name.lower(): value for name, value in message.headers.items()})


def bearer(key):
    return Shown("POST", URL, {"authorization": f"Bearer {key}"})


WAYS = {
    "key": bearer(KEY),
    "ed25519": signed("ed"),
    "hmac": signed("mac"),
    "certificate": Shown("POST", URL, {}, CERTIFICATE),
}
each_way = pytest.mark.parametrize("shown", WAYS.values(), ids=WAYS)


@each_way
def test_a_source_is_known_by_each_way(shown):
    caller = who(shown, directory(), NOW)
    assert isinstance(caller, Caller)
    assert caller.source.urn == URN
    assert caller.scopes == {Scope.SEND, Scope.CHECK, Scope.READ}


@each_way
def test_nobody_is_known_once_the_way_has_ended(shown):
    end = NOW.isoformat()
    assert who(shown, directory(notAfter=end), NOW) is Failure.KEY_ENDED
    assert isinstance(who(shown, directory(notAfter=end), NOW - timedelta(seconds=1)), Caller)


@each_way
def test_a_way_may_be_used_for_its_scopes_only(shown):
    assert who(shown, directory(scopes=["send", "test"]), NOW).scopes == {Scope.SEND, Scope.TEST}


@each_way
def test_nobody_is_known_by_what_has_left_the_directory(shown):
    nobody = Directory(sources=(), recipients={})
    assert isinstance(who(shown, nobody, NOW), Failure)


@pytest.mark.parametrize(
    ("shown", "failure"),
    [
        (Shown("POST", URL, {}), Failure.NOTHING_SHOWN),
        (bearer("sng_one_" + "a" * 25), Failure.KEY_UNKNOWN),
        (bearer("x" * 5000), Failure.KEY_UNKNOWN),
        (Shown("POST", URL, {"authorization": f"Basic {KEY}"}), Failure.KEY_UNKNOWN),
        (Shown("POST", URL, {}, b"another certificate"), Failure.CERTIFICATE),
        (Shown("POST", URL, {"signature-input": "no structured field ("}), Failure.SIGNATURE),
        (Shown("POST", URL, {"signature-input": 'a=("@method");keyid="ed"'}), Failure.SIGNATURE),
        (Shown("POST", URL, {"signature-input": "\udcff" * 9, "signature": "é"}), Failure.SIGNATURE),
    ],
    ids=[
        "nothing",
        "wrong key",
        "long key",
        "other scheme",
        "certificate",
        "garbage",
        "no signature",
        "bytes",
    ],
)
def test_what_is_wrong_is_told_apart_for_operators(shown, failure):
    assert who(shown, directory(), NOW) is failure


@pytest.mark.parametrize("key_id", ["ed", "mac"])
@pytest.mark.parametrize(
    ("seconds", "lets_in"), [(299, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_a_signature_holds_for_five_minutes_either_way(key_id, seconds, lets_in):
    found = who(signed(key_id, at=NOW - timedelta(seconds=seconds)), directory(), NOW)
    assert isinstance(found, Caller) if lets_in else found is Failure.SIGNATURE_TIME


@pytest.mark.parametrize("created", ["NaN", "1e9", '"1773108000"', "?1", ""])
def test_a_signature_without_a_whole_number_of_seconds_is_none(created):
    shown = signed()
    inputs = shown.headers["signature-input"]
    before = f"created={int(NOW.timestamp())}"
    assert before in inputs
    other = inputs.replace(before, f"created={created}" if created else "x=1")
    headers = shown.headers | {"signature-input": other}
    assert isinstance(who(Shown("POST", URL, headers), directory(), NOW), Failure)


@pytest.mark.parametrize("left_out", ["@method", "@path", "content-digest"])
def test_a_signature_must_cover_method_path_and_digest(left_out):
    cover = tuple(name for name in ("@method", "@path", "content-digest", "host") if name != left_out)
    body = None if left_out == "content-digest" else BODY
    assert who(signed(cover=cover, body=body), directory(), NOW) is Failure.SIGNATURE


@pytest.mark.parametrize(
    "other",
    [
        lambda one: Shown("GET", one.url, one.headers),
        lambda one: Shown("POST", f"{one.url}:check", one.headers),
        lambda one: Shown("POST", f"{one.url}?a=1", one.headers),
        lambda one: Shown("POST", one.url, one.headers | {"content-digest": "sha-256=:AAAA:"}),
        lambda one: Shown("POST", one.url, one.headers | {"signature": "pyhms=:AAAA:"}),
    ],
    ids=["method", "path", "query", "digest", "signature"],
)
@pytest.mark.parametrize("key_id", ["ed", "mac"])
def test_what_was_signed_cannot_be_used_for_anything_else(key_id, other):
    assert who(other(signed(key_id)), directory(), NOW) is Failure.SIGNATURE


def test_the_body_must_be_the_one_that_was_signed():
    caller = who(signed(), directory(), NOW)
    assert body_is_as_signed(caller, BODY)
    assert not body_is_as_signed(caller, BODY + b" ")
    assert body_is_as_signed(who(bearer(KEY), directory(), NOW), b"anything")


def both(first, second):
    headers = dict(first.headers)
    for name in ("signature-input", "signature"):
        one, two = (shown.headers[name].split("=", 1)[1] for shown in (first, second))
        headers[name] = f"a={one}, b={two}"
    return Shown("POST", URL, headers)


def test_one_good_signature_of_two_is_enough_during_a_rotation():
    bad = signed("mac", at=NOW - timedelta(hours=1))
    for pair in (both(signed("ed"), bad), both(bad, signed("ed"))):
        assert isinstance(who(pair, directory(), NOW), Caller)
    assert who(both(bad, bad), directory(), NOW) is Failure.SIGNATURE_TIME


@pytest.mark.parametrize(
    "wrong",
    [
        {"signing": [{"id": "x", "hmac": "hunter2"}]},
        {"signing": [{"id": "x", "ed25519": b64encode(b"hunter2").decode()}]},
        {"signing": [{"id": "x"}]},
        {"signing": [{"id": "x", "hmac": "s" * 32, "ed25519": b64encode(PUBLIC).decode()}]},
        {"keys": [{"id": "x", "sha256": sha(b"x"), "scopes": []}]},
        {"keys": [{"id": "x", "sha256": sha(b"x"), "notAfter": "2026-03-10"}]},
        {"keys": [{"id": str(n), "sha256": sha(b"%d" % n)} for n in range(3)]},
        {"keys": [{"id": str(n), "sha256": sha(b"x")} for n in range(2)]},
        {"rate": {"perSecond": 0}},
        {"areas": ["Entikong"]},
        {"heartbeatS": 1},
    ],
    ids=str,
)
def test_a_directory_that_could_mean_two_things_is_none(wrong):
    with pytest.raises(ValidationError) as told:
        Directory.model_validate({"sources": [{"urn": URN} | wrong], "recipients": {}})
    assert "hunter2" not in str(told.value)


def test_no_secret_is_shown_by_the_directory():
    assert SECRET.decode() not in repr(directory())
