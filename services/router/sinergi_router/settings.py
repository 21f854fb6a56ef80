"""The router's settings, from the environment with prefix ``SINERGI_``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from sinergi_shared.runtime.settings import LaneServiceSettings


class RouterSettings(LaneServiceSettings):
    """Where the pack and the directory are, and where health and metrics are served."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 8081
    pack: Annotated[Path, Field(description="the first pack's folder: until one is activated")] = Path(
        "deploy/regions/kalbar"
    )
    packs: Annotated[Path, Field(description="activated packs, a folder for each version")] = Path(
        ".local/run/packs"
    )
    directory: Annotated[Path, Field(description="directory.yaml: who may send")] = Path(
        "deploy/demo/directory.yaml"
    )
    threads_in_memory: Annotated[
        int, Field(ge=1_000, description="of all lanes; what exceeds it goes to a temporary file per lane")
    ] = 200_000

    @property
    def threads_a_lane(self) -> int:
        """How many threads one lane keeps in memory."""
        return self.threads_in_memory // self.lanes
