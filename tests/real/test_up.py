"""``sinergi up``, ``status`` and ``down`` as a person uses them: the whole of Sinergi, on free ports."""

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest

from sinergi_ops.ports import Ports
from tests.kit.processes import eventually, is_alive

NAMES = {"kafka", "valkey", "mail", "hooks", "router", "notifier", "ingest"}


async def sinergi(*arguments, env=None):
    """Run the command to its end; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sinergi_ops",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | (env or {}),
    )
    output, _ = await asyncio.wait_for(process.communicate(), 150)
    return process.returncode, output.decode()


async def status(run_dir):
    _code, told = await sinergi("status", "--json", "--run-dir", str(run_dir))
    return json.loads(told)


async def until_ready(run_dir, within_s=60.0):
    async with asyncio.timeout(within_s):
        while not (told := await status(run_dir))["ready"]:
            pass
    return told


@asynccontextmanager
async def running(run_dir):
    code, said = await sinergi("up", "--detach", "--run-dir", str(run_dir), *free_ports())
    try:
        assert code == 0, said
        yield await status(run_dir)
    finally:
        await sinergi("down", "--run-dir", str(run_dir))


def free_ports():
    return [f"--{name.replace('_', '-')}-port={port}" for name, port in asdict(Ports.free()).items()]


def pids(told):
    return [told["pid"], *(part["pid"] for part in told["parts"].values())]


async def test_up_starts_all_mends_what_dies_and_down_leaves_nothing(tmp_path):
    async with running(tmp_path) as told:
        assert told["ready"]
        assert told["parts"].keys() == NAMES

        os.kill(told["parts"]["router"]["pid"], signal.SIGKILL)
        os.kill(told["parts"]["kafka"]["pid"], signal.SIGKILL)
        mended = await _until_restarted(tmp_path, "router", "kafka")
        assert mended["pid"] == told["pid"]

        again, said = await sinergi("up", "--run-dir", str(tmp_path), "--quiet")
        assert (again, "sinergi down" in said) == (1, True)

        code, _said = await sinergi("down", "--run-dir", str(tmp_path))
        assert code == 0
        # The answer comes when the lock is free; the last process then has a moment to be gone.
        await eventually(lambda: not any(is_alive(pid) for pid in [*pids(told), *pids(mended)]), 5)
        assert (await status(tmp_path))["running"] is False


@pytest.mark.parametrize(
    ("text", "told"), [("sources: 3\n", "directory.yaml: wrong at"), (None, "FileNotFoundError")]
)
async def test_a_directory_that_does_not_fit_is_told_before_anything_starts(tmp_path, text, told):
    broken = tmp_path / "directory.yaml"
    if text:
        broken.write_text(text, encoding="utf-8")
    run_dir = tmp_path / "run"
    code, said = await sinergi("up", "--run-dir", str(run_dir), "--directory", str(broken), *free_ports())
    assert code == 1
    assert told in said
    assert "Traceback" not in said
    assert not (run_dir / "kafka").exists()


async def test_a_service_that_keeps_dying_ends_up_with_its_last_lines(tmp_path):
    settings = {"SINERGI_INSTANCE": "not a stable name"}  # every service refuses it at start
    code, said = await sinergi("up", "--quiet", "--run-dir", str(tmp_path), *free_ports(), env=settings)
    assert code == 1
    assert "died" in said
    assert "SINERGI_INSTANCE" in said or "instance" in said
    assert (await status(tmp_path))["running"] is False


async def _until_restarted(run_dir, *names):
    async with asyncio.timeout(90):
        while True:
            told = await until_ready(run_dir)
            if all(told["parts"][name]["restarts"] >= 1 for name in names):
                return told
