"""Builds the Kafka Streams peer with Maven, once for each state of its sources, and says how to start it."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from sinergi_ops import bootstrap
from sinergi_shared.region.pack import read_pack
from tests.bench.bus import HOME

HERE: Final = Path(__file__).parent
BUILT: Final = HOME / "streams"
THREADS: Final = 1
JVM: Final = ("-Xms1g", "-Xmx2g", "-XX:+UseParallelGC")


class NoMavenError(Exception):
    """Maven or Java is missing; says so."""


def command(told: dict[str, Any]) -> list[str]:
    """Return the command that runs the peer with these settings, built first when it has changed."""
    _build()
    pack = read_pack(Path(told["pack"]))
    state = HOME / "streams-state"
    shutil.rmtree(state, ignore_errors=True)
    more = {
        "policy_version": pack.policy_version,
        "province": pack.province_name,
        "state": str(state),
        "threads": THREADS,
    }
    path = f"{BUILT / 'bench-streams-1.jar'}:{BUILT / 'libs'}/*"
    return [str(bootstrap.java()), *JVM, "-cp", path, "id.sinergi.bench.Bench", json.dumps(told | more)]


def _build() -> None:
    stamp, sources = BUILT / "sources", _digest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == sources:
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise NoMavenError("Maven is missing: make doctor")
    command = [maven, "-q", "-B", f"-Dbench.target={BUILT}", "-f", str(HERE / "pom.xml"), "clean", "package"]
    subprocess.run(command, check=True)  # noqa: S603 - Maven, on our own sources
    stamp.write_text(sources, encoding="utf-8")


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted([HERE / "pom.xml", *HERE.rglob("*.java")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
