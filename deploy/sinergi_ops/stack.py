"""Everything that Sinergi is on one machine: parts, topics, services; started in order, stopped whole.

    async with stack(Plan(run_dir)) as running:
        ...  # running.kafka, running.ingest, ...; a child that keeps dying raises ChildFailedError here

``parts`` starts only Kafka, Valkey, the mail sink and the webhook receiver.
"""

import asyncio
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from sinergi_ops import probes, topics
from sinergi_ops.parts import hooks, kafka, mail, valkey
from sinergi_ops.places import DIRECTORY, PACK
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.supervisor import Child, Kept, Supervisor, silent
from sinergi_shared.directory import read_directory
from sinergi_shared.region.bus import recipients_on_bus
from sinergi_shared.region.tables import read_tables

SERVICES: Final = ("router", "notifier", "ingest")
CHILDREN: Final = frozenset({"kafka", "valkey", "mail", "hooks", *SERVICES})
STATE_FILE: Final = "state.json"


class AlreadyRunningError(Exception):
    """Something runs in this folder already; says how to stop it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start, and where it keeps its data, mails and logs."""

    run_dir: Path
    ports: Ports = field(default_factory=Ports)
    pack: Path = PACK
    directory: Path = DIRECTORY
    lanes: int = 4
    keep_data: bool = False
    env: Mapping[str, str] = field(default_factory=dict)  # more settings for the services
    echo: Callable[[str, str], None] = silent  # hears each log line with its child's name
    told: Callable[[str], None] = print  # hears what is being done

    @property
    def own_directory(self) -> Path:
        """The run's copy of the directory, in which webhooks go to the run's own receiver."""
        return self.run_dir / "directory.yaml"


@dataclass(frozen=True, slots=True)
class Running:
    """A running stack and where to reach it."""

    plan: Plan
    supervisor: Supervisor

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap address."""
        return f"{HOST}:{self.plan.ports.kafka}"

    @property
    def redis(self) -> str:
        """Valkey's URL."""
        return f"redis://{HOST}:{self.plan.ports.valkey}/0"

    @property
    def smtp(self) -> str:
        """Where the mail sink takes mails."""
        return f"{HOST}:{self.plan.ports.smtp}"

    @property
    def mail(self) -> Path:
        """Folder of the mails taken, for ``parts.mail.messages``."""
        return self.plan.run_dir / "mail"

    @property
    def hooks(self) -> Path:
        """Folder of the webhooks taken, for ``parts.hooks.deliveries``."""
        return self.plan.run_dir / "hooks"

    @property
    def logs(self) -> Path:
        """Folder with one log file a child."""
        return self.plan.run_dir / "log"

    @property
    def ingest(self) -> str:
        """Base URL of ingest."""
        return f"http://{HOST}:{self.plan.ports.ingest}"

    @property
    def router(self) -> str:
        """Base URL of the router's health and metrics."""
        return f"http://{HOST}:{self.plan.ports.router}"

    @property
    def notifier(self) -> str:
        """Base URL of the notifier's health and metrics."""
        return f"http://{HOST}:{self.plan.ports.notifier}"

    def settings(self) -> dict[str, str]:
        """Return the environment of every service but its port; ``sinergi`` commands read the same."""
        return {
            "SINERGI_KAFKA": self.kafka,
            "SINERGI_REDIS": self.redis,
            "SINERGI_SMTP": self.smtp,
            "SINERGI_PACK": str(self.plan.pack),
            "SINERGI_PACKS": str(self.plan.run_dir / "packs"),
            "SINERGI_DIRECTORY": str(self.plan.own_directory),
            "SINERGI_LANES": str(self.plan.lanes),
            "SINERGI_DEMO": "true",
            **self.plan.env,
        }


@asynccontextmanager
async def stack(plan: Plan) -> AsyncIterator[Running]:
    """Run parts, topics and services for as long as the block lasts."""
    # Read first: a file that does not fit is told at once, not after Kafka has started.
    sources = [source.name for source in read_directory(plan.directory).sources]
    recipients = recipients_on_bus(read_tables(plan.pack))
    async with parts(plan) as running:
        plan.told("topik / topics")
        await topics.apply([running.kafka], sources, recipients, plan.lanes)
        plan.told("layanan / services: router, notifier, ingest")
        await running.supervisor.start(*(_service(name, running) for name in SERVICES))
        yield running


