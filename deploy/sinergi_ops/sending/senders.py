"""Two ways to send events and learn what became of them: HTTP and Kafka.

    async with HttpSender("http://127.0.0.1:8080", read_keys(KEYS)) as sender:
        receipt = await sender.send(body)

Both may be called for many events at once. Whoever sends the next revision of an event waits for
the receipt of the last. What is away is tried again as long as ``Patience`` lasts.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import httpx
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from pydantic import ValidationError

from sinergi_ingest.admit import Claim, read_claim
from sinergi_ingest.answers import Problem, Taken
from sinergi_ingest.problem import Advice
from sinergi_ops.brokers import servers
from sinergi_ops.sending.patience import Patience
from sinergi_ops.sending.receipt import (
    Answer,
    Receipt,
    nobody_answers,
    not_judged,
    refused,
    unavailable,
    without_key,
    without_topics,
)
from sinergi_ops.sending.statuses import LEAVE_WITHIN_S, NoSuchSourceError, Statuses, listen
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.envelope import CONTENT_TYPE
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule
from sinergi_shared.contracts.status import StatusEvent
from sinergi_shared.contracts.strict_json import UnreadableError, parse_object
from sinergi_shared.directory import source_name
from sinergi_shared.runtime import kafka

PATIENCE_S: Final = 30.0
EVENTS: Final = "/v1/events"
CHECK: Final = "/v1/events:check"
_AWAY: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_AT_LEAST_S: Final = 1.0
_ROUTER: Final = "urn:sinergi:layanan:router"


class KeysError(Exception):
    """The file of API keys cannot be used; says what is needed, never what stood there."""


def read_keys(path: Path) -> dict[str, str]:
    """Return each source's API key by its URN from a YAML file; raise ``KeysError``."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise KeysError(f"{path.name}: {type(error).__name__}; a readable YAML file is needed") from None
    if not isinstance(found, dict) or not all(
        isinstance(text, str) for pair in found.items() for text in pair
    ):
        raise KeysError(f"{path.name}: one line a source is needed: `urn:sinergi:sumber:…: sng_…`")
    return found


class HttpSender:
    """Posts events to ingest, each with the key of its source; ``key`` speaks for sources without one.

    With ``path`` ``CHECK`` ingest says what it would answer and keeps nothing.
    """

    def __init__(
        self,
        base_url: str,
        keys: Mapping[str, str],
        *,
        key: str | None = None,
        path: str = EVENTS,
        patience: Patience | None = None,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}{path}"
        self._keys = keys
        self._key = key
        self._patience = patience or Patience(PATIENCE_S)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(20.0, connect=5.0),
            # A proxy of the surroundings does not reach this machine itself.
            trust_env=urlsplit(base_url).hostname not in _LOOPBACK,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._client.aclose()

    async def send(self, body: bytes) -> Receipt:
        """Send one event and return ingest's answer; stored means that every in-sync broker has it."""
        key = self._keys.get(_claim(body).source or "", self._key)
        if key is None:
            return _without_key(body)
        attempt = 0
        while True:
            answer = await self._post(body, key)
            if answer is not None and answer.status_code not in _AWAY:
                self._patience.answered()
                return _told(answer, self._url)
            attempt += 1
            if not await self._patience.pause(attempt, _retry_after(answer)):
                return nobody_answers(self._url)

    async def _post(self, body: bytes, key: str) -> httpx.Response | None:
        headers = {"authorization": f"Bearer {key}", "content-type": CONTENT_TYPE}
        try:
            return await self._client.post(self._url, content=body, headers=headers)
        except httpx.TransportError:
            return None


