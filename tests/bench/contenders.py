"""The programs that are measured, each a process of its own, fed by one consumer group."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Final, Literal

from sinergi_ops.places import DIRECTORY, PACK
from tests.bench.bus import HOME, Bus
from tests.bench.recording import PLAN
from tests.bench.streams import build
from tests.bench.workload import LANES

Name = Literal["router", "copy", "confluent", "naive", "streams"]
GROUPS: Final[dict[Name, str]] = {
    "router": "sinergi-router",
    "copy": "bench-copy",
    "confluent": "bench-confluent",
    "naive": "bench-naive",
    "streams": "bench-streams",
}


@dataclass(frozen=True, slots=True)
class Job:
    """What a contender is to do: from which offsets of each lane, how often to commit, other settings."""

    first: list[int]
    commit_ms: int
    env: dict[str, str] = field(default_factory=dict)
    output_config: dict[str, str] = field(default_factory=dict)


@contextmanager
def running(name: Name, bus: Bus, job: Job) -> Iterator[Popen[bytes]]:
    """Run a contender from ``job.first`` on, all outputs emptied before; ends it with the block."""
    bus.renew_outputs(**job.output_config)
    bus.start_group_at(GROUPS[name], job.first)
    env = environment(bus, SINERGI_COMMIT_MS=str(job.commit_ms), **job.env)
    with started(name, _command(name, bus, job), env) as process:
        yield process


@contextmanager
def started(name: str, command: list[str], env: dict[str, str]) -> Iterator[Popen[bytes]]:
    """Run a program for as long as the block lasts; what it says goes to its log."""
    with (HOME / "log" / f"{name}.log").open("ab") as log:
        process = Popen(  # noqa: S603 - starting the contenders is what this is for
            command, env=env, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            _end(process)


def _command(name: Name, bus: Bus, job: Job) -> list[str]:
    if name == "router":
        return [sys.executable, "-m", "sinergi_router"]
    told = {
        "kafka": bus.bootstrap,
        "group": GROUPS[name],
        "first": job.first,
        "commit_ms": job.commit_ms,
        "plan": str(PLAN),
        "pack": str(PACK),
        "lanes": LANES,
    }
    if name == "streams":
        return build.command(told)
    return [sys.executable, "-m", f"tests.bench.peers.{name}", json.dumps(told)]


def environment(bus: Bus, **more: str) -> dict[str, str]:
    """Return the settings of a service of ours on this bus, and ``more`` or other ones."""
    return {
        **os.environ,
        "SINERGI_KAFKA": bus.bootstrap,
        "SINERGI_PACK": str(PACK),
        "SINERGI_DIRECTORY": str(DIRECTORY),
        "SINERGI_LANES": str(LANES),
        "SINERGI_PORT": str(bus.ports.router),
        "SINERGI_DEMO": "true",
        **more,
    }


def _end(process: Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    time.sleep(0.2)
