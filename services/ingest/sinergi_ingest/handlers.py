"""The shell: bytes in, verdicts from the pure room, records out, an answer back."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sinergi_ingest import problem
from sinergi_ingest.admit import Admitted, Refused
from sinergi_ingest.allowed import forbidden, of_another, outside
from sinergi_ingest.answers import Problem
from sinergi_ingest.heartbeat import Beat
from sinergi_ingest.judges import Judge, Judged, judge_json, judge_submitted
from sinergi_ingest.land import Land
from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.outbox import Outbox
from sinergi_ingest.receipts import Place, Receipts, Stored
from sinergi_ingest.records import Origin, event_record, rejected_record, status_record
from sinergi_ingest.statuses import Statuses
from sinergi_ingest.vigil import Vigil
from sinergi_ingest.who import Caller
from sinergi_shared.contracts.reasons import Reason, Rule, Stage
from sinergi_shared.directory import Directory, Source
from sinergi_shared.runtime.transactions import Outgoing

_RETRY_AFTER_S: Final = 0.5
AT_ONCE: Final = 256
"""So many events are answered, under one signature, before others get their turn: some milliseconds."""

BYTES_AT_ONCE: Final = 16_384
"""As many are judged before others get their turn: one or two milliseconds, or ten of a hostile event.

