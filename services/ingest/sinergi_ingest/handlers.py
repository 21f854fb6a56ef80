"""The shell: bytes in, verdicts from the pure room, records out, an answer back."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sinergi_ingest import problem
from sinergi_ingest.admit import Admitted, Refused, Verdict, admit
from sinergi_ingest.answers import Problem
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.outbox import Outbox
from sinergi_ingest.receipts import Place, Receipts
from sinergi_ingest.records import Origin, event_record, rejected_record, status_record
from sinergi_ingest.statuses import Statuses
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.directory import Directory, Source
from sinergi_shared.runtime.transactions import Outgoing

_RETRY_AFTER_S: Final = 0.5
SIGNED_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that Kafka has, or in a check one that would be taken."""

    id: str
    event_number: str
    note_withheld: bool
    receipt: str | None = None


Answer = Accepted | Problem

Judge = Callable[[bytes | None, Collection[str], datetime], Verdict]
"""How bytes are read and judged: ``admit``, or what another format puts before it."""


class Intake:
    """Takes events of known sources, by either way; ``clock`` and ``seconds`` give the time."""

    def __init__(  # noqa: PLR0913 - one parameter a part that app.py wires
        self,
        directory: Directory,
        outbox: Outbox,
        metrics: IngestMetrics,
        *,
        receipts: Receipts,
        statuses: Statuses,
        lanes: int,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self._urns = frozenset(source.urn for source in directory.sources)
        self._outbox = outbox
        self._metrics = metrics
        self.receipts = receipts
        self._statuses = statuses
        self._lanes = lanes
        self._clock = clock
        self._seconds = seconds

    async def check(self, source: Source, bodies: Sequence[bytes], judge: Judge = admit) -> list[Answer]:
        """Return what ``take`` would answer, and keep nothing."""
        verdicts = await self._judge(bodies, self._urns, judge)
        for verdict in verdicts:
            self._metrics.checked.labels("no" if isinstance(verdict, Refused) else "yes").inc()
        return [self._answer(source, verdict) for verdict in verdicts]

    async def take(self, source: Source, bodies: Sequence[bytes], judge: Judge = admit) -> list[Answer]:
        """Store events and refusals; answer each item, ``202`` only for what Kafka has."""
        started, received_at = self._seconds(), self._clock()
        verdicts = await self._judge(bodies, self._urns, judge)
        spoken = [index for index, verdict in enumerate(verdicts) if not self._of_another(source, verdict)]
        records = [
            self._record(verdicts[index], Origin(source, bodies[index], received_at)) for index in spoken
        ]
        stored = dict(zip(spoken, await self._outbox.publish(records), strict=True))
        self._metrics.seconds.labels("http").observe(self._seconds() - started)
        for index, place in stored.items():
            self._metrics.told("http", verdicts[index], stored=place is not None)
        answers: list[Answer] = []
        for index, verdict in enumerate(verdicts):
            if index not in stored:
                answers.append(self._answer(source, verdict))
                continue
            answers.append(self._told(source, verdict, stored[index], received_at))
            if index % SIGNED_AT_ONCE == SIGNED_AT_ONCE - 1:
                await asyncio.sleep(0)  # a thousand signatures must not hold up anybody else
        return answers

    async def take_submitted(self, origins: Sequence[Origin], bodies: Sequence[bytes | None]) -> None:
        """Store events of Kafka senders, and tell them of refusals; return once all of it is stored."""
        started = self._seconds()
        verdicts = [
            (await self._judge([body], {origin.source.urn}))[0]
            for origin, body in zip(origins, bodies, strict=True)
        ]
        records = [
            record
            for verdict, origin in zip(verdicts, origins, strict=True)
            for record in self._submitted_records(verdict, origin)
        ]
        await self._store_all(records)
        self._metrics.seconds.labels("kafka").observe(self._seconds() - started)
        for verdict in verdicts:
            self._metrics.told("kafka", verdict, stored=True)

    async def _judge(
        self,
        bodies: Sequence[bytes | None],
        known_sources: frozenset[str] | set[str],
        judge: Judge = admit,
    ) -> list[Verdict]:
        verdicts = []
        for body in bodies:
            verdicts.append(judge(body, known_sources, self._clock()))
            await asyncio.sleep(0)  # a batch of hostile bodies must not hold up anybody else
        return verdicts

    async def _store_all(self, records: list[Outgoing]) -> None:
        while records:
            stored = await self._outbox.publish(records)
            missing = stored.index(None) if None in stored else len(records)
            # From the first missing one on, so that updates stay behind their original.
            records = records[missing:]
            if records:
                self._metrics.unstored.labels("kafka").inc()
                await asyncio.sleep(_RETRY_AFTER_S)

    def _submitted_records(self, verdict: Verdict, origin: Origin) -> list[Outgoing]:
        record = self._record(verdict, origin)
        told = [status_record(verdict, origin, self._clock())] if isinstance(verdict, Refused) else []
        return [record, *told]

    def _record(self, verdict: Verdict, origin: Origin) -> Outgoing:
        match verdict:
            case Admitted():
                return event_record(verdict, self._lanes)
            case Refused():
                return rejected_record(verdict, origin, self._clock(), self._lanes)

    def _of_another(self, source: Source, verdict: Verdict) -> bool:
        claimed = verdict.claim.source
        return claimed in self._urns and claimed != source.urn

    def _told(self, source: Source, verdict: Verdict, place: Place | None, received_at: datetime) -> Answer:
        if place is None:
            return problem.at_the_door(Reason.UNAVAILABLE)
        answer = self._answer(source, verdict)
        if not isinstance(verdict, Admitted) or not isinstance(answer, Accepted):
            return answer
        self._statuses.accepted(verdict.event, received_at)
        receipt = self.receipts.sign(verdict.document, place, received_at)
        return replace(answer, receipt=receipt)

    def _answer(self, source: Source, verdict: Verdict) -> Answer:
        if self._of_another(source, verdict):
            self._metrics.turned_away.labels(Reason.NOT_ALLOWED).inc()
            return problem.at_the_door(Reason.NOT_ALLOWED)
        match verdict:
            case Refused():
                return problem.refused(verdict)
            case Admitted(event=event):
                withheld = verdict.note_withheld is not None
                return Accepted(event.id, event.data.eventNumber, withheld)
