"""Starts programs, keeps them running, and leaves nothing behind.

Every child has a session of its own and dies with the supervisor, even when that is killed hard:
the kernel does it (PR_SET_PDEATHSIG), no code of ours has to run.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Probe = Callable[[], Awaitable[bool]]
State = Literal["starting", "ready", "waiting", "stopped", "failed"]

CLEAN_EXITS: Final = frozenset({0, 143, -signal.SIGTERM})  # uvicorn and the JVM report SIGTERM as 143
TAIL_LINES: Final = 20
PROBE_EVERY_S: Final = 0.1
BACK_OFF_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
FIRST_TRIES: Final = 2
IMPATIENT_AFTER_S: Final = 1.0  # one Ctrl-C may arrive twice: from the terminal, and handed on by `uv run`
CALM_AFTER_S: Final = 30.0  # a child that worked this long starts with a fresh back-off


@dataclass(frozen=True, slots=True)
class Child:
    """A program to run: ready when ``ready`` says so, ended by SIGTERM, then SIGKILL."""

    name: str
    command: tuple[str, ...]
    ready: Probe
    env: Mapping[str, str] = field(default_factory=dict)
    ready_within_s: float = 90.0
    stop_within_s: float = 20.0


class ChildFailedError(Exception):
    """A child keeps dying or does not get ready; carries its last log lines."""

    def __init__(self, name: str, problem: str, tail: list[str], log: Path) -> None:
        lines = "\n".join(f"    {line}" for line in tail) or "    (tidak ada keluaran; no output)"
        super().__init__(f"{name}: {problem}\n{lines}\n  log: {log}")
        self.name = name


@dataclass(slots=True)
class Kept:
    """A child with what the supervisor knows of it."""

    child: Child
    log: Path
    state: State = "starting"
    restarts: int = 0
    deaths: int = 0  # in a row, without a calm time between
    process: asyncio.subprocess.Process | None = None
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    became_ready: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, if any."""
        return self.process.pid if self.process and self.process.returncode is None else None

    def failed(self, problem: str) -> ChildFailedError:
        """Return the error that ends the run."""
        self.state = "failed"
        return ChildFailedError(self.child.name, problem, list(self.tail), self.log)


def silent(_name: str, _line: str) -> None:
    """Show nothing; the log files have it all."""


def unseen(_kept: Mapping[str, Kept]) -> None:
    """Tell nobody of a change."""


