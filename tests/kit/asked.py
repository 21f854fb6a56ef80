"""Requests as the notifier or an operator publishes them."""

from datetime import datetime
from typing import Any

from sinergi_shared.contracts.base import format_time
from sinergi_shared.contracts.ids import derived_uuid


def request(thread: str, verb: str, at: datetime, **more: Any) -> dict[str, Any]:
    """Return a request about a thread; the same verb, step and recipients give the same id."""
    asked = [f"{name}={value}" for name, value in sorted(more.items())]
    return {
        "specversion": "1.0",
        "id": derived_uuid("request", thread, verb, *asked),
        "source": "urn:sinergi:layanan:ops",
        "type": f"id.sinergi.request.{verb}.v1",
        "subject": thread,
        "time": format_time(at),
        "datacontenttype": "application/json",
        "dataschema": "https://schema.sinergi.example/request/1-0-0.json",
        "partitionkey": thread,
        "data": {"threadId": thread, "verb": verb, "at": format_time(at), **more},
    }
