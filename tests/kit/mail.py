"""A real SMTP server that keeps what it gets and answers as scripted, mail by mail."""

import asyncio
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default

from aiosmtpd.smtp import SMTP


class MailSink:
    """``script`` holds answers to the next DATA commands, such as ``451 later``; then all is taken.

    ``drop`` closes the connection instead of answering, ``hang`` never answers.
    """

    def __init__(self):
        self.port = 0
        self.script = []
        self.refuse_recipient = {}
        self.kept = []

    @property
    def mails(self):
        """The accepted messages, parsed."""
        return [message_from_bytes(raw, policy=default) for _, raw in self.kept]

    def to(self, address):
        """Return the accepted messages for an address."""
        return [message_from_bytes(raw, policy=default) for told, raw in self.kept if told == address]


class _Handler:
    """Apart from the sink: aiosmtpd looks at every attribute of a handler for each connection."""

    def __init__(self, sink):
        self._sink = sink

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        answer = self._sink.refuse_recipient.get(address)
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        answer = self._sink.script.pop(0) if self._sink.script else "250 OK"
        if answer == "drop":
            server.transport.abort()
            return "421 gone"
        if answer == "hang":
            await asyncio.Event().wait()
        if answer.startswith("250"):
            self._sink.kept += [(address, envelope.content) for address in envelope.rcpt_tos]
        return answer


@asynccontextmanager
async def mail_sink():
    """Run a sink on a free port of this machine."""
    sink = MailSink()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(_Handler(sink), hostname="sink.example"), "127.0.0.1", 0
    )
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
