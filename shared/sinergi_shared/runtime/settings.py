"""Settings that every service has; each service adds its own in one frozen model."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinergi_shared.contracts.topics import DEFAULT_LANES
from sinergi_shared.runtime.lanes import LaneSettings

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}$")]


class ServiceSettings(BaseSettings):
    """Read from the environment with prefix ``SINERGI_``; secrets may be files in ``/run/secrets``."""

    model_config = SettingsConfigDict(
        env_prefix="SINERGI_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    kafka: Annotated[str, Field(description="bootstrap servers, comma separated")] = "127.0.0.1:19092"
    lanes: Annotated[int, Field(ge=1, le=64, description="fixed for a deployment's life")] = DEFAULT_LANES
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535, description="of probes and pages; 0 for a free one")]
    instance: Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$", description="stable name of this member")] = (
        "0"
    )
    kafka_wait_s: Annotated[float, Field(ge=1, description="how long a start waits for Kafka")] = 90
    demo: Annotated[bool, Field(description="allows the demo's well-known secrets")] = False

    @property
    def bootstrap(self) -> list[str]:
        """Servers as a list: a comma string is not split by every client."""
        return [server.strip() for server in self.kafka.split(",") if server.strip()]


class LaneServiceSettings(ServiceSettings):
    """Of a service that owns lanes."""

    static: Annotated[bool, Field(description="static group membership under the member's name")] = True
    commit_ms: Annotated[int, Field(ge=1, le=1000, description="a transaction gathers no longer")] = 50

    def lanes_of(self, name: str, inputs: tuple[str, ...], state_topic: str) -> LaneSettings:
        """Return how the service ``name`` takes part in these topics."""
        return LaneSettings(
            name=name,
            bootstrap=self.bootstrap,
            inputs=inputs,
            state_topic=state_topic,
            commit_ms=self.commit_ms,
            instance=self.instance if self.static else None,
        )
