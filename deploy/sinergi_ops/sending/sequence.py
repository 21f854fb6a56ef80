"""A file's events on their way: those of one event number one after the other, others side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sinergi_ingest.admit import Claim, read_claim
from sinergi_ops.sending.receipt import Receipt, held_back
from sinergi_shared.contracts.strict_json import UnreadableError, parse_object

AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Message:
    """One event of a file: its bytes as they stand, and what can be read of it."""

    body: bytes
    claim: Claim
    document: dict[str, Any] | None

    @property
    def event(self) -> tuple[str, str] | None:
        """Source and event number; ``None`` when they cannot be read, so nothing can follow it."""
        source, number = self.claim.source, self.claim.event_number
        return (source, number) if source and number else None


def read(body: bytes) -> Message:
    """Return a message for these bytes, whatever they hold."""
    try:
        document = parse_object(body)
    except UnreadableError:
        return Message(body, Claim(), None)
    return Message(body, read_claim(document), document)


def send_all(
    messages: Sequence[Message], send: Callable[[bytes], Awaitable[Receipt]]
) -> list[asyncio.Task[Receipt]]:
    """Start to send, and return a task with the receipt of each message, in the order given.

    A message waits for the receipt of the one before it of its event number. A refusal is final, so
    the next goes on; after one without an answer the rest is held back, lest a later revision
    overtake it.
    """
    gate = asyncio.Semaphore(AT_ONCE)
    last: dict[tuple[str, str], asyncio.Task[Receipt]] = {}
    tasks = []
    for message in messages:
        before = last.get(message.event) if message.event else None
        task = asyncio.create_task(_after(before, message, gate, send))
        if message.event:
            last[message.event] = task
        tasks.append(task)
    return tasks


async def _after(
    before: asyncio.Task[Receipt] | None,
    message: Message,
    gate: asyncio.Semaphore,
    send: Callable[[bytes], Awaitable[Receipt]],
) -> Receipt:
    if before is not None and (await before).unavailable:
        return held_back()
    async with gate:
        return await send(message.body)


async def cancel(tasks: Iterable[asyncio.Task[Receipt]]) -> None:
    """Stop what is not finished."""
    waiting = [task for task in tasks if not task.done()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
