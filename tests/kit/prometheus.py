"""A real Prometheus from Debian's own package, unpacked without root and kept in the checkout."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from sinergi_ops import probes
from sinergi_ops.places import LOCAL, ROOT
from sinergi_ops.ports import HOST
from sinergi_ops.supervisor import Child

HOME = LOCAL / "prometheus"
DEPLOYED = ROOT / "deploy" / "prometheus"
PROMTOOL = HOME / "root" / "usr" / "bin" / "promtool"
_PROGRAM = PROMTOOL.with_name("prometheus")


class NotHereError(Exception):
    """Prometheus can be neither found nor fetched here; says why."""


def fetch(told: Callable[[str], None]) -> None:
    """Bring ``prometheus`` and ``promtool``, once a checkout; raise ``NotHereError``."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _PROGRAM.exists():
            return
        if not (shutil.which("apt-get") and shutil.which("dpkg")):
            raise NotHereError("Prometheus comes as a Debian package, and there is no apt-get here")
        told("Prometheus: paket Debian / Debian's package -> .local/prometheus (19 MB)")
        with tempfile.TemporaryDirectory(dir=HOME) as folder:
            package = _download(Path(folder))
            _run("dpkg", "-x", str(package), f"{folder}/root", cwd=HOME)
            Path(folder, "root").rename(HOME / "root")


def _download(folder: Path) -> Path:
    try:
        _run("apt-get", *_as_root(), "download", "prometheus", cwd=folder)
    except NotHereError:
        # No package lists on this machine, or none that fit: lists of our own need no root.
        lists, cache = folder / "lists", folder / "cache"
        for kind in (lists, cache):
            (kind / "partial").mkdir(parents=True)
        own = (*_as_root(), "-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={cache}")
        _run("apt-get", *own, "update", cwd=folder)
        _run("apt-get", *own, "download", "prometheus", cwd=folder)
    return next(folder.glob("prometheus_*.deb"))


def _as_root() -> tuple[str, ...]:
    # Root's apt drops to a user of its own, who may not write into this checkout.
    return ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()


def _run(*command: str, cwd: Path) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - named above
    except subprocess.TimeoutExpired as late:
        raise NotHereError(f"{' '.join(command)}: no answer within {late.timeout:.0f} s") from None
    if done.returncode != 0:
        raise NotHereError(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-500:]}")


def settings(targets: dict[str, str], scrape_every: str) -> dict[str, Any]:
    """Return the deployed settings with our services' addresses by job, and the checkout's rules."""
    told = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text(encoding="utf-8"))
    told["global"] |= dict.fromkeys(told["global"], scrape_every)
    told["rule_files"] = [
        path.replace("/etc/prometheus/rules", str(DEPLOYED / "rules")) for path in told["rule_files"]
    ]
    for job in told["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    return told


def child(home: Path, port: int, told: dict[str, Any]) -> Child:
    """Return a Prometheus to supervise, with its data and settings in ``home``."""
    home.mkdir(parents=True)
    (home / "prometheus.yml").write_text(yaml.safe_dump(told), encoding="utf-8")
    command = (
        str(_PROGRAM),
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    )
    return Child("prometheus", command, probes.http(port, "/-/ready"))


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus to ask."""

    http: httpx.AsyncClient

    async def ask(self, path: str, **parameters: str) -> Any:
        """Return the answer's data; fail on an error such as bad PromQL."""
        answer = (await self.http.get(f"/api/v1/{path}", params=parameters)).json()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer["data"]

    async def values(self, expr: str) -> list[float]:
        """Return the value of each series that an instant query gives."""
        return [float(series["value"][1]) for series in (await self.ask("query", query=expr))["result"]]

    async def until(self, expr: str, within_s: float = 20.0) -> None:
        """Wait until an expression with a comparison gives something."""
        async with asyncio.timeout(within_s):
            while not await self.values(expr):  # noqa: ASYNC110 - another process makes it true
                await asyncio.sleep(0.1)
