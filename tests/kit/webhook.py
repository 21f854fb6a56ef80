"""A real HTTP endpoint of an agency: verifies signatures and answers as scripted, call by call."""

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it arrived."""

    path: str
    headers: dict
    body: bytes
    verified: bool
    answer: object


class Receiver:
    """``scripts`` holds by path the answers to the next calls; then 200.

    An answer is a status, a status with ``Retry-After``, ``hang``, or ``redirect``.
    """

    def __init__(self, secret):
        self.port = 0
        self.scripts = {}
        self.always = {}
        self.calls = []
        self._secret = secret

    def url(self, path="/hook"):
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path):
        """Return the calls to a path."""
        return [call for call in self.calls if call.path == path]

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body = await _read(receive)
        path = scope["path"]
        script = self.scripts.get(path, [])
        answer = script.pop(0) if script else self.always.get(path, 200)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.calls.append(Call(path, headers, body, self._verified(headers, body), answer))
        if answer == "hang":
            await asyncio.Event().wait()
        status, extra = _answer(answer)
        await send({"type": "http.response.start", "status": status, "headers": extra})
        await send({"type": "http.response.body", "body": b"{}"})

    def _verified(self, headers, body):
        try:
            Webhook(self._secret).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True


async def _read(receive):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


def _answer(answer):
    if answer == "redirect":
        return 302, [(b"location", b"http://127.0.0.1:1/elsewhere")]
    if isinstance(answer, tuple):
        return answer[0], [(b"retry-after", answer[1].encode())]
    return answer, []


@asynccontextmanager
async def receiver(secret):
    """Run an endpoint on a free port of this machine."""
    endpoint = Receiver(secret)
    config = uvicorn.Config(
        endpoint, host="127.0.0.1", port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0)
    endpoint.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