A longer event is judged in a thread: no honest one is so long, and nobody shall wait for as long as
a hostile one can make its judging last.
"""


class Accepted(NamedTuple):
    """An event that Kafka has, or in a check one that would be taken; a heartbeat has no number."""

    id: str
    event_number: str | None
    note_withheld: bool
    receipt: str | None = None


Answer = Accepted | Problem


class Intake:
    """Takes events of known sources, by either way; ``clock`` and ``seconds`` give the time.

    ``directory`` gives the one in force, so a source that leaves is refused from the next message on;
    ``land`` gives the one in force, or nothing while there is none.
    """

    def __init__(  # noqa: PLR0913 - one parameter a part that app.py wires
        self,
        directory: Callable[[], Directory],
        land: Callable[[], Land | None],
        outbox: Outbox,
        metrics: IngestMetrics,
        vigil: Vigil,
        *,
        receipts: Receipts,
        statuses: Statuses,
        lanes: int,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._land = land
        self._vigil = vigil
        self._outbox = outbox
        self._metrics = metrics
        self.receipts = receipts
        self._statuses = statuses
        self._lanes = lanes
        self._clock = clock
        self._seconds = seconds

    async def check(self, caller: Caller, bodies: Sequence[bytes], judge: Judge = judge_json) -> list[Answer]:
        """Return what ``take`` would answer, and keep nothing."""
        urns = self._urns
        verdicts = await self._judge(bodies, urns, judge)
        for verdict in verdicts:
            self._metrics.checked.labels("no" if isinstance(verdict, Refused) else "yes").inc()
        turned = self._turned(caller, verdicts, urns)
        return [problem or self._answer(verdict) for problem, verdict in zip(turned, verdicts, strict=True)]

    async def take(self, caller: Caller, bodies: Sequence[bytes], judge: Judge = judge_json) -> list[Answer]:
        """Store events and refusals; answer each item, ``202`` only for what Kafka has."""
        started, received_at = self._seconds(), self._clock()
        self._vigil.heard(caller.source.urn, started)
        urns = self._urns
        verdicts = await self._judge(bodies, urns, judge)
        turned = self._turned(caller, verdicts, urns)
        spoken = [index for index, problem in enumerate(turned) if problem is None]
        kept = [index for index in spoken if not isinstance(verdicts[index], Beat)]
        records: list[Outgoing] = []
        for number, index in enumerate(kept):
            verdict = verdicts[index]
            if isinstance(verdict, Admitted):
                records.append(event_record(verdict, self._lanes))
            else:
                origin = Origin(caller.source, bodies[index], received_at)
                records.append(self._record(verdict, origin))
            if number % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)  # a thousand refusals must not hold up anybody else
        places = dict(zip(kept, await self._outbox.publish(records), strict=True))
        unstored = {index for index, place in places.items() if place is None}
        self._metrics.seconds.labels("http").observe(self._seconds() - started)
        self._told("http", [(verdicts[index], index not in unstored) for index in spoken])
        receipts = await self._receipts(verdicts, places, received_at)
        answers: list[Answer] = []
        for index, verdict in enumerate(verdicts):
            if index in unstored:
                answers.append(problem.at_the_door(Reason.UNAVAILABLE))
            else:
                answers.append(turned[index] or self._answer(verdict, receipts.get(index)))
            if index % AT_ONCE == AT_ONCE - 1:
                await asyncio.sleep(0)
        return answers

    async def take_submitted(self, origins: Sequence[Origin], bodies: Sequence[bytes | None]) -> None:
        """Store events of Kafka senders, and tell them of refusals; return once all of it is stored."""
        started, urns = self._seconds(), self._urns
        verdicts = [
            (
                await self._judge(
                    [body], {origin.source.urn} & urns, judge_submitted(origin.headers, origin.source)
                )
            )[0]
            for origin, body in zip(origins, bodies, strict=True)
        ]
        verdicts = self._within_limits(verdicts, origins)
        records = [
            record
            for verdict, origin in zip(verdicts, origins, strict=True)
            for record in self._submitted_records(verdict, origin)
        ]
        await self._store_all(records)
        self._metrics.seconds.labels("kafka").observe(self._seconds() - started)
        for origin in origins:
            self._vigil.heard(origin.source.urn, started)
        self._told("kafka", [(verdict, True) for verdict in verdicts])

    @property
    def _urns(self) -> frozenset[str]:
        return frozenset(source.urn for source in self._directory().sources)

    def _told(self, way: str, outcomes: Sequence[tuple[Judged, bool]]) -> None:
        self._metrics.told(way, outcomes)
        for verdict, _stored in outcomes:
            if isinstance(verdict, Beat):
                self._vigil.heard(verdict.source, self._seconds(), verdict.interval_s)

    async def _judge(
        self, bodies: Sequence[bytes | None], known_sources: Collection[str], judge: Judge = judge_json
    ) -> list[Judged]:
        verdicts: list[Judged] = []
        read, now = 0, self._clock()
        for body in bodies:
            size = len(body or b"")
            asked = body, known_sources, now
            long = size > BYTES_AT_ONCE
            verdicts.append(await asyncio.to_thread(judge, *asked) if long else judge(*asked))
            read += size
            if read >= BYTES_AT_ONCE:
                await asyncio.sleep(0)  # a batch of hostile bodies must not hold up anybody else
                read, now = 0, self._clock()
        return verdicts

    async def _receipts(
        self, verdicts: Sequence[Judged], places: Mapping[int, Place | None], at: datetime
    ) -> dict[int, str]:
        """Return the receipt of each event that Kafka has, by its place in the request."""
        stored: dict[int, Stored] = {}
        for index, place in places.items():
            verdict = verdicts[index]
            if place is not None and isinstance(verdict, Admitted):
                stored[index] = Stored(verdict.document, place)
                self._statuses.accepted(verdict.event, at)
        receipts: list[str] = []
        told = list(stored.values())
        for start in range(0, len(told), AT_ONCE):
            receipts += self.receipts.sign(told[start : start + AT_ONCE], at)
            if start:
                await asyncio.sleep(0)
        return dict(zip(stored, receipts, strict=True))

    async def _store_all(self, records: list[Outgoing]) -> None:
        while records:
            stored = await self._outbox.publish(records)
            missing = stored.index(None) if None in stored else len(records)
            # From the first missing one on, so that updates stay behind their original.
            records = records[missing:]
            if records:
                self._metrics.unstored.labels("kafka").inc()
                await asyncio.sleep(_RETRY_AFTER_S)

    def _within_limits(self, verdicts: Sequence[Judged], origins: Sequence[Origin]) -> list[Judged]:
        """Return these verdicts, but of an event that its source may not send a refusal."""
        kept = list(verdicts)
        for urn in {origin.source.urn for origin in origins}:
            source = self._directory().source(urn)
            mine = [index for index, origin in enumerate(origins) if origin.source.urn == urn]
            if source is not None:
                pointers = self._forbidden(source, [verdicts[index] for index in mine], only_tests=False)
                for index, told in zip(mine, pointers, strict=True):
                    if told:
                        # NOT_ALLOWED is an answer at the door; on topics a source is unknown for that.
                        claim = verdicts[index].claim
                        kept[index] = Refused(Reason.SOURCE_UNKNOWN, Rule.SOURCE, Stage.ENVELOPE, told, claim)
        return kept

    def _forbidden(
        self, source: Source, verdicts: Sequence[Judged], *, only_tests: bool
    ) -> list[tuple[str, ...]]:
        """Return pointers to what each of these events may not say when it comes from this source."""
        found: list[tuple[str, ...]] = [()] * len(verdicts)
        events = {index: one for index, one in enumerate(verdicts) if isinstance(one, Admitted)}
        places = [one.event.data.location for one in events.values()]
        told = outside(places, source, self._land())
        for (index, one), of_others in zip(events.items(), told, strict=True):
            found[index] = forbidden(one, source, only_tests=only_tests, of_others=of_others)
        return found

    def _submitted_records(self, verdict: Judged, origin: Origin) -> list[Outgoing]:
        if isinstance(verdict, Beat):
            return []
        record = self._record(verdict, origin)
        told = [status_record(verdict, origin, self._clock())] if isinstance(verdict, Refused) else []
        return [record, *told]

    def _record(self, verdict: Judged, origin: Origin) -> Outgoing:
        match verdict:
            case Admitted():
                return event_record(verdict, self._lanes)
            case Refused():
                return rejected_record(verdict, origin, self._clock(), self._lanes)
            case Beat():
                raise TypeError("a heartbeat is on no topic of ours")

    def _turned(
        self, caller: Caller, verdicts: Sequence[Judged], urns: frozenset[str]
    ) -> list[Problem | None]:
        """Return for each whether it is turned away at the door, and with which words."""
        pointers = self._forbidden(caller.source, verdicts, only_tests=caller.only_tests)
        found: list[Problem | None] = []
        for verdict, told in zip(verdicts, pointers, strict=True):
            if not isinstance(verdict, Admitted) and of_another(verdict.claim, caller.source, urns):
                found.append(problem.of_another(verdict.claim))
            else:
                found.append(problem.forbidden(verdict.claim, told) if told else None)
        if turned := sum(one is not None for one in found):
            self._metrics.turned_away.labels(Reason.NOT_ALLOWED).inc(turned)
        return found

    def _answer(self, verdict: Judged, receipt: str | None = None) -> Answer:
        match verdict:
            case Refused():
                return problem.refused(verdict)
            case Admitted(event=event):
                withheld = verdict.note_withheld is not None
                return Accepted(event.id, event.data.eventNumber, withheld, receipt)
            case Beat(claim=claim):
                return Accepted(claim.id or "", None, note_withheld=False)
