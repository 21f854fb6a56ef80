"""A webhook receiver for agencies of the demo: checks each signature, keeps what arrives in a file.

``python -m sinergi_ops.parts.hooks --port 18090 --directory directory.yaml FOLDER`` serves; each
delivery is a line in ``FOLDER/<path's last part>.jsonl``. A delivery that was kept before is
answered with 200 and not kept twice: the receiver's duty in Standard Webhooks.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError

from sinergi_ops import probes
from sinergi_ops.ports import HOST
from sinergi_ops.supervisor import Child
from sinergi_shared.contracts.codes import Channel
from sinergi_shared.directory import Directory, read_directory
from sinergi_shared.runtime.health import Receive, Scope, Send

MOST_BYTES: Final = 1_048_576


def child(folder: Path, directory: Path, port: int) -> Child:
    """Return the receiver as a child to supervise; deliveries go to ``folder``."""
    program = (sys.executable, "-m", "sinergi_ops.parts.hooks")
    command = (*program, "--port", str(port), "--directory", str(directory), str(folder))
    return Child(name="hooks", command=command, ready=probes.tcp(port), stop_within_s=5)


def deliveries(folder: Path) -> list[dict[str, Any]]:
    """Return every delivery kept: ``hook``, ``id`` and the CloudEvent under ``alert``."""
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]


def secrets(directory: Directory) -> dict[str, str]:
    """Return each webhook's secret by the path of its address."""
    return {
        urlsplit(contact.address.get_secret_value()).path: contact.secret.get_secret_value()
        for contacts in directory.recipients.values()
        for contact in contacts
        if contact.channel is Channel.WEBHOOK and contact.secret is not None
    }


class Receiver:
    """An ASGI application: 204 for a good delivery, 401 for a bad signature, 404 for an unknown path."""

    def __init__(self, folder: Path, secret_of: Mapping[str, str]) -> None:
        self._folder = folder
        self._secret_of = secret_of
        self._kept: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one delivery."""
        status = await self._take(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _take(self, scope: Scope, receive: Receive) -> int:
        path = str(scope.get("path"))
        if path not in self._secret_of or scope.get("method") != "POST":
            return 404
        body = await _body(receive)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            alert = Webhook(self._secret_of[path]).verify(body, headers)
        except WebhookVerificationError:
            return 401
        self._keep(path.rpartition("/")[2], headers["webhook-id"], alert)
        return 204

    def _keep(self, hook: str, delivery: str, alert: object) -> None:
        if delivery in self._kept:
            return
        self._kept.add(delivery)
        line = json.dumps({"hook": hook, "id": delivery, "alert": alert}, ensure_ascii=False)
        with (self._folder / f"{hook}.jsonl").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")


async def _body(receive: Receive) -> bytes:
    whole = b""
    while len(whole) <= MOST_BYTES:
        message = await receive()
        whole += message.get("body", b"")
        if not message.get("more_body"):
            break
    return whole[:MOST_BYTES]


def main() -> None:
    """Serve as the command line says, until SIGTERM."""
    parser = argparse.ArgumentParser(description="Take signed webhooks on 127.0.0.1 and keep them as lines.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("folder", type=Path)
    told = parser.parse_args()
    receiver = Receiver(told.folder, secrets(read_directory(told.directory)))
    config = uvicorn.Config(receiver, host=HOST, port=told.port, lifespan="off", log_level="warning")
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
