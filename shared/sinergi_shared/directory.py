"""``directory.yaml``: who may send, and where each agency is reached. Private, changes daily.

Kept apart from the region pack for that reason. Keys are stored as SHA-256 only; a contact's
address never leaves the notifier, everything else names it by its id.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, SecretStr, StringConstraints, ValidationError

from sinergi_shared.contracts.base import Contract, RecipientCode, Sha256, UpstreamSource, pointers
from sinergi_shared.contracts.codes import Channel

ApiKey = Annotated[str, StringConstraints(pattern=r"^sng_[a-z0-9-]{1,32}_[A-Za-z0-9_-]{20,}$")]


class Key(Contract):
    """One live API key of a source; at most two are live during a rotation."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]
    sha256: Sha256


class Source(Contract):
    """An upstream system's channel that may send events."""

    urn: UpstreamSource
    keys: Annotated[tuple[Key, ...], Field(max_length=2)] = ()

    @property
    def name(self) -> str:
        """``<system>.<channel>``, as in topics and paths."""
        return source_name(self.urn)


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

    def source_of_key(self, key: str) -> Source | None:
        """Return whose key this is; compares every hash, so the time tells nothing."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        found = None
        for source in self.sources:
            for live in source.keys:
                if hmac.compare_digest(live.sha256, digest):
                    found = source
        return found


class DirectoryError(Exception):
    """The directory cannot be used: says where, never what stood there."""


def source_name(urn: str) -> str:
    """Return ``<system>.<channel>`` of a source URN; Kafka refuses colons in topic names."""
    return ".".join(urn.split(":")[-2:])


def read_directory(path: Path) -> Directory:
    """Return the directory in this file; raise ``DirectoryError`` with pointers when it does not fit."""
    try:
        return Directory.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise DirectoryError(f"{path.name}: wrong at {', '.join(pointers(error))}") from None
    except (OSError, yaml.YAMLError) as error:
        raise DirectoryError(f"{path.name}: {type(error).__name__}; a readable YAML file is needed") from None