@dataclass(slots=True)
class Supervisor:
    """Runs children in the order in which they are started and stops them in the reverse order.

    ``echo`` hears each log line with the child's name, ``changed`` all children after a change.
    """

    log_dir: Path
    echo: Callable[[str, str], None] = silent
    changed: Callable[[Mapping[str, Kept]], None] = unseen
    back_off_s: tuple[float, ...] = BACK_OFF_S  # one pause a death in a row; no further try after the last
    kept: dict[str, Kept] = field(default_factory=dict)
    together: list[list[Kept]] = field(default_factory=list)
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False

    async def start(self, *children: Child) -> None:
        """Start these together and return when all are ready; raise ``ChildFailedError``."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        started = [self._keep(child) for child in children]
        self.together.append(started)
        ready = asyncio.create_task(_all_ready(started))
        failure = asyncio.create_task(self.failure())
        try:
            await asyncio.wait([ready, failure], return_when=asyncio.FIRST_COMPLETED)
            if failure.done():
                await failure
        finally:
            ready.cancel()
            failure.cancel()

    async def failure(self) -> None:
        """Wait for as long as all goes well; raise the ``ChildFailedError`` that ends the run."""
        await self.broken.wait()
        self._raise_failure()

    async def stop(self) -> dict[str, str]:
        """End all children, last started first; return those that did not end cleanly, and how they ended."""
        self.stopping = True
        unclean: dict[str, str] = {}
        for started in reversed(self.together):
            ends = await asyncio.gather(*(self._end(kept) for kept in started))
            unclean |= {
                kept.child.name: _exit_text(code)
                for kept, code in zip(started, ends, strict=True)
                if code not in CLEAN_EXITS
            }
        return unclean

    def _keep(self, child: Child) -> Kept:
        kept = Kept(child, self.log_dir / f"{child.name}.log")
        self.kept[child.name] = kept
        kept.task = asyncio.create_task(self._run(kept), name=f"keep {child.name}")
        kept.task.add_done_callback(self._given_up)
        return kept

    def _given_up(self, task: asyncio.Task[None]) -> None:
        # Asking for the error also says that it is not forgotten, whoever raises it in the end.
        if not task.cancelled() and task.exception():
            self.broken.set()

    def _raise_failure(self) -> None:
        for kept in self.kept.values():
            if kept.task and kept.task.done() and not kept.task.cancelled():
                kept.task.result()

    def _turn(self, kept: Kept, state: State) -> None:
        kept.state = state
        self.changed(self.kept)

    async def _run(self, kept: Kept) -> None:
        loop = asyncio.get_running_loop()
        while not self.stopping:
            since = loop.time()
            code = await self._once(kept)
            if self.stopping:
                break
            kept.deaths = 1 if loop.time() - since > CALM_AFTER_S else kept.deaths + 1
            if kept.deaths > self._patience(kept):
                raise kept.failed(f"mati {kept.deaths} kali / died {kept.deaths} times, {_exit_text(code)}")
            await self._back_off(kept, code)
        self._turn(kept, "stopped")

    def _patience(self, kept: Kept) -> int:
        # One that has never worked will not by trying on: a wrong setting should be told soon.
        tries = len(self.back_off_s)
        return tries if kept.became_ready.is_set() else min(FIRST_TRIES, tries)

    async def _back_off(self, kept: Kept, code: int) -> None:
        pause = self.back_off_s[kept.deaths - 1]
        self._turn(kept, "waiting")
        self.echo(kept.child.name, f"berhenti; ended {_exit_text(code)}, restart in {pause:g} s")
        await asyncio.sleep(pause)
        kept.restarts += 1

    async def _once(self, kept: Kept) -> int:
        """Run the program once, from start to end; return its exit code."""
        self._turn(kept, "starting")
        kept.process = process = await asyncio.create_subprocess_exec(
            *tethered(kept.child.command),
            env={**os.environ, **kept.child.env},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        reading = asyncio.create_task(self._copy_log(kept, process))
        ended = asyncio.create_task(process.wait())
        try:
            if await self._becomes_ready(kept, ended):
                kept.became_ready.set()
                self._turn(kept, "ready")
            code = await ended
            _signal_group(kept, signal.SIGKILL)  # what it started itself goes with it
            await asyncio.wait([reading], timeout=1)
            return code
        finally:
            reading.cancel()
            ended.cancel()

    async def _becomes_ready(self, kept: Kept, ended: asyncio.Task[int]) -> bool:
        """Return whether it got ready before it ended; raise when it does neither in time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + kept.child.ready_within_s
        while not ended.done():
            if await kept.child.ready() and not ended.done():
                return True
            if loop.time() > deadline:
                _signal_group(kept, signal.SIGKILL)
                raise kept.failed(f"belum siap; not ready after {kept.child.ready_within_s:g} s")
            await asyncio.wait([ended], timeout=PROBE_EVERY_S)
        return False

    async def _copy_log(self, kept: Kept, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        with kept.log.open("ab", buffering=0) as log:
            async for line in _lines(process.stdout):
                log.write(line + b"\n")
                text = line.decode("utf-8", "replace")
                kept.tail.append(text)
                self.echo(kept.child.name, text)

    async def _end(self, kept: Kept) -> int:
        """End one child and return its exit code, 0 when it did not run any more."""
        if kept.task is None or kept.task.done():
            return 0
        if kept.process is None or kept.pid is None:  # between two lives
            await _cancelled(kept.task)
            self._turn(kept, "stopped")
            return 0
        _signal_group(kept, signal.SIGTERM)
        done, _ = await asyncio.wait([kept.task], timeout=kept.child.stop_within_s)
        if not done:
            _signal_group(kept, signal.SIGKILL)
            await asyncio.wait([kept.task], timeout=5)
        return -signal.SIGKILL if kept.process.returncode is None else kept.process.returncode


def tethered(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command such that the program dies with the thread that starts it."""
    # setpriv (util-linux, part of every Debian and Ubuntu) asks the kernel before it becomes the program:
    # no code of ours runs between fork and exec, which would be unsafe beside threads.
    return ("setpriv", "--pdeathsig", "KILL", "--", *command)


async def _all_ready(children: list[Kept]) -> None:
    for kept in children:
        await kept.became_ready.wait()


def _signal_group(kept: Kept, number: signal.Signals) -> None:
    if kept.process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(kept.process.pid, number)


def _exit_text(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield lines of any length; the last one also without its end."""
    rest = b""
    while chunk := await stream.read(65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def foreground(main: Coroutine[None, None, int]) -> int:
    """Run to the end, or until Ctrl-C, SIGTERM or SIGHUP cancels it; return the exit code.

    A signal a second or more after the first ends this process at once; the kernel ends the children.
    """

    async def under_signals() -> int:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()
        seen: list[tuple[signal.Signals, float]] = []

        def on_signal(number: signal.Signals) -> None:
            seen.append((number, loop.time()))
            if len(seen) == 1:
                task.cancel()
            elif loop.time() - seen[0][1] > IMPATIENT_AFTER_S:
                os._exit(128 + number)

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, on_signal, number)
        try:
            return await task
        except asyncio.CancelledError:
            return 128 + seen[0][0] if seen else 1

    return asyncio.run(under_signals())
