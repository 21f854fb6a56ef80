"""Bring what Sinergi needs into this checkout, on a machine that has Python 3.11+ and nothing else.

``make`` runs this file before every target, so it needs only the standard library. What is there
already is left alone (stamps under ``.local`` tell), so a second time takes no network and no time:

* uv from PyPI, pinned, in ``.local/uv``; with it ``.venv``, exactly as ``uv.lock`` says;
* Apache Kafka from Maven Central, exactly as ``deploy/kafka/pom.xml`` says, in ``.local/kafka/libs``;
* Java 17+ and Maven from the system's packages when missing, if the user may install packages.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

UV_VERSION: Final = "0.13.9"
PYTHON_NEEDED: Final = (3, 11)
JAVA_NEEDED: Final = 17
JAVA_PACKAGES: Final = ("openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless")

ROOT: Final = Path(__file__).resolve().parents[2]
LOCAL: Final = ROOT / ".local"
SETUP: Final = LOCAL / "setup"
UV: Final = LOCAL / "uv" / "bin" / "uv"
VENV: Final = ROOT / ".venv"
KAFKA: Final = LOCAL / "kafka"
POM: Final = ROOT / "deploy" / "kafka" / "pom.xml"
SAY_EVERY_S: Final = 2.0

Command = list[str | Path]


class SetupError(Exception):
    """Setup cannot go on; says the one command that mends it."""


def main() -> int:
    """Bring what is missing; return 0, or 1 after saying what to do."""
    start = time.monotonic()
    SETUP.mkdir(parents=True, exist_ok=True)
    try:
        with _one_at_a_time():
            sides = {_python_side: python_there(), _kafka: kafka_there()}
            steps = [side for side, there in sides.items() if not there]
            if steps or java() is None:
                _say("menyiapkan di / setting up in .local and .venv")
                _system_packages()
                _together(*steps)
                _say(f"siap / ready, {time.monotonic() - start:.0f} s")
                _say_how_to_use_uv()
    except SetupError as problem:
        print(f"\n[setup] {problem}\n", file=sys.stderr)
        return 1
    return 0


def python_there() -> bool:
    """Tell whether uv is there and ``.venv`` is as the lock file says."""
    return UV.exists() and (VENV / "bin" / "sinergi").exists() and _stamped("python", _python_pins())


def kafka_there() -> bool:
    """Tell whether Kafka's jars are there as pinned."""
    return _stamped("kafka", _digest(POM)) and any((KAFKA / "libs").glob("*.jar"))


def java() -> Path | None:
    """Return a Java that can run Kafka, if there is one."""
    return next((found for found in _javas() if java_version(found) >= JAVA_NEEDED), None)


def java_version(program: Path) -> int:
    """Return the major version of this Java, 0 when it does not say."""
    try:
        said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found.group(1)) if found else 0


def _javas() -> Iterator[Path]:
    home, on_path = os.environ.get("JAVA_HOME"), shutil.which("java")
    if home:
        yield Path(home) / "bin" / "java"
    if on_path:
        yield Path(on_path)
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"))


def _python_side() -> None:
    if not _uv_there():
        _say(f"uv {UV_VERSION} dari / from PyPI -> .local/uv")
        home, python = UV.parents[1], UV.parent / "python"
        _run("uv", [Path(sys.executable), "-m", "venv", "--clear", home])
        _run("uv", [python, "-m", "pip", "install", "--only-binary=:all:", f"uv=={UV_VERSION}"])
        _link_uv()
    _say("paket Python sesuai uv.lock / Python packages as locked -> .venv")
    # Compiled once: where Python may not write bytecode, each start of a service took twice as long.
    sync: Command = [UV, "sync", "--frozen", "--no-progress", "--compile-bytecode"]
    if not VENV.exists():
        sync += ["--python", sys.executable]
    _run_online_or_offline("python", sync, "--offline", {"UV_CACHE_DIR": str(LOCAL / "cache" / "uv")})
    _stamp("python", _python_pins())


