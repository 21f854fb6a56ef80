"""The supervisor against real processes: order, restart, giving up, and never an orphan."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from sinergi_ops.ports import Ports
from sinergi_ops.stack import read_state
from sinergi_ops.supervisor import Child, ChildFailedError, Supervisor
from tests.kit.processes import eventually, is_alive


async def at_once():
    return True


async def never():
    return False


def child(name, script, *arguments, ready=at_once, **more):
    return Child(name, (sys.executable, "-u", "-c", script, *map(str, arguments)), ready, **more)


SLEEPS = "import time; print('up'); time.sleep(600)"


@asynccontextmanager
async def supervisor(tmp_path, **more):
    keeper = Supervisor(tmp_path / "log", **more)
    try:
        yield keeper
    finally:
        await keeper.stop()


def pid_of(keeper, name):
    return keeper.kept[name].pid


async def test_a_killed_child_is_started_again(tmp_path):
    async with supervisor(tmp_path, back_off_s=(0.05,)) as keeper:
        await keeper.start(child("one", SLEEPS))
        first = pid_of(keeper, "one")
        os.kill(first, signal.SIGKILL)
        second = await eventually(lambda: (pid := pid_of(keeper, "one")) != first and pid)
        assert is_alive(second)
        assert keeper.kept["one"].restarts == 1


async def test_a_child_that_keeps_dying_ends_the_run_with_its_last_lines(tmp_path):
    said = "print('no such setting: lanes'); raise SystemExit(3)"
    told = r"(?s)one: .*3 times.*exit code 3.*no such setting: lanes"
    async with supervisor(tmp_path, back_off_s=(0.01, 0.01)) as keeper:
        with pytest.raises(ChildFailedError, match=told):
            await keeper.start(child("one", said, ready=never))


async def test_a_child_that_dies_later_ends_the_run_too(tmp_path):
    flag = tmp_path / "die"
    script = "import os, sys, time\nwhile not os.path.exists(sys.argv[1]): time.sleep(0.01)\nsys.exit(4)"
    async with supervisor(tmp_path, back_off_s=(0.01,)) as keeper:
        await keeper.start(child("one", script, flag))
        flag.touch()
        with pytest.raises(ChildFailedError, match="exit code 4"):
            await asyncio.wait_for(keeper.failure(), 20)


async def test_a_child_that_does_not_get_ready_ends_the_run_and_itself(tmp_path):
    async with supervisor(tmp_path) as keeper:
        with pytest.raises(ChildFailedError, match=r"(?s)not ready after 0.5 s.*    up"):
            await keeper.start(child("one", SLEEPS, ready=never, ready_within_s=0.5))
        process = keeper.kept["one"].process
        await eventually(lambda: not is_alive(process.pid))


async def test_the_next_starts_only_when_those_before_are_ready(tmp_path):
    ready = tmp_path / "ready"
    script = "import pathlib, sys, time; time.sleep(0.3); pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    looks = "import os, sys, time; print(os.path.exists(sys.argv[1])); time.sleep(600)"

    async def is_there():
        return ready.exists()

    async with supervisor(tmp_path) as keeper:
        await keeper.start(child("first", script, ready, ready=is_there))
        await keeper.start(child("second", looks, ready))
        await eventually(lambda: list(keeper.kept["second"].tail) == ["True"])


async def test_a_child_that_ignores_the_request_to_end_is_killed_at_the_deadline(tmp_path):
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)"
    keeper = Supervisor(tmp_path / "log")
    await keeper.start(child("deaf", deaf, stop_within_s=0.3), child("good", SLEEPS))
    await eventually(lambda: list(keeper.kept["deaf"].tail) == ["deaf"])
    pids = [pid_of(keeper, "deaf"), pid_of(keeper, "good")]
    assert await keeper.stop() == {"deaf": "by SIGKILL"}
    assert not any(map(is_alive, pids))


@pytest.mark.parametrize("code", [0, 143])
async def test_an_end_on_request_with_this_exit_code_is_clean(tmp_path, code):
    script = (
        "import signal, sys, time\n"
        "signal.signal(15, lambda *_: sys.exit(int(sys.argv[1])))\nprint('up')\ntime.sleep(600)"
    )
    keeper = Supervisor(tmp_path / "log")
    await keeper.start(child("one", script, code))
    await eventually(lambda: list(keeper.kept["one"].tail) == ["up"])
    assert await keeper.stop() == {}


async def test_what_a_child_started_ends_with_it(tmp_path):
    script = "import subprocess, time\nprint(subprocess.Popen(['sleep', '600']).pid)\ntime.sleep(600)"
    keeper = Supervisor(tmp_path / "log")
    await keeper.start(child("one", script))
    (grandchild,) = await eventually(lambda: list(keeper.kept["one"].tail))
    await keeper.stop()
    await eventually(lambda: not is_alive(int(grandchild)))


async def test_the_log_file_has_every_line_whole_however_long(tmp_path):
    async with supervisor(tmp_path) as keeper:
        await keeper.start(child("one", "print('x' * 300_000); print('end'); import time; time.sleep(600)"))
        await eventually(lambda: "end" in keeper.kept["one"].tail)
    lines = (tmp_path / "log" / "one.log").read_text(encoding="utf-8").splitlines()
    assert [len(line) for line in lines] == [300_000, 3]


RUN = """
import asyncio, pathlib, sys
from sinergi_ops.ports import Ports
from sinergi_ops.stack import Plan, parts
from sinergi_ops.supervisor import foreground

