"""Who is it? What a request shows, the directory and the time in; a caller or why it is none, out.

Three ways, all on the registered list: an API key (``Authorization: Bearer sng_…``), a signed
request (RFC 9421 over method, path and Content-Digest of RFC 9530), a client certificate. A signed
request that is sent again within its window changes nothing: events are merged by source and id.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    ContentDigest,
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    VerifyResult,
    algorithms,
)

from sinergi_shared.directory import Credential, Directory, Scope, SigningKey, Source

WINDOW: Final = timedelta(seconds=300)
"""How far a signature's time may be from ours, either way (B58)."""

COVERED: Final = ("@method", "@path", "content-digest")
"""What a signature must cover beside its time; ``@query`` and each ``ce-`` header too when there are any."""

MAX_KEY_CHARACTERS: Final = 200
MAX_SIGNATURES: Final = 2
MAX_HEADER: Final = 4_096

_HEADERS: Final = ("signature-input", "signature")


class Failure(StrEnum):
    """Why nobody is known by what was shown; counted, never told."""

    NOTHING_SHOWN = "nothing_shown"
    KEY_UNKNOWN = "key_unknown"
    KEY_ENDED = "key_ended"
    SIGNATURE = "signature"
    SIGNATURE_TIME = "signature_time"
    DIGEST = "digest"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Shown:
    """What a request shows of its sender; the certificate is DER, already checked by TLS."""

    method: str
    url: str
    headers: Mapping[str, str]
    certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A known source, what it may do with what it showed, and the digest that its body must have."""

    source: Source
    scopes: frozenset[Scope]
    digest: str | None = None

    @property
    def only_tests(self) -> bool:
        """Whether events of this caller must have the status ``Test``."""
        return Scope.TEST in self.scopes


def who(shown: Shown, directory: Directory, now: datetime) -> Caller | Failure:
    """Return the caller; what was shown first in the order key, signature, certificate decides."""
    if "authorization" in shown.headers:
        return _by_key(shown.headers["authorization"], directory, now)
    if "signature-input" in shown.headers:
        return _by_signature(shown, directory, now)
    if shown.certificate is not None:
        return _alive(directory.of_certificate(shown.certificate), now, Failure.CERTIFICATE)
    return Failure.NOTHING_SHOWN


def body_is_as_signed(caller: Caller, body: bytes) -> bool:
    """Return whether the bytes that came have the digest that was signed; true when none was."""
    if caller.digest is None:
        return True
    try:
        ContentDigest.verify(caller.digest, body)
    except HTTPMessageSignaturesException:
        return False
    return True


def _by_key(authorization: str, directory: Directory, now: datetime) -> Caller | Failure:
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or len(key) > MAX_KEY_CHARACTERS:
        return Failure.KEY_UNKNOWN
    return _alive(directory.of_key(key.strip()), now, Failure.KEY_UNKNOWN)


def _alive(found: tuple[Source, Credential] | None, now: datetime, unknown: Failure) -> Caller | Failure:
    if found is None:
        return unknown
    source, credential = found
    return Caller(source, credential.scopes) if credential.live(now) else Failure.KEY_ENDED


def _by_signature(shown: Shown, directory: Directory, now: datetime) -> Caller | Failure:
    failure = Failure.SIGNATURE
    for key_id, alone in _signatures(shown):
        found = directory.of_signer(key_id)
        signed = _verified(alone, found[1]) if found else None
        if found is None or signed is None:
            continue
        if not _in_time(signed.parameters, now):
            failure = Failure.SIGNATURE_TIME
            continue
        caller = _alive(found, now, Failure.SIGNATURE)
        if isinstance(caller, Caller):
            return replace(caller, digest=shown.headers["content-digest"])
        failure = caller
    return failure


def _signatures(shown: Shown) -> Iterator[tuple[str, Shown]]:
    """Yield key id and the request with this signature alone; during a rotation there are two."""
    inputs, signatures = (_dictionary(shown.headers.get(name, "")) for name in _HEADERS)
    if len(inputs) > MAX_SIGNATURES or inputs.keys() != signatures.keys():
        return
    for label, told in inputs.items():
        key_id = told[1].get("keyid")
        if isinstance(key_id, str):
            one = (http_sf.ser({label: told}), http_sf.ser({label: signatures[label]}))
            headers = {**shown.headers, **dict(zip(_HEADERS, one, strict=True))}
            yield key_id, replace(shown, headers=headers)


def _dictionary(text: str) -> dict[str, Any]:
    try:
        found: Any = http_sf.parse(text.encode(), tltype="dictionary") if len(text) <= MAX_HEADER else {}
    except (ValueError, UnicodeError):
        return {}
    return dict(found)


def _verified(alone: Shown, key: SigningKey) -> VerifyResult | None:
    algorithm = algorithms.ED25519 if key.ed25519 is not None else algorithms.HMAC_SHA256
    verifier = _Verifier(signature_algorithm=algorithm, key_resolver=_OneKey(key))
    # In binary mode these are the event's attributes (CloudEvents HTTP binding).
    attributes = sorted(name for name in alone.headers if name.startswith("ce-"))
    wanted = (*COVERED, *(("@query",) if "?" in alone.url else ()), *attributes)
    try:
        (result,) = verifier.verify(alone, max_age=None, require_components=wanted)
    except HTTPMessageSignaturesException:
        return None
    return result


def _in_time(parameters: Mapping[str, Any], now: datetime) -> bool:
    created, expires = parameters.get("created"), parameters.get("expires")
    at = now.timestamp()
    return (
        isinstance(created, int)
        and abs(at - created) <= WINDOW.total_seconds()
        and (expires is None or at < expires)
    )


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:  # noqa: ANN401 - the library's own union of key types
        del key_id  # it is how the key was found
        if self._key.ed25519 is not None:
            return Ed25519PublicKey.from_public_bytes(self._key.ed25519)
        return self._key.hmac.get_secret_value() if self._key.hmac else None

    def resolve_private_key(self, key_id: str) -> Any:  # noqa: ANN401 - as above
        raise NotImplementedError(key_id)


class _Verifier(HTTPMessageVerifier):
    """Leaves the time to us: the library reads the clock itself, and a rule must be told it."""

    def validate_created_and_expires(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - the library's signature
        pass
