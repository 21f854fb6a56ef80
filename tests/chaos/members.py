"""Processes of a service under a small restart loop, to be killed, frozen and woken."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from sinergi_ops.places import ROOT
from sinergi_ops.ports import Ports
from sinergi_ops.supervisor import tethered

_PAUSE_S = 0.1
_STOP_WITHIN_S = 15.0


class Member:
    """One process of a service, a router unless told otherwise; started again until it is stopped."""

    def __init__(
        self,
        name: str,
        env: Mapping[str, str],
        log: Path,
        *faults: str,
        program: str = "router",
        port: int | None = None,
    ) -> None:
        self.name = name
        self.exits: list[int] = []
        self.started_at = 0.0
        self.port = 0
        self._env = {**os.environ, **env, "SINERGI_INSTANCE": name, "PYTHONUNBUFFERED": "1"}
        module = ("tests.chaos.broken", program, *faults) if faults else (f"sinergi_{program}",)
        self._command = (sys.executable, "-m", *module)
        self._port = port
        self._log = log
        self._process: asyncio.subprocess.Process
        self._wanted = True
        self._up = asyncio.Event()
        self._task: asyncio.Task[None]

    async def start(self) -> None:
        """Return once the process exists."""
        self._task = asyncio.create_task(self._keep())
        await self._up.wait()

    @property
    def pid(self) -> int:
        """Its process, for as long as it runs."""
        return self._process.pid

    async def kill(self) -> float:
        """Kill -9, and return when (monotonic) its successor was started."""
        self._up.clear()
        self._process.kill()
        await self._up.wait()
        return self.started_at

    def freeze(self) -> None:
        """SIGSTOP."""
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    async def stop(self, *, hard: bool = False) -> None:
        """End it for good: by SIGTERM, or by SIGKILL when ``hard`` or when it takes too long."""
        self._wanted = False
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL if hard else signal.SIGTERM)
        done, _ = await asyncio.wait([self._task], timeout=_STOP_WITHIN_S)
        if not done:
            self._process.kill()
            await self._task

    async def _keep(self) -> None:
        with self._log.open("ab") as log:
            while self._wanted:
                self.port = self._port or Ports.free().router
                self._process = await asyncio.create_subprocess_exec(
                    *tethered(self._command),
                    cwd=ROOT,
                    env={**self._env, "SINERGI_PORT": str(self.port)},
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                )
                self.started_at = monotonic()
                self._up.set()
                self.exits.append(await self._process.wait())
                if self._wanted:
                    await asyncio.sleep(_PAUSE_S)


@asynccontextmanager
async def running(*members: Member) -> AsyncIterator[None]:
    """Run these members for as long as the block lasts."""
    try:
        await asyncio.gather(*(member.start() for member in members))
        yield
    finally:
        await asyncio.gather(*(member.stop(hard=True) for member in members))
