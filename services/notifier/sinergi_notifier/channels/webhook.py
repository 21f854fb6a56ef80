"""Webhook: the full alert as a structured CloudEvent, signed as in Standard Webhooks."""

import asyncio
import base64
import binascii
import ipaddress
from datetime import UTC
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx
from standardwebhooks import Webhook

from sinergi_notifier.channels.result import (
    REPEAT_HEADER,
    TIME_LIMIT_S,
    DeliveryResult,
    Parcel,
    Trouble,
    later,
    never,
)
from sinergi_notifier.forms import Full
from sinergi_shared.contracts.codes import DeliveryState
from sinergi_shared.contracts.envelope import CONTENT_TYPE

AT_ONCE: Final = 2
"""Calls to one endpoint per lane."""

SHORTEST_SECRET: Final = 24
"""Bytes, as Standard Webhooks demands."""

_MAY_PASS: Final = frozenset({408, 425, 429})
_PREFIX: Final = "whsec_"


class WebhookChannel:
    """Calls agencies' endpoints; ``delivered`` once one has answered with a 2xx.

    ``loopback`` allows plain HTTP to this machine, for the demo. Nothing is followed, no proxy is
    taken from the environment, and no body of an answer is read.
    """

    def __init__(self, client: httpx.AsyncClient, *, loopback: bool) -> None:
        self._client = client
        self._loopback = loopback

    async def send(self, parcel: Parcel[Full], /) -> DeliveryResult:
        """Make one attempt, signed anew: same id, this attempt's time (B58)."""
        url = parcel.contact.address.get_secret_value()
        if not allowed(url, loopback=self._loopback):
            return never(Trouble.ADDRESS_NOT_ALLOWED)
        secret = secret_bytes(parcel.contact.secret.get_secret_value() if parcel.contact.secret else "")
        if secret is None:
            return never(Trouble.SECRET_MISSING)
        body = parcel.form.alert.model_dump_json(by_alias=True, exclude_none=True)
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                return await self._post(url, body, signed(parcel, secret, body))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return later(Trouble.UNREACHABLE)
        except (TimeoutError, httpx.TimeoutException):
            return later(Trouble.TIMEOUT, in_doubt=True)
        except (httpx.HTTPError, httpx.InvalidURL):
            return later(Trouble.CUT_OFF, in_doubt=True)

    async def _post(self, url: str, body: str, headers: dict[str, str]) -> DeliveryResult:
        async with self._client.stream("POST", url, content=body.encode(), headers=headers) as answer:
            return told(answer.status_code, answer.headers.get("retry-after"))


def client() -> httpx.AsyncClient:
    """Return the client for webhooks."""
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=TIME_LIMIT_S)


def signed(parcel: Parcel[Full], secret: bytes, body: str) -> dict[str, str]:
    """Return the headers of one attempt."""
    # The library drops the zone of the time that it is given: it must be UTC already.
    at = parcel.at.astimezone(UTC)
    return {
        "content-type": CONTENT_TYPE,
        "user-agent": "Sinergi",
        "webhook-id": parcel.delivery,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(parcel.delivery, at, body),
        **({REPEAT_HEADER: "true"} if parcel.possible_repeat else {}),
    }


def secret_bytes(secret: str) -> bytes | None:
    """Return the key of a ``whsec_`` secret, ``None`` when there is none that is long enough."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) >= SHORTEST_SECRET else None


def allowed(url: str, *, loopback: bool) -> bool:
    """Return whether an address may be called: https, no credentials in it, no number of a private net."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    if not parts.hostname or parts.username is not None or parts.password is not None:
        return False
    if loopback and _is_loopback(parts):
        return parts.scheme in {"http", "https"}
    return parts.scheme == "https" and _is_public(parts.hostname)


def told(status: int, retry_after: str | None) -> DeliveryResult:
    """Return what an HTTP status means for a delivery."""
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110
        return DeliveryResult(DeliveryState.DELIVERED, http_status=status)
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110
        return DeliveryResult(DeliveryState.PERMANENT, Trouble.REDIRECT, status)
    if status >= 500 or status in _MAY_PASS:  # noqa: PLR2004 - RFC 9110
        return DeliveryResult(DeliveryState.TEMPORARY, Trouble.BUSY, status, retry_after)
    return DeliveryResult(DeliveryState.PERMANENT, Trouble.REFUSED, status)


def _is_loopback(parts: SplitResult) -> bool:
    address = _address(parts.hostname or "")
    return parts.hostname == "localhost" or (address is not None and address.is_loopback)


def _is_public(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_global
    # A bare name, or one made of digits only, is a machine of our own net or a number in disguise.
    return (
        "." in host.rstrip(".") and not host.rstrip(".").rpartition(".")[2].isdigit() and host != "localhost"
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
