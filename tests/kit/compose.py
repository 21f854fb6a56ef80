"""The compose file as data, and its services as local programs: there is no engine where tests run."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from sinergi_ops.places import ROOT

FILE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


@dataclass(frozen=True)
class Service:
    """One service of the compose file, anchors and merges resolved."""

    name: str
    told: dict

    @property
    def ours(self):
        return "build" in self.told

    @property
    def environment(self):
        return {name: str(value) for name, value in self.told.get("environment", {}).items()}

    def on_this_machine(self, value: str) -> str:
        """Return a path inside the container as the path that is mounted there."""
        for mount in self.told.get("volumes", ()):
            host, inside, *_ = mount.split(":")
            if host.startswith("./") and value.startswith(inside):
                return str(ROOT / host) + value.removeprefix(inside)
        return value


def services() -> dict[str, Service]:
    told = yaml.safe_load(FILE.read_text(encoding="utf-8"))["services"]
    return {name: Service(name, service) for name, service in told.items()}


def mounted_from_checkout(service: Service) -> list[Path]:
    hosts = [mount.split(":")[0] for mount in service.told.get("volumes", ())]
    return [ROOT / host for host in hosts if host.startswith("./")]