class KafkaSender:
    """Writes events to the topic of their source and hears its status topic for what became of them."""

    def __init__(self, bootstrap: str, *, patience: Patience | None = None) -> None:
        self._bootstrap = servers(bootstrap)
        self._patience = patience or Patience(PATIENCE_S)
        self._connecting = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None
        self._statuses: dict[str, Statuses] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.gather(*(statuses.close() for statuses in self._statuses.values()))
        if self._producer is not None:
            # Bounded: with the broker away the client's own stop may never return.
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_WITHIN_S):
                    await self._producer.stop()

    async def send(self, body: bytes) -> Receipt:
        """Send one event and return ingest's refusal or the router's outcome.

        What cannot be sent by this way at all (no source to choose the topic by) is refused as
        ingest would.
        """
        claim = _claim(body)
        if claim.source is None:
            return _without_source(body)
        attempt = 0
        while True:
            try:
                return await self._ask(body, claim, source_name(claim.source))
            except NoSuchSourceError:
                return without_topics()
            except MessageSizeTooLargeError:
                return refused(Reason.TOO_LARGE, Rule.SIZE)
            except KafkaError:
                attempt += 1
                if not await self._patience.pause(attempt):
                    return nobody_answers(f"Kafka {', '.join(self._bootstrap)}")

    async def _ask(self, body: bytes, claim: Claim, source: str) -> Receipt:
        producer, statuses = await self._connected(source)
        since, started = len(statuses.heard), asyncio.get_running_loop().time()
        stored = await producer.send_and_wait(
            topics.submitted(source),
            body,
            key=claim.event_number.encode() if claim.event_number else None,
            headers=[("content-type", CONTENT_TYPE.encode())],
        )
        # The id that ingest derives for the refusal of this very record.
        refusal = derived_uuid("status", stored.topic, str(stored.partition), str(stored.offset))

        def fits(status: StatusEvent) -> bool:
            outcome = (status.source, status.data.eventId, status.data.eventNumber)
            return status.id == refusal or outcome == (_ROUTER, claim.id, claim.event_number)

        try:
            async with asyncio.timeout(max(self._patience.left, _AT_LEAST_S)):
                status = await statuses.wait_for(since, fits)
        except TimeoutError:
            self._patience.failed(started)
            return not_judged()
        self._patience.answered()
        return _judged(status)

    async def _connected(self, source: str) -> tuple[AIOKafkaProducer, Statuses]:
        async with self._connecting:
            if self._producer is None:
                producer = kafka.producer(self._bootstrap)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            if source in self._statuses and self._statuses[source].ended:
                await self._statuses.pop(source).close()
            if source not in self._statuses:
                self._statuses[source] = await listen(self._bootstrap, source)
            return self._producer, self._statuses[source]


def _claim(body: bytes) -> Claim:
    try:
        return read_claim(parse_object(body))
    except UnreadableError:
        return Claim()


def _without_source(body: bytes) -> Receipt:
    try:
        parse_object(body)
    except UnreadableError as error:
        return refused(Reason.SCHEMA_INVALID, error.rule)
    return refused(Reason.ENVELOPE_INVALID, Rule.ATTRIBUTE, ("/source",))


def _without_key(body: bytes) -> Receipt:
    return without_key() if _claim(body).source else _without_source(body)


def _told(answer: httpx.Response, url: str) -> Receipt:
    try:
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            taken = Taken.model_validate_json(answer.content)
            return Receipt(Answer.ACCEPTED, note_withheld=taken.noteWithheld)
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return _not_ingest(url, answer.status_code)
    return Receipt(
        Answer.REFUSED,
        reason=problem.reason,
        rule=problem.rule,
        fields=problem.pointers,
        advice=Advice(problem.title, problem.titleEn, problem.detail, problem.detailEn),
    )


def _not_ingest(url: str, status: int) -> Receipt:
    return unavailable(
        Advice(
            f"{url} menjawab {status}, bukan seperti ingest",
            f"{url} answers {status}, not as ingest does",
            "Periksa alamat ingest (--url)",
            "Check the address of ingest (--url)",
        )
    )


def _retry_after(answer: httpx.Response | None) -> float:
    told = answer.headers.get("retry-after", "") if answer is not None else ""
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _judged(status: StatusEvent) -> Receipt:
    data = status.data
    if data.state is not Outcome.REJECTED or data.reason is None:
        return Receipt(
            Answer.ACCEPTED, outcome=data.state, reason=data.reason, note_withheld=data.noteWithheld
        )
    return refused(data.reason, data.rule, data.fields)
