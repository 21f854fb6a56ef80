"""The directory in force: read again when its file changes; a broken new one leaves the old in force."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from sinergi_shared.directory import Directory, DirectoryError, read_directory

DEMO_KEY: Final = "demo-"


class LiveDirectory:
    """Holds the directory; ``demo`` allows the demo's well-known keys."""

    def __init__(self, path: Path, *, demo: bool) -> None:
        self._path = path
        self._demo = demo
        self._seen = _stamp(path)
        self.problem: str | None = None
        self.current = self._read()

    async def refresh(self, changed: Callable[[], None]) -> None:
        """Read the file again if it is another one now; ``changed`` is called when it was."""
        stamp = await asyncio.to_thread(_stamp, self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self.current = await asyncio.to_thread(self._read)
            self.problem = None
        except DirectoryError as error:
            self.problem = str(error)
        changed()

    def _read(self) -> Directory:
        directory = read_directory(self._path)
        known = [key.id for source in directory.sources for key in source.credentials]
        if not self._demo and any(key.startswith(DEMO_KEY) for key in known):
            raise DirectoryError("the directory holds the demo's well-known keys; make keys of your own")
        return directory


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        # Follows links: a mounted secret is changed by turning one (Kubernetes).
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns, told.st_size
