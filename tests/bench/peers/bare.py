"""The yardstick of ingest: HTTP in, every line its own record, nothing decoded and nobody asked.

Server, event loop and producer are set as ingest sets them. Settings come as one JSON argument, see
``ingest.py``. Ready when it listens: whatever it is asked, it answers ``202`` once Kafka has the lines.
"""

import asyncio
import json
import sys

import uvicorn

from sinergi_ingest.outbox import BATCH_BYTES
from sinergi_ops.ports import HOST
from sinergi_shared.contracts import topics
from sinergi_shared.runtime import kafka

_HEAD = {"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]}
_BODY = {"type": "http.response.body", "body": b""}


def bare(producer):
    """Return the application, over a producer that has started."""

    async def application(_scope, receive, send):
        futures = [
            await producer.send(topics.EVENTS, line)
            for line in (await _body(receive)).split(b"\n")
            if line.strip()
        ]
        await asyncio.gather(*futures)
        await send(_HEAD)
        await send(_BODY)

    return application


async def _body(receive):
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def _serve(told):
    producer = kafka.producer([told["kafka"]], max_batch_size=BATCH_BYTES)
    await producer.start()
    config = uvicorn.Config(
        bare(producer),
        host=HOST,
        port=told["port"],
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
    )
    await uvicorn.Server(config).serve()
    await producer.stop()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
