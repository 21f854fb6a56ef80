"""Real parts for tests: one Kafka, Valkey and mail sink a session, on free ports, data in a temporary folder.

Tests share the Kafka: give topics and groups names of their own, never delete a topic.
"""

from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from sinergi_ops.parts import mail
from sinergi_ops.ports import Ports
from sinergi_ops.stack import Plan, parts


@dataclass(frozen=True)
class Mailbox:
    """The mail sink: where it takes mails (``host:port``), and what it has taken, oldest first."""

    address: str
    folder: Path

    @property
    def messages(self) -> list[EmailMessage]:
        return mail.messages(self.folder)


@pytest.fixture(scope="session")
async def real_parts(tmp_path_factory):
    async with parts(Plan(tmp_path_factory.mktemp("parts"), Ports.free())) as running:
        yield running


@pytest.fixture(scope="session")
def kafka(real_parts) -> str:
    """Bootstrap address of a real single-node Kafka."""
    return real_parts.kafka


@pytest.fixture(scope="session")
def valkey(real_parts) -> str:
    """URL of a real Valkey server."""
    return real_parts.redis


@pytest.fixture(scope="session")
def mailbox(real_parts) -> Mailbox:
    return Mailbox(real_parts.smtp, real_parts.mail)