def _uv_there() -> bool:
    try:
        said = subprocess.run([UV, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return f" {UV_VERSION} " in said.stdout


def _link_uv() -> None:
    link = LOCAL / "bin" / "uv"
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(UV)


def _kafka() -> None:
    version = re.search(r"<kafka.version>(.+)</kafka.version>", POM.read_text(encoding="utf-8"))
    _say(f"Apache Kafka {version[1] if version else ''} dari / from Maven Central -> .local/kafka (43 MB)")
    fetched = KAFKA / "fetched"
    shutil.rmtree(fetched, ignore_errors=True)
    copy: Command = ["mvn", "-B", "-ntp", "--strict-checksums", "-f", POM]
    copy += [f"-Dmaven.repo.local={LOCAL / 'cache' / 'maven'}", f"-DoutputDirectory={fetched}"]
    copy += ["-DincludeScope=runtime", "dependency:copy-dependencies"]
    _run_online_or_offline("kafka", copy, "--offline")
    shutil.rmtree(KAFKA / "libs", ignore_errors=True)
    fetched.rename(KAFKA / "libs")
    _stamp("kafka", _digest(POM))


def _system_packages() -> None:
    """Install what only the system's packages have: all that is missing in one go."""
    missing = []
    if not UV.exists() and importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if java() is None:
        missing.append("java")
    if not kafka_there() and shutil.which("mvn") is None:
        missing.append("maven")
    if missing:
        _install(missing)
    if java() is None:
        raise SetupError(f"Java {JAVA_NEEDED}+ belum ada / is still missing: see {SETUP / 'system.log'}")


def _install(missing: list[str]) -> None:
    rights = _may_install()
    if rights is None:
        names = " ".join(_packages(missing))
        raise SetupError(
            f"belum ada / missing: {names}. Jalankan / run:\n\n    sudo apt-get install -y {names}"
        )
    _say(f"belum ada / missing: {', '.join(missing)}; apt-get install")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    _run("system", [*rights, "apt-get", "update", "-q"], quiet)
    names = " ".join(_packages(missing))
    _run("system", [*rights, "apt-get", "install", "-qy", "--no-install-recommends", *names.split()], quiet)


def _packages(missing: list[str]) -> list[str]:
    """Return package names; ``java`` becomes the oldest Java that is new enough and that this system has."""
    java_package = next((name for name in JAVA_PACKAGES if _has_package(name)), "default-jre-headless")
    return [java_package if name == "java" else name for name in missing]


def _has_package(name: str) -> bool:
    apt_cache = shutil.which("apt-cache")
    if apt_cache is None:
        return False
    return subprocess.run([apt_cache, "show", name], capture_output=True, check=False).returncode == 0


def _may_install() -> list[str] | None:
    """Return what to put before ``apt-get``, None when this user may not or there is no apt."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


def _run_online_or_offline(
    name: str, command: Command, offline: str, env: Mapping[str, str] | None = None
) -> None:
    try:
        _run(name, command, env)
    except SetupError as online:
        _say(f"{name}: tanpa jaringan? / no network? Trying what is in .local/cache")
        try:
            _run(f"{name}-offline", [*command, offline], env)
        except SetupError:
            raise online from None  # what failed first is what the person can mend


def _run(name: str, command: Command, env: Mapping[str, str] | None = None) -> None:
    """Run to the end with its output in a log file, saying every two seconds that it goes on."""
    log = SETUP / f"{name}.log"
    with log.open("w", encoding="utf-8") as out, _progress(name, log):
        ended = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=ROOT,
            check=False,
        )
    if ended.returncode != 0:
        tail = "\n".join(f"    {line}" for line in _last_lines(log, 15))
        raise SetupError(f"{name}: gagal / failed ({ended.returncode}); {log}:\n{tail}")


@contextmanager
def _progress(name: str, log: Path) -> Iterator[None]:
    done = threading.Event()
    start = time.monotonic()

    def tick() -> None:
        while not done.wait(SAY_EVERY_S):
            last = "".join(_last_lines(log, 1))[:90]
            _say(f"{name}: {time.monotonic() - start:.0f} s  {last}")

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        done.set()
        ticker.join()


def _together(*steps: Callable[[], None]) -> None:
    with ThreadPoolExecutor() as pool:
        for running in [pool.submit(step) for step in steps]:
            running.result()


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (SETUP / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _python_pins() -> str:
    projects = sorted(
        [*ROOT.glob("pyproject.toml"), *ROOT.glob("*/pyproject.toml"), *ROOT.glob("*/*/pyproject.toml")]
    )
    return _digest(ROOT / "uv.lock", *projects)


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _stamp(name: str, value: str) -> None:
    (SETUP / f"{name}.stamp").write_text(value, encoding="utf-8")


def _stamped(name: str, value: str) -> bool:
    stamp = SETUP / f"{name}.stamp"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == value


def _last_lines(log: Path, count: int) -> list[str]:
    text = re.sub("\x1b\\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
    return [line for line in text.splitlines() if line.strip()][-count:]


def _say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def _say_how_to_use_uv() -> None:
    if shutil.which("uv") is None:
        _say('untuk / to use `uv run …`: export PATH="$PWD/.local/bin:$PATH"')


if __name__ == "__main__":
    if sys.version_info < PYTHON_NEEDED:
        sys.exit("[setup] Python 3.11+ dibutuhkan / is needed: run `make PYTHON=python3.11 …`")
    sys.exit(main())
