"""``directory.yaml``: who may send, and where each agency is reached. Private, changes daily.

Kept apart from the region pack for that reason. API keys are stored as SHA-256 only; a contact's
address never leaves the notifier, everything else names it by its id.
"""

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal, Self

import yaml
from pydantic import (
    Base64Bytes,
    Field,
    SecretBytes,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from sinergi_shared.contracts.base import (
    AdminCode,
    Contract,
    PlaceCode,
    RecipientCode,
    Sha256,
    Time,
    UpstreamSource,
    pointers,
)
from sinergi_shared.contracts.codes import Channel, Situation

ApiKey = Annotated[str, StringConstraints(pattern=r"^sng_[a-z0-9-]{1,32}_[A-Za-z0-9_-]{20,}$")]
KeyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]


ED25519_BYTES: Final = 32
HMAC_BYTES: Final = 32


class Scope(StrEnum):
    """What a key may be used for; ``test`` narrows it to events whose status is ``Test``."""

    SEND = "send"
    CHECK = "check"
    READ = "read"
    TEST = "test"


class Credential(Contract):
    """What every way of showing who one is has: a name, an end, what it may be used for."""

    id: KeyId
    notAfter: Annotated[Time | None, Field(description="from this moment on it is refused")] = None
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = frozenset(
        {Scope.SEND, Scope.CHECK, Scope.READ}
    )

    def live(self, now: datetime) -> bool:
        """Return whether it has not ended by now."""
        return self.notAfter is None or now < self.notAfter


class Key(Credential):
    """An API key of a source; at most two are there during a rotation."""

    sha256: Sha256


class SigningKey(Credential):
    """Checks a source's signed requests: its Ed25519 public key, or a secret shared with it for HMAC."""

    ed25519: Annotated[Base64Bytes | None, Field(description="raw public key, 32 bytes")] = None
    hmac: Annotated[SecretBytes | None, Field(description="at least 32 bytes")] = None

    @field_validator("ed25519")
    @classmethod
    def _of_32_bytes(cls, raw: bytes | None) -> bytes | None:
        if raw is not None and len(raw) != ED25519_BYTES:
            raise ValueError("an Ed25519 public key has 32 bytes")
        return raw

    @field_validator("hmac")
    @classmethod
    def _long_enough(cls, secret: SecretBytes | None) -> SecretBytes | None:
        if secret is not None and len(secret.get_secret_value()) < HMAC_BYTES:
            raise ValueError("an HMAC secret has at least 32 bytes")
        return secret

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ed25519 is None) == (self.hmac is None):
            raise ValueError("either ed25519 or hmac")
        return self


class Certificate(Credential):
    """A client certificate, by the SHA-256 of its DER form; its own end is checked by TLS."""

    sha256: Sha256


class Rate(Contract):
    """So many events a second, and so many at once after a quiet time."""

    perSecond: Annotated[float, Field(gt=0, le=1e6)] = 1_000
    burst: Annotated[float, Field(ge=1, le=1e6)] = 5_000


class Source(Contract):
    """An upstream system's channel that may send events; an empty limit limits nothing."""

    urn: UpstreamSource
    keys: Annotated[tuple[Key, ...], Field(max_length=2)] = ()
    signing: Annotated[tuple[SigningKey, ...], Field(max_length=2)] = ()
    certificates: Annotated[tuple[Certificate, ...], Field(max_length=2)] = ()
    areas: Annotated[
        frozenset[AdminCode],
        Field(description="events that name another, or a place or point in it, are refused"),
    ] = frozenset()
    places: Annotated[
        frozenset[PlaceCode],
        Field(description="events that name another are refused; these may be named wherever they lie"),
    ] = frozenset()
    situations: frozenset[Situation] = frozenset()
    rate: Rate = Rate()
    heartbeatS: Annotated[
        int | None, Field(ge=10, le=86_400, description="it speaks at least this often, seconds")
    ] = None

    @property
    def name(self) -> str:
        """``<system>.<channel>``, as in topics and paths."""
        return source_name(self.urn)

    @property
    def is_limited(self) -> bool:
        """Whether there is something that it may not tell of."""
        return bool(self.areas or self.places or self.situations)

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """Every way in which this source may show who it is."""
        return (*self.keys, *self.signing, *self.certificates)


class Contact(Contract):
    """A contact point; ``drill`` ones get exercises and nothing else, the others never get one."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,48}$")]
    channel: Literal[Channel.EMAIL, Channel.WEBHOOK]
    address: SecretStr
    secret: SecretStr | None = None
    drill: bool = False


class Directory(Contract):
    """Sources and contact points of one deployment."""

    sources: tuple[Source, ...]
    recipients: dict[RecipientCode, tuple[Contact, ...]]

    def source(self, urn: str) -> Source | None:
        """Return the registered source of this URN."""
        return next((source for source in self.sources if source.urn == urn), None)

    def of_key(self, key: str) -> tuple[Source, Key] | None:
        """Return whose API key this is; compares every hash, so the time tells nothing."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        found = None
        for source in self.sources:
            for known in source.keys:
                if hmac.compare_digest(known.sha256, digest):
                    found = source, known
        return found

    def of_certificate(self, der: bytes) -> tuple[Source, Certificate] | None:
        """Return whose client certificate this is."""
        digest = hashlib.sha256(der).hexdigest()
        return next(
            (
                (source, known)
                for source in self.sources
                for known in source.certificates
                if known.sha256 == digest
            ),
            None,
        )

    def of_signer(self, key_id: str) -> tuple[Source, SigningKey] | None:
        """Return the signing key of this id, and whose it is."""
        return next(
            ((source, known) for source in self.sources for known in source.signing if known.id == key_id),
            None,
        )

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        # Two owners of one key, or one source with two sets of limits: nobody could say which counts.
        for values in (
            [source.urn for source in self.sources],
            [key.sha256 for source in self.sources for key in source.keys],
            [key.id for source in self.sources for key in source.signing],
            [key.sha256 for source in self.sources for key in source.certificates],
        ):
            if len(set(values)) != len(values):
                raise ValueError("a source or a key stands twice")
        return self


class DirectoryError(Exception):
    """The directory cannot be used: says where, never what stood there."""


@lru_cache(maxsize=1_024)
def source_name(urn: str) -> str:
    """Return ``<system>.<channel>`` of a source URN; Kafka refuses colons in topic names."""
    return ".".join(urn.split(":")[-2:])


def read_directory(path: Path) -> Directory:
    """Return the directory in this file; raise ``DirectoryError`` with pointers when it does not fit."""
    try:
        return Directory.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise DirectoryError(f"{path.name}: wrong at {', '.join(pointers(error))}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # also bytes that are no text, days that are none
        raise DirectoryError(f"{path.name}: {type(error).__name__}; a readable YAML file is needed") from None
