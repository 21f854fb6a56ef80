"""Which port each part listens on; all of them on this machine only."""

import socket
from dataclasses import asdict, dataclass
from typing import Final, Self

HOST: Final = "127.0.0.1"


class PortTakenError(Exception):
    """Another program has a port that a part needs; says which and what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one run; the defaults keep clear of a machine's own Kafka, Redis and mail server."""

    ingest: int = 8080
    router: int = 8081
    notifier: int = 8082
    kafka: int = 19092
    kafka_controller: int = 19093
    valkey: int = 16379
    smtp: int = 18025
    hooks: int = 18090

    @classmethod
    def free(cls) -> Self:
        """Return ports that nobody uses now, so that two runs do not meet."""
        names = list(asdict(cls()))
        sockets = [_bound(0) for _ in names]
        numbers = [bound.getsockname()[1] for bound in sockets]
        for bound in sockets:
            bound.close()
        return cls(**dict(zip(names, numbers, strict=True)))

    def require_free(self) -> None:
        """Raise ``PortTakenError`` with one line a port that is in use."""
        taken = {name: port for name, port in asdict(self).items() if not is_free(port)}
        if taken:
            raise PortTakenError("\n".join(_advice(name, port) for name, port in taken.items()))


def is_free(port: int) -> bool:
    """Tell whether a part could listen on this port now."""
    try:
        _bound(port).close()
    except OSError:
        return False
    return True


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def _advice(name: str, port: int) -> str:
    option = f"--{name.replace('_', '-')}-port"
    return (
        f"Port {port} ({name}) sudah dipakai program lain / is used by another program.\n"
        f"  Hentikan program itu, atau pilih port lain dengan {option}. / Stop it, or choose with {option};\n"
        f"  `ss -ltnp 'sport = :{port}'` tells which program it is."
    )
