"""Follows activations of region packs, so that letters use the names of the pack in force.

Nothing waits for it: until the words are there, an office that the old pack does not know is called
by its code, and its times are those of Pontianak.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from sinergi_shared.contracts.activation import PACK_KEY, Activation, read_activation
from sinergi_shared.region.labels import Labels
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime import logs
from sinergi_shared.runtime.lanes import Record

RETRY_S: Final = 2.0


class Relabel:
    """Reads each activated pack's labels and hands them on.

    ``read`` returns the labels of an activation's pack or raises ``PackError``; ``use`` takes them;
    ``pending`` hears whether the newest ones are still to come.
    """

    def __init__(
        self,
        read: Callable[[Activation], Labels],
        use: Callable[[Labels], None],
        pending: Callable[[bool], None],
    ) -> None:
        self._read = read
        self._use = use
        self._pending = pending
        self._wanted: Activation | None = None
        self._used: Activation | None = None
        self._missed: Activation | None = None
        self._news = asyncio.Event()

    def take(self, record: Record) -> None:
        """Take one record of ``sinergi.controls.v1``; what is no activation is for others to judge."""
        if record.key == PACK_KEY and record.value is not None:
            with suppress(ValidationError):
                self._wanted = read_activation(record.value)
                self._news.set()

    async def run(self) -> None:
        """Read labels as packs are activated, and try again what could not be read; until cancelled."""
        while True:
            self._news.clear()
            await self.catch_up()
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._news.wait()

    async def catch_up(self) -> None:
        """Try once to use the labels of the newest activation."""
        wanted = self._wanted
        if wanted is None or wanted == self._used:
            return
        try:
            labels = await asyncio.to_thread(self._read, wanted)
        except PackError as error:
            if wanted != self._missed:
                logs.logger().warning(
                    "letters use the words of the old pack",
                    policy_version=wanted.policyVersion,
                    problem=str(error),
                )
            self._missed = wanted
            self._pending(True)  # noqa: FBT003 - the state that it tells
            return
        self._use(labels)
        self._used = wanted
        self._pending(False)  # noqa: FBT003 - as above
