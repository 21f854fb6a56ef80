"""Whether a service works: from its assignment, its tasks and its last progress, never from a ping.

A reachable broker says nothing about our consumer (B71). An idle loop still beats, so a quiet
topic keeps a service ready.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from sinergi_shared.runtime.metrics import tell_of_process

READY_WITHIN_S: Final = 15.0
ALIVE_WITHIN_S: Final = 90.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiRoute = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(slots=True)
class Health:
    """What a service's parts report of themselves; ``clock`` gives monotonic seconds."""

    clock: Callable[[], float]
    beats: dict[str, float] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    stopping: bool = False

    def expect(self, part: str, task: asyncio.Task[Any]) -> None:
        """Count on this task: when it ends, the service is neither ready nor, after a while, alive."""
        self.tasks[part] = task
        self.beat(part)

    def beat(self, part: str) -> None:
        """Say that a part has just gone round, with or without work."""
        self.beats[part] = self.clock()

    def forget(self, part: str) -> None:
        """Expect no more beats of a part that is not ours any more."""
        self.beats.pop(part, None)

    def problem(self, part: str, text: str | None) -> None:
        """Set or clear what keeps the service from being ready, such as ``waiting for Kafka``."""
        if text is None:
            self.problems.pop(part, None)
        else:
            self.problems[part] = text

    def not_ready(self) -> dict[str, str]:
        """Return part and problem, empty when ready."""
        found = dict(self.problems)
        if self.stopping:
            found["service"] = "stopping"
        return found | self._quiet(READY_WITHIN_S)

    def not_alive(self) -> dict[str, str]:
        """Return part and problem for which a restart is the cure, empty when alive."""
        return self._quiet(ALIVE_WITHIN_S)

    def _quiet(self, within: float) -> dict[str, str]:
        ended = {part: "ended" for part, task in self.tasks.items() if task.done()}
        late = {
            part: f"no progress for {within:g} s"
            for part, beat in self.beats.items()
            if self.clock() - beat > within
        }
        return ended | late


def routes(health: Health, registry: CollectorRegistry) -> list[tuple[str, AsgiRoute]]:
    """Return ``/livez``, ``/readyz`` and ``/metrics`` as ASGI routes, once a registry."""
    tell_of_process(registry, lambda: not health.not_ready())

    async def livez(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _answer(send, health.not_alive())

    async def readyz(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _answer(send, health.not_ready())

    async def metrics(_scope: Scope, _receive: Receive, send: Send) -> None:
        await _send(send, 200, CONTENT_TYPE_LATEST, generate_latest(registry))

    return [("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)]


async def _answer(send: Send, problems: dict[str, str]) -> None:
    body = json.dumps({"ok": not problems, "problems": problems}).encode()
    await _send(send, 503 if problems else 200, "application/json", body)


async def _send(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