async def main():
    async with parts(Plan(pathlib.Path(sys.argv[1]), Ports.free())):
        print("running", flush=True)
        await asyncio.Event().wait()
    return 0

sys.exit(foreground(main()))
"""


@asynccontextmanager
async def run_of_real_parts(run_dir):
    """A supervisor process with a real Kafka, Valkey and mail sink, and the pids of these."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(run_dir), stdout=asyncio.subprocess.PIPE
    )
    try:
        await asyncio.wait_for(_until_line(process.stdout, b"running\n"), 60)
        children = read_state(run_dir)["children"]
        yield process, [child["pid"] for child in children.values()]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until_line(stream, wanted):
    while (line := await stream.readline()) != wanted:
        assert line, "ended before it was running"


async def test_a_supervisor_that_is_killed_hard_leaves_no_process_and_no_lock(tmp_path):
    async with run_of_real_parts(tmp_path) as (process, children):
        assert len(children) == 4
        assert all(map(is_alive, children))
        process.kill()
        await process.wait()
        await eventually(lambda: not any(map(is_alive, children)))
    assert read_state(tmp_path) == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_to_the_supervisor_stops_everything(tmp_path, number):
    async with run_of_real_parts(tmp_path) as (process, children):
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 60) == 128 + number
        assert not any(map(is_alive, children))


async def test_a_signal_that_arrives_twice_at_once_still_ends_in_order(tmp_path):
    async with run_of_real_parts(tmp_path) as (process, children):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) in {128 + signal.SIGINT, 128 + signal.SIGTERM}
        assert read_state(tmp_path) == {}
        assert not (tmp_path / "state.json").exists()  # an orderly end tidies up
        assert not any(map(is_alive, children))


async def test_a_person_who_insists_does_not_wait(tmp_path):
    async with run_of_real_parts(tmp_path) as (process, children):
        stuck = children[0]
        os.kill(stuck, signal.SIGSTOP)  # a Kafka that cannot end by itself
        process.send_signal(signal.SIGTERM)

        def insist():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            return process.returncode is not None

        await eventually(insist, within_s=10)
        await eventually(lambda: not any(map(is_alive, children)))


def test_free_ports_differ_from_each_other():
    ports = Ports.free()
    assert len({getattr(ports, name) for name in Ports.__slots__}) == len(Ports.__slots__)
