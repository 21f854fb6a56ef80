"""What ingest looks at again and again, and what it says of that: in its log, to operators, in the audit."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final

from aiokafka.errors import KafkaError

from sinergi_ingest.certificates import LiveCertificates
from sinergi_ingest.live import LiveDirectory
from sinergi_ingest.live_map import LiveMap
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.newcomers import Newcomers
from sinergi_ingest.outbox import Outbox
from sinergi_ingest.records import files_record, silence_record, topics_record
from sinergi_ingest.vigil import Vigil
from sinergi_shared.contracts.audit import AlarmKind
from sinergi_shared.region.activated import Packs
from sinergi_shared.runtime import logs
from sinergi_shared.runtime.activations import Pending
from sinergi_shared.runtime.transactions import Outgoing

EVERY_S: Final = 1.0
TOPICS_AGAIN_S: Final = 5.0


class Watch:
    """Sees when the directory, the land, the certificates or a source's voice is another than before.

    ``clock`` and ``seconds`` give the time. What Kafka does not take of the audit is said again later.
    """

    def __init__(  # noqa: PLR0913 - one parameter a part that app.py wires
        self,
        live: LiveDirectory,
        packs: Packs,
        certificates: LiveCertificates | None,
        vigil: Vigil,
        outbox: Outbox,
        metrics: IngestMetrics,
        *,
        lanes: int,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self.map = LiveMap(packs, self._map_changed)
        self._live = live
        self._certificates = certificates
        self._vigil = vigil
        self._outbox = outbox
        self._metrics = metrics
        self._lanes = lanes
        self._clock = clock
        self._seconds = seconds
        self._wrong: set[AlarmKind] = set()
        self._unsaid: list[Outgoing] = []
        self._log = logs.logger()

    async def look(self) -> None:
        """Look at everything once."""
        await self._live.refresh(self._directory_changed)
        await self.look_at_map()
        if self._certificates is not None:
            await self._certificates.refresh(self._certificates_changed)
        self._listen()
        await self._say()

    async def look_at_map(self) -> None:
        """Read the map if it is needed and another now."""
        await self.map.refresh(self._live.current.sources)

    async def take_in(self, newcomers: Newcomers) -> None:
        """Have sources that come into the directory read once their topics are there; until cancelled."""
        while True:
            with suppress(KafkaError):  # away: looked again, and others tell of it
                await self._look_for(newcomers)
            await asyncio.sleep(TOPICS_AGAIN_S if newcomers.waiting else EVERY_S)

    async def _look_for(self, newcomers: Newcomers) -> None:
        waited = newcomers.waiting
        sources = self._live.current.sources
        await newcomers.look(sources)
        waiting = newcomers.waiting
        self._metrics.topics_missing(waiting, frozenset(source.urn for source in sources))
        now = self._clock()
        for source in sorted(waiting ^ waited):
            missing = source in waiting
            self._log.warning(
                "topics of a new source are missing" if missing else "a new source is read", source=source
            )
            self._unsaid.append(topics_record(source, now, self._lanes, missing=missing))

    def _directory_changed(self) -> None:
        self._files_changed(AlarmKind.DIRECTORY, self._live.problem)
        if self._live.problem is None:
            self._log.info("directory read again", count=len(self._live.current.sources))
        else:
            self._log.error("directory is wrong; the old one stays in force", problem=self._live.problem)

    def _map_changed(self, pending: Pending | None) -> None:
        self._metrics.map_pending(pending=pending is not None)
        if pending is None:
            self._log.info("map read")
        else:
            self._log.error("the map cannot be read; sources are held to the old one", problem=pending.told)

    def _certificates_changed(self) -> None:
        problem = self._certificates.problem if self._certificates else None
        self._files_changed(AlarmKind.CERTIFICATES, problem)
        if problem is None:
            self._log.info("certificates read again")
        else:
            self._log.error("certificates are wrong; the old ones stay in force", problem=problem)

    def _files_changed(self, kind: AlarmKind, problem: str | None) -> None:
        wrong = problem is not None
        self._metrics.files_wrong(kind, wrong=wrong)
        if wrong != (kind in self._wrong):
            self._wrong ^= {kind}
            self._unsaid.append(files_record(kind, self._clock(), self._lanes, wrong=wrong))

    def _listen(self) -> None:
        now = self._clock()
        sources = self._live.current.sources
        for change in self._vigil.look(sources, self._seconds()):
            self._log.warning(
                "source fell silent" if change.is_silent else "source speaks again", source=change.source
            )
            self._unsaid.append(silence_record(change, now, self._lanes))
        self._metrics.silence(self._vigil.silent, frozenset(source.urn for source in sources))

    async def _say(self) -> None:
        if self._unsaid and self._outbox.answers:
            saying, self._unsaid = self._unsaid, []
            stored = await self._outbox.publish(saying)
            self._unsaid[:0] = [record for record, kept in zip(saying, stored, strict=True) if not kept]
