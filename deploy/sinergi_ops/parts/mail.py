"""An SMTP sink: takes every mail and keeps it as a file, so that a person can look at what left.

``python -m sinergi_ops.parts.mail --port 18025 FOLDER`` serves; the files are in ``FOLDER/new``.
"""

import argparse
import asyncio
import contextlib
import sys
import time
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from itertools import count
from pathlib import Path
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from sinergi_ops import probes
from sinergi_ops.ports import HOST
from sinergi_ops.supervisor import Child

MAX_BYTES: Final = 1_048_576


def child(folder: Path, port: int) -> Child:
    """Return the sink as a child to supervise; mails go to ``folder``."""
    command = (sys.executable, "-m", "sinergi_ops.parts.mail", "--port", str(port), str(folder))
    return Child(name="mail", command=command, ready=probes.tcp(port), stop_within_s=5)


def files(folder: Path) -> list[Path]:
    """Return the mails as ``.eml`` files, oldest first."""
    return sorted((folder / "new").glob("*.eml"))


def messages(folder: Path) -> list[EmailMessage]:
    """Return the mails, oldest first; ``X-Envelope-To`` and ``X-Envelope-From`` say what SMTP was told."""
    parser = BytesParser(policy=policy.default)
    return [parser.parsebytes(file.read_bytes()) for file in files(folder)]


class Sink:
    """Keeps what it gets; a file appears in ``new`` only when it is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.numbers = count()
        for name in ("tmp", "new"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd
        """Keep one mail; the answer promises that it is on disk."""
        name = f"{time.time_ns()}-{next(self.numbers):06d}.eml"
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        part = self.folder / "tmp" / name
        body = envelope.content or b""
        part.write_bytes(head.encode() + (body if isinstance(body, bytes) else body.encode()))
        part.rename(self.folder / "new" / name)
        return "250 OK"


async def serve(folder: Path, port: int) -> None:
    """Take mails until cancelled."""
    sink = Sink(folder)

    def session() -> SMTP:
        return SMTP(sink, hostname="sinergi-sink", data_size_limit=MAX_BYTES, enable_SMTPUTF8=True)

    server = await asyncio.get_running_loop().create_server(session, HOST, port)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Serve as the command line says, until SIGTERM."""
    parser = argparse.ArgumentParser(description="Take every mail on 127.0.0.1 and keep it as a file.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments.folder, arguments.port))


if __name__ == "__main__":
    main()
