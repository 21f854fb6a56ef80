"""What the ingest service may be told at its start."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from sinergi_shared.runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Read from the environment with prefix ``SINERGI_``."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    receipt_key: Annotated[
        Path | None,
        Field(description="PEM file of the Ed25519 key that signs receipts; needed outside the demo"),
    ] = None
    directory: Annotated[Path, Field(description="who may send")] = Path("deploy/demo/directory.yaml")
    pack: Annotated[Path, Field(description="the first pack's folder: until one is activated")] = Path(
        "deploy/regions/kalbar"
    )
    packs: Annotated[Path, Field(description="activated packs, a folder for each version")] = Path(
        ".local/run/packs"
    )
    redis: Annotated[
        SecretStr | None, Field(description="URL; without it each process keeps rates alone")
    ] = None
    tls_port: Annotated[int | None, Field(ge=0, le=65535, description="listens for client certificates")] = (
        None
    )
    tls_cert: Annotated[Path | None, Field(description="our certificate chain, PEM")] = None
    tls_key: Annotated[Path | None, Field(description="its key, PEM")] = None
    tls_ca: Annotated[Path | None, Field(description="who issues the sources' certificates, PEM")] = None

    @model_validator(mode="after")
    def _whole_listener(self) -> Self:
        if self.tls_port is not None and None in (self.tls_cert, self.tls_key, self.tls_ca):
            raise ValueError("tls_port needs tls_cert, tls_key and tls_ca")
        return self
