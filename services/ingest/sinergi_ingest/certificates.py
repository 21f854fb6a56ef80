"""The client's certificate to the application, by the ASGI ``tls`` extension.

uvicorn checks the certificate but does not pass it on; its protocol class is its own place to add
to. The listener must demand one: whoever comes without is not let as far as HTTP.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sinergi_shared.runtime.health import AsgiRoute, Receive, Scope, Send


class CertificateProtocol(H11Protocol):
    """HTTP/1.1 whose every request carries the certificate of its connection, as DER."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Note the certificate that the TLS handshake has checked."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        self.app: Any = _with_certificate(self.app, certificate)


def _with_certificate(app: Any, certificate: bytes | None) -> AsgiRoute:  # noqa: ANN401 - uvicorn's own type
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope.setdefault("extensions", {})["tls"] = {"client_cert": certificate}
        await app(scope, receive, send)

    return application
