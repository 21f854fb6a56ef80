"""What the ingest service may be told at its start."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from sinergi_shared.runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """Read from the environment with prefix ``SINERGI_``."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    directory: Annotated[Path, Field(description="who may send")] = Path("deploy/demo/directory.yaml")
