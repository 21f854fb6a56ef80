"""Follows activations of region packs: the newest that anybody has named is tried until it is in force.

No pack may stop a service that has another one to work by, so whatever is wrong with it is told
and tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from pydantic import ValidationError

from sinergi_shared.contracts.activation import PACK_KEY, Activation, read_activation
from sinergi_shared.runtime.lanes import Record

RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Pending:
    """What is not in force yet (nothing is the pack of the settings), and why; alike while told alike."""

    wanted: Activation | None
    error: Exception = field(compare=False)
    told: str


class Activations:
    """One service's way from activation to activation.

    ``bring`` brings one into force, or raises why it cannot; what takes long in it is done outside of the
    event loop. ``tell`` hears once of each outcome: nothing when it is in force, else what is pending.
    With ``first`` the pack of the settings is still to be brought, too: as no activation.

    ``wanted`` is the newest activation that anybody has named, ``news`` is set with it. ``unreadable``
    says whether the newest record holds none: then the one before stays wanted.
    """

    def __init__(
        self,
        bring: Callable[[Activation | None], Awaitable[None]],
        tell: Callable[[Pending | None], None] = lambda _pending: None,
        *,
        first: bool = False,
    ) -> None:
        self.wanted: Activation | None = None
        self.unreadable = False
        self.pending: Pending | None = None
        self.news = asyncio.Event()
        self._bring = bring
        self._tell = tell
        self._due = first

    def take(self, record: Record) -> None:
        """Take one record of ``sinergi.controls.v1``; only activations are looked at."""
        if record.key != PACK_KEY or record.value is None:
            return
        try:
            activation = read_activation(record.value)
        except ValidationError:
            self.unreadable = True
            self.news.set()
        else:
            self.unreadable = False
            self.want(activation)

    def want(self, activation: Activation) -> None:
        """Name an activation that is to come into force; one older than is wanted already is passed over."""
        if self.wanted is None or activation.activation > self.wanted.activation:
            self.wanted = activation
            self._due = True
        self.news.set()

    async def run(self) -> None:
        """Bring activations into force as they come, and try again what could not be; until cancelled."""
        await self.follow(self.catch_up)

    async def follow(self, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Catch up now, at all news and every ``RETRY_S``, until cancelled."""
        while True:
            self.news.clear()
            await catch_up()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self.news.wait()

    async def catch_up(self) -> None:
        """Try once to bring the newest activation into force, unless it is."""
        if not self._due:
            return
        wanted, before = self.wanted, self.pending
        self._due = False  # until somebody names another, meanwhile too
        try:
            await self._bring(wanted)
            self.pending = None
        except Exception as error:  # noqa: BLE001 - see above
            self._due = True
            self.pending = Pending(wanted, error, f"{type(error).__name__}: {error}")
        if self.pending is None or self.pending != before:
            self._tell(self.pending)
