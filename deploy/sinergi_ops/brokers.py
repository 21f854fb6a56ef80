"""The option that names Kafka's brokers, for commands that speak with it themselves."""

import logging
import re
from typing import Annotated, Final

import typer

DEFAULT: Final = "127.0.0.1:19092"
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}")


def servers(kafka: str) -> list[str]:
    """Return the addresses in a comma separated list."""
    return [server.strip() for server in kafka.split(",") if server.strip()]


def quiet_client() -> None:
    """Leave it to the command to say that Kafka is away; the client would, at every try."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _checked(kafka: str) -> str:
    if not servers(kafka) or not all(_ADDRESS.fullmatch(server) for server in servers(kafka)):
        raise typer.BadParameter("tulis host:port, dipisah koma / write host:port, comma separated")
    return kafka


Kafka = Annotated[
    str,
    typer.Option(
        envvar="SINERGI_KAFKA",
        callback=_checked,
        help="Alamat broker, dipisah koma. / Brokers, comma separated.",
    ),
]
