"""What is read again when its files change; a broken new one leaves the old in force."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

from sinergi_shared.directory import Directory, DirectoryError, read_directory

DEMO_KEY: Final = "demo-"
T = TypeVar("T")


class Live(Generic[T]):
    """Holds what ``read`` made of these files; the first time it must be able to.

    ``wrong`` is what ``read`` raises when it cannot; its text says what to do, and goes to the log.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[], T], wrong: type[Exception]) -> None:
        self._paths = paths
        self._read = read
        self._wrong = wrong
        self._seen = self._stamps()
        self.problem: str | None = None
        self.current = read()

    async def refresh(self, changed: Callable[[], None]) -> None:
        """Read the files again if one is another now; ``changed`` is called when it was."""
        stamps = await asyncio.to_thread(self._stamps)
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            self.current = await asyncio.to_thread(self._read)
            self.problem = None
        except self._wrong as error:
            self.problem = str(error)
        changed()

    def _stamps(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in self._paths]


class LiveDirectory(Live[Directory]):
    """The directory in force; ``demo`` allows the demo's well-known keys."""

    def __init__(self, path: Path, *, demo: bool) -> None:
        super().__init__([path], partial(_directory, path, demo=demo), DirectoryError)


def _directory(path: Path, *, demo: bool) -> Directory:
    directory = read_directory(path)
    known = [key.id for source in directory.sources for key in source.credentials]
    if not demo and any(key.startswith(DEMO_KEY) for key in known):
        raise DirectoryError("the directory holds the demo's well-known keys; make keys of your own")
    return directory


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        # Follows links: a mounted secret is changed by turning one (Kubernetes).
        told = path.stat()
    except OSError:
        return None
    return told.st_ino, told.st_mtime_ns, told.st_size
