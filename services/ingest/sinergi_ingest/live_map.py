"""The land in force, that of the activated region pack; read only once a source is limited to areas."""

import asyncio
from collections.abc import Callable, Sequence

from sinergi_ingest.land import Land, read_land
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.directory import Source
from sinergi_shared.region.activated import Packs
from sinergi_shared.runtime.activations import Activations, Pending


class LiveMap:
    """Follows activations; ``tell`` hears of each land that is read, and of why one cannot be.

    ``current`` is nothing until it is needed, and while no pack can be read: nobody is refused by
    where he was then.
    """

    def __init__(self, packs: Packs, tell: Callable[[Pending | None], None]) -> None:
        self._packs = packs
        self.current: Land | None = None
        self.activations = Activations(self._bring, tell, first=True)

    async def refresh(self, sources: Sequence[Source]) -> None:
        """Read the land if one of these sources needs it and it is another now."""
        if any(source.areas for source in sources):
            await self.activations.catch_up()

    async def _bring(self, activation: Activation | None) -> None:
        self.current = await asyncio.to_thread(lambda: read_land(self._packs.pack_of(activation)))