@asynccontextmanager
async def parts(plan: Plan) -> AsyncIterator[Running]:
    """Run Kafka, Valkey, the mail sink and the webhook receiver for as long as the block lasts.

    Raise ``AlreadyRunningError``, ``PortTakenError``, ``PartMissingError`` or ``ChildFailedError``.
    """
    plan.run_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(plan.run_dir, tries=20):
        plan.ports.require_free()
        if not plan.keep_data:
            _empty(plan.run_dir)
        supervisor = Supervisor(plan.run_dir / "log", plan.echo)
        supervisor.changed = _recorder(plan)
        try:
            plan.told("Kafka, Valkey, surat / mail sink, webhook")
            await supervisor.start(*await _parts(plan))
            async with _ending_with(supervisor):
                yield Running(plan, supervisor)
        finally:
            unclean = await supervisor.stop()
            (plan.run_dir / STATE_FILE).unlink(missing_ok=True)
            for name, how in unclean.items():
                plan.told(f"{name}: berhenti tidak bersih / did not end cleanly, ended {how}")


def is_running(run_dir: Path) -> bool:
    """Tell whether a stack runs in this folder now."""
    try:
        with _only_one(run_dir, tries=1):
            return False
    except AlreadyRunningError:
        return True
    except FileNotFoundError:
        return False


def is_ready(state: Mapping[str, Any], pid: int) -> bool:
    """Tell whether this state is that of process ``pid`` with all its children ready."""
    children = state.get("children", {})
    return (
        state.get("pid") == pid
        and children.keys() == CHILDREN
        and all(child["state"] == "ready" for child in children.values())
    )


def read_state(run_dir: Path) -> dict[str, Any]:
    """Return what the stack that runs in this folder told of itself; empty when none does."""
    if not is_running(run_dir):
        return {}
    try:
        found: dict[str, Any] = json.loads((run_dir / STATE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


async def _parts(plan: Plan) -> list[Child]:
    node = kafka.Node(plan.run_dir / "kafka", plan.ports.kafka, plan.ports.kafka_controller)
    await kafka.prepare(node)
    _redirect_hooks(plan)
    return [
        kafka.child(node),
        valkey.child(plan.run_dir / "valkey", plan.ports.valkey),
        mail.child(plan.run_dir / "mail", plan.ports.smtp),
        hooks.child(plan.run_dir / "hooks", plan.own_directory, plan.ports.hooks),
    ]


def _redirect_hooks(plan: Plan) -> None:
    text = plan.directory.read_text(encoding="utf-8")
    redirected = text.replace(f"//{HOST}:{Ports().hooks}/", f"//{HOST}:{plan.ports.hooks}/")
    plan.own_directory.touch(mode=0o600)  # it has addresses and secrets
    plan.own_directory.write_text(redirected, encoding="utf-8")


def _service(name: str, running: Running) -> Child:
    port: int = getattr(running.plan.ports, name)
    return Child(
        name=name,
        command=(sys.executable, "-m", f"sinergi_{name}"),
        ready=probes.http(port, "/readyz"),
        env={**running.settings(), "SINERGI_PORT": str(port), "PYTHONUNBUFFERED": "1"},
        stop_within_s=25,
    )


def _empty(run_dir: Path) -> None:
    for name in ("kafka", "valkey", "mail", "hooks", "log", "packs"):
        shutil.rmtree(run_dir / name, ignore_errors=True)


@contextmanager
def _only_one(run_dir: Path, tries: int) -> Iterator[None]:
    # The lock goes with the process, however that ends; a file with a pid would outlive it.
    # More than one try, because someone who asks whether it runs holds the lock for a moment.
    with (run_dir / "lock").open("w") as lock:
        while not _locked(lock):
            tries -= 1
            if tries == 0:
                raise AlreadyRunningError(
                    f"sudah berjalan di / already running in {run_dir}: "
                    f"`sinergi down --run-dir {run_dir}` stops it"
                )
            time.sleep(0.05)
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _recorder(plan: Plan) -> Callable[[Mapping[str, Kept]], None]:
    def record(kept: Mapping[str, Kept]) -> None:
        children = {
            name: {"state": one.state, "pid": one.pid, "restarts": one.restarts} for name, one in kept.items()
        }
        state = {"pid": os.getpid(), "ports": asdict(plan.ports), "children": children}
        part = plan.run_dir / f"{STATE_FILE}.part"
        part.write_text(json.dumps(state), encoding="utf-8")
        part.rename(plan.run_dir / STATE_FILE)

    return record


@asynccontextmanager
async def _ending_with(supervisor: Supervisor) -> AsyncIterator[None]:
    """Cancel the block when a child keeps dying, and raise its ``ChildFailedError`` instead."""
    block = asyncio.current_task()
    watch = asyncio.create_task(supervisor.failure())
    inside = True

    def cancel_block(done: asyncio.Task[None]) -> None:
        if not done.cancelled() and done.exception() and inside and block is not None:
            block.cancel()

    watch.add_done_callback(cancel_block)
    try:
        yield
    except asyncio.CancelledError:
        if watch.done() and block is not None and block.uncancel() == 0:
            await watch
        raise
    finally:
        inside = False
        watch.cancel()
