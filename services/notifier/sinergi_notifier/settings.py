"""Settings of the notifier, from the environment; start-up refuses what is unsafe outside the demo."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from sinergi_notifier.channels.email import MailServer, Tls
from sinergi_shared.runtime.settings import Address, LaneServiceSettings


class NotifierSettings(LaneServiceSettings):
    """Prefix ``SINERGI_``; ``smtp`` is ``host:port``."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8082
    pack: Annotated[Path, Field(description="the first pack's folder: until one is activated")] = Path(
        "deploy/regions/kalbar"
    )
    packs: Annotated[Path, Field(description="activated packs, a folder for each version")] = Path(
        ".local/run/packs"
    )
    directory: Annotated[Path, Field(description="directory.yaml: where agencies are reached")] = Path(
        "deploy/demo/directory.yaml"
    )
    smtp: Address = "127.0.0.1:18025"
    smtp_tls: Annotated[Tls | None, Field(description="starttls unless told otherwise; none in the demo")] = (
        None
    )
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}$")
    ] = "peringatan@sinergi.example"
    base_url: Annotated[
        str | None,
        StringConstraints(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*[A-Za-z0-9])?$"),
        Field(description="where alerts open after sign-in; without it mails promise no link"),
    ] = None

    @model_validator(mode="after")
    def _mail_is_encrypted(self) -> Self:
        if self.tls == "none" and not self.demo and not _loopback(self.mail_server.host):
            raise ValueError("SINERGI_SMTP_TLS=none is for the demo or a relay on this machine only")
        return self

    @property
    def tls(self) -> Tls:
        """How the relay is spoken to."""
        return self.smtp_tls or ("none" if self.demo else "starttls")

    @property
    def mail_server(self) -> MailServer:
        """The relay as the e-mail channel takes it."""
        host, _, port = self.smtp.rpartition(":")
        return MailServer(
            host=host.strip("[]"),
            port=int(port),
            tls=self.tls,
            sender=self.mail_from,
            username=self.smtp_user,
            password=self.smtp_password.get_secret_value() if self.smtp_password else None,
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
