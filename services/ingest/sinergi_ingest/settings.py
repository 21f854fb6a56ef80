"""What the ingest service may be told at its start."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from sinergi_shared.runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Read from the environment with prefix ``SINERGI_``."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    receipt_key: Annotated[
        Path | None,
        Field(description="PEM file of the Ed25519 key that signs receipts; needed outside the demo"),
    ] = None
    directory: Annotated[Path, Field(description="who may send")] = Path("deploy/demo/directory.yaml")
