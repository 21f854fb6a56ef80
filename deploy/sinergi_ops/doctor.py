"""``sinergi doctor``: what is wrong with this machine or checkout, and what to do about it."""

import json
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import typer

from sinergi_ops import bootstrap
from sinergi_ops.options import Json
from sinergi_ops.parts import valkey
from sinergi_ops.parts.missing import PartMissingError
from sinergi_ops.places import DIRECTORY, PACK, ROOT, RUN
from sinergi_ops.ports import Ports, is_free
from sinergi_ops.stack import is_running
from sinergi_shared.directory import DirectoryError, read_directory
from sinergi_shared.region.tables import PackError, read_tables

DISK_MB: Final = 1_000
MEMORY_MB: Final = 1_500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``cure`` is empty when it is well."""

    name: str
    found: str
    cure: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.cure


def doctor(*, as_json: Json = False) -> None:
    """Periksa mesin ini dan cara memperbaikinya. / Check this machine; exits 1 if there is a problem.

    Contoh / examples:

        sinergi doctor

        sinergi doctor --json | jq '.[] | select(.ok == false)'
    """
    findings = [look() for look in LOOKS] + list(_ports())
    if as_json:
        print(json.dumps([{"ok": one.ok, **asdict(one)} for one in findings]))
    else:
        for one in findings:
            print(f"{'baik/ok' if one.ok else 'MASALAH':<9}{one.name:<12}{one.found}")
            if one.cure:
                print(f"{'':<9}{'':<12}-> {one.cure}")
    raise typer.Exit(0 if all(one.ok for one in findings) else 1)


def _python() -> Finding:
    found = f"Python {platform.python_version()}, {platform.machine()}"
    if bootstrap.python_there():
        return Finding("python", f"{found}, .venv as locked")
    return Finding("python", f"{found}, .venv not as uv.lock says", "make setup")


def _java() -> Finding:
    program = bootstrap.java()
    if program is None:
        return Finding("java", "tidak ada / none", f"make setup (Java {bootstrap.JAVA_NEEDED}+)")
    return Finding("java", f"{program}, version {bootstrap.java_version(program)}")


def _kafka() -> Finding:
    if bootstrap.kafka_there():
        return Finding("kafka", ".local/kafka/libs as pinned in deploy/kafka/pom.xml")
    return Finding("kafka", "jars not as deploy/kafka/pom.xml says", "make setup")


def _valkey() -> Finding:
    try:
        command = [str(valkey.program()), "--version"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
    except (PartMissingError, OSError, subprocess.SubprocessError) as problem:
        return Finding("valkey", type(problem).__name__, "use Linux with glibc on x86_64 or aarch64")
    return Finding("valkey", " ".join(said.split()[:3]))


def _setpriv() -> Finding:
    program = shutil.which("setpriv")
    if program is None:
        return Finding("setpriv", "tidak ada / none", "sudo apt-get install -y util-linux")
    return Finding("setpriv", program)


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free // 1_000_000
    return Finding("disk", f"{free} MB free", "" if free > DISK_MB else f"free {DISK_MB} MB in {ROOT}")


def _memory() -> Finding:
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    free = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) // 1_000
    cure = "" if free > MEMORY_MB else f"close programs: {MEMORY_MB} MB are needed"
    return Finding("memory", f"{free} MB free", cure)


def _pack() -> Finding:
    try:
        count = len(read_tables(PACK).recipients)
    except PackError as problem:
        return Finding("pack", str(problem), f"sinergi pack check {PACK}")
    return Finding("pack", f"{count} recipients")


def _directory() -> Finding:
    try:
        count = len(read_directory(DIRECTORY).sources)
    except DirectoryError as problem:
        return Finding("directory", str(problem), f"repair {DIRECTORY}")
    return Finding("directory", f"{count} sources")


LOOKS: Final[tuple[Callable[[], Finding], ...]] = (
    _python,
    _java,
    _kafka,
    _valkey,
    _setpriv,
    _disk,
    _memory,
    _pack,
    _directory,
)


def _ports() -> Iterator[Finding]:
    ours = is_running(RUN)
    for name, port in asdict(Ports()).items():
        if is_free(port):
            yield Finding("port", f"{port} ({name}) free")
        elif ours:
            yield Finding("port", f"{port} ({name}) used, `sinergi up` is running")
        else:
            option = f"--{name.replace('_', '-')}-port"
            cure = f"stop what `ss -ltnp 'sport = :{port}'` names, or use {option}"
            yield Finding("port", f"{port} ({name}) sudah dipakai / used by another program", cure)
