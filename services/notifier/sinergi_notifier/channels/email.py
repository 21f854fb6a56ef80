"""E-mail: thin alerts only, plain text and HTML, one connection and one recipient each."""

import asyncio
import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, Literal

import aiosmtplib

from sinergi_notifier.channels.result import (
    REPEAT_HEADER,
    TIME_LIMIT_S,
    DeliveryResult,
    Parcel,
    Trouble,
    later,
    never,
)
from sinergi_notifier.compose import Composer
from sinergi_notifier.forms import Thin
from sinergi_shared.contracts.codes import DeliveryState

AT_ONCE: Final = 8
"""Connections to the mail server per lane."""

_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNFOLDED: Final = SMTP.clone(max_line_length=None)
"""A folded subject is read back with a blank in front or inside (B53); ours are far below 998 characters."""

_FOR_GOOD: Final = 500

_TOLD: Final[tuple[tuple[type[Exception], DeliveryResult], ...]] = (
    (aiosmtplib.SMTPConnectError, later(Trouble.UNREACHABLE)),
    (TimeoutError, later(Trouble.TIMEOUT, in_doubt=True)),
    (aiosmtplib.SMTPServerDisconnected, later(Trouble.CUT_OFF, in_doubt=True)),
    # Ours to mend, not the agency's: it is tried again until somebody has.
    (aiosmtplib.SMTPAuthenticationError, later(Trouble.RELAY_REFUSED)),
    (aiosmtplib.SMTPSenderRefused, later(Trouble.RELAY_REFUSED)),
)

Tls = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class MailServer:
    """The relay that takes our mail, and the address under which we send."""

    host: str
    port: int
    tls: Tls
    sender: str
    username: str | None = None
    password: str | None = None

    @property
    def domain(self) -> str:
        """The sender's domain, in which message ids are unique."""
        return self.sender.rpartition("@")[2]


class EmailChannel:
    """Sends thin alerts by SMTP; ``sent`` once the relay has taken them."""

    def __init__(self, server: MailServer, composer: Composer) -> None:
        self._server = server
        self._composer = composer

    def reword(self, composer: Composer) -> None:
        """Write every letter from now on in other words: those of another region pack."""
        self._composer = composer

    async def send(self, parcel: Parcel[Thin], /) -> DeliveryResult:
        """Make one attempt; a permanent refusal of the relay is permanent, all else may pass."""
        address = parcel.contact.address.get_secret_value()
        if not _ADDRESS.fullmatch(address):
            return never(Trouble.ADDRESS_INVALID)
        letter = message(parcel, self._composer, self._server)
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                await self._hand_over(letter, address)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _told(error)
        return DeliveryResult(DeliveryState.SENT)

    async def _hand_over(self, letter: EmailMessage, address: str) -> None:
        server = self._server
        await aiosmtplib.send(
            letter.as_bytes(policy=_UNFOLDED),
            sender=server.sender,
            recipients=[address],
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            local_hostname=server.domain,
            timeout=TIME_LIMIT_S,
        )


def message(parcel: Parcel[Thin], composer: Composer, server: MailServer) -> EmailMessage:
    """Return the MIME message; its id is that of the delivery, so a repeat has the same one."""
    letter = composer.letter(parcel.form, possible_repeat=parcel.possible_repeat)
    alert = parcel.form.alert
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"Sinergi <{server.sender}>"
    mail["To"] = parcel.contact.address.get_secret_value()
    mail["Subject"] = header_line(letter.subject)
    mail["Date"] = format_datetime(parcel.at)
    mail["Message-ID"] = f"<{parcel.delivery}@{server.domain}>"
    # Keeps an event's messages together in the mailbox; opaque, and another one for each recipient.
    mail["References"] = f"<{alert.correlationid}.{alert.recipientcode}@{server.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if parcel.possible_repeat:
        mail[REPEAT_HEADER] = "true"
    mail.set_content(letter.text, charset="utf-8", cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", charset="utf-8", cte="quoted-printable")
    return mail


def header_line(text: str) -> str:
    """Return the text as one line: no break in it can begin another header (B53)."""
    return _BREAKS.sub(" ", text).strip()


def _told(error: Exception) -> DeliveryResult:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        error = error.recipients[0]
    for kind, result in _TOLD:
        if isinstance(error, kind):
            return result
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return never(Trouble.REFUSED) if error.code >= _FOR_GOOD else later(Trouble.BUSY)
    return later(Trouble.UNREACHABLE)
