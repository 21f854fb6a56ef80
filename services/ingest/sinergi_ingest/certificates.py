"""The listener for client certificates: its own files, and each caller's certificate to the application.

The listener must demand one: whoever comes without is not let as far as HTTP. uvicorn checks the
certificate but does not pass it on; its protocol class is its own place to add to.
"""

import asyncio
import ssl
from functools import partial
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from sinergi_ingest.live import Live
from sinergi_shared.runtime.health import AsgiRoute, Receive, Scope, Send


class CertificatesError(Exception):
    """The listener's files cannot be used; says what is wrong with them."""


class LiveCertificates(Live[ssl.SSLContext]):
    """The listener's certificate, key and CA (PEM) as they now stand."""

    def __init__(self, cert: Path, key: Path, authority: Path) -> None:
        super().__init__([cert, key, authority], partial(_context, cert, key, authority), CertificatesError)

    def listener(self) -> ssl.SSLContext:
        """Return the context to listen with; each new connection gets what is in force by then."""
        # asyncio keeps the context that it is given, and a context never ceases to trust a CA.
        listening = self.current
        listening.sni_callback = self._choose
        return listening

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _listening: ssl.SSLContext) -> None:
        connection.context = self.current


def _context(cert: Path, key: Path, authority: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.verify_mode = ssl.CERT_REQUIRED
    try:
        made.load_cert_chain(cert, key, password="")  # or OpenSSL would ask at a terminal
        made.load_verify_locations(authority)
    except OSError as error:  # an SSLError too
        told = getattr(error, "reason", None) or error.strerror or "unreadable"
        raise CertificatesError(
            f"certificate, key and CA must be PEM files that fit together: {told}"
        ) from None
    return made


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
