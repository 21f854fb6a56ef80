"""The map in force, that of the activated region pack; read only once a source is limited to areas."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from sinergi_ingest.land import Land, read_land
from sinergi_shared.contracts.activation import PACK_KEY, Activation, read_activation
from sinergi_shared.directory import Source
from sinergi_shared.region.activated import read_activated
from sinergi_shared.region.pack import read_pack
from sinergi_shared.runtime.lanes import Record


class LiveMap:
    """Holds the map; ``first`` is the pack until one is activated, those lie below ``packs``.

    ``current`` is nothing until it is needed, and while no pack can be read: nobody is refused by
    where he was then. ``problem`` says why the map in force is not that of the newest activation.
    """

    def __init__(self, first: Path, packs: Path) -> None:
        self._first = first
        self._packs = packs
        self._wanted: Activation | None = None
        self._used: Activation | None = None
        self.current: Land | None = None
        self.problem: str | None = None

    def take(self, record: Record) -> None:
        """Take one record of ``sinergi.controls.v1``; what is no activation is for others to judge."""
        if record.key == PACK_KEY and record.value is not None:
            with suppress(ValidationError):
                self._wanted = read_activation(record.value)

    async def refresh(self, sources: Sequence[Source], changed: Callable[[], None]) -> None:
        """Read the map if one of these sources needs it and it is another now; ``changed`` hears of it."""
        wanted = self._wanted
        is_read = self.current is not None and self._used == wanted
        if is_read or not any(source.areas for source in sources):
            return
        before, self.problem = self.problem, None
        try:
            self.current = await asyncio.to_thread(self._read, wanted)
            self._used = wanted
        except Exception as error:  # noqa: BLE001 - no pack may stop an ingest that takes reports without one
            self.problem = f"{type(error).__name__}: {error}"
        if self.problem is None or self.problem != before:
            changed()

    def _read(self, activation: Activation | None) -> Land:
        return read_land(read_activated(self._packs, activation) if activation else read_pack(self._first))
