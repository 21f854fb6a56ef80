"""Each of our compose services, started as a local process from its entry in the file."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from sinergi_ops.ports import Ports
from tests.kit import compose

WITHIN_S = 30
OURS = {name: service for name, service in compose.services().items() if service.ours}


def program(command):
    """Replace the image's Python by ours."""
    return [sys.executable if part == "python" else part for part in command]


async def run(command, env):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SINERGI_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_exec(
        *command,
        env=clean | {"PATH": path} | env,
        cwd="/",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, output.decode()


@pytest.mark.parametrize("name", ["ingest", "router", "notifier"])
async def test_a_service_starts_from_its_entry_and_gets_as_far_as_kafka(name):
    service, nowhere = OURS[name], Ports.free()
    env = {key: service.on_this_machine(value) for key, value in service.environment.items()}
    env |= {"SINERGI_KAFKA": f"127.0.0.1:{nowhere.kafka}", "SINERGI_KAFKA_WAIT_S": "1"}
    env |= {"SINERGI_PORT": str(nowhere.ingest), "SINERGI_HOST": "127.0.0.1"}
    status, output = await run(program(service.told["command"]), env)
    assert status == 3, output
    told = [line for line in output.splitlines() if '"level": "error"' in line]
    assert ["no Kafka at" in line for line in told] == [True], output  # and why, once


async def test_the_topics_command_starts_from_its_entry():
    service = OURS["topics"]
    env = {key: service.on_this_machine(value) for key, value in service.environment.items()}
    status, output = await run([*service.told["command"], "--help"], env)
    assert status == 0
    assert "SINERGI_DIRECTORY" in output
