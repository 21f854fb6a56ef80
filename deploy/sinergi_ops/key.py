"""``sinergi key``: a new API key for a source; shown once, and nowhere kept but as a hash."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer
import yaml

from sinergi_ops.console import complain
from sinergi_ops.options import Json
from sinergi_shared.contracts.base import format_time, parse_time
from sinergi_shared.directory import Key, Scope, Source

SECRET_BYTES: Final = 32
DEFAULT_DAYS: Final = 365
MAX_DAYS: Final = 3_650

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def key() -> None:
    """Kunci API bagi sistem yang melapor. / API keys for the systems that report."""


@app.command()
def new(
    source: Annotated[str, typer.Argument(help="urn:sinergi:sumber:SYSTEM:CHANNEL")],
    expires: Annotated[
        str, typer.Option(help="Hari atau waktu RFC 3339. / Days from now, or an RFC 3339 time.")
    ] = str(DEFAULT_DAYS),
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="Boleh diulang. / Repeatable; default: send, check, read."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Buat kunci. / Make a key: printed once, with the YAML for directory.yaml (its hash only).

    Kunci uji: --scope send --scope check --scope test; peristiwanya harus berstatus Test. / A test
    key is one with the scope test: its events must have status Test, any other is refused.

    Mengganti kunci: tambahkan yang baru, pindahkan pengirim, hapus yang lama; tanpa menyalakan ulang.
    / To rotate: add the new one beside the old, move the sender, remove the old; nothing is restarted.
    """
    try:
        secret, made = make(source, _end(expires, datetime.now(UTC)), scope or [])
    except ValueError:
        complain("SOURCE atau --expires keliru / SOURCE or --expires is wrong; see sinergi key new --help")
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(f'{{"key":"{secret}","directory":{made.model_dump_json(exclude_none=True)}}}')
        return
    typer.echo(f"# Kunci, hanya tampil sekali / the key, shown only once:\n{secret}\n")
    typer.echo(f"# directory.yaml, sources, urn: {source}, keys:")
    typer.echo(yaml.safe_dump([_plain(made)], sort_keys=False), nl=False)


def make(source: str, ends: datetime, scopes: list[Scope]) -> tuple[str, Key]:
    """Return a new key of 256 random bits and what the directory keeps of it.

    Raise ``ValueError`` for a source that is none.
    """
    registered = Source(urn=source)
    name = f"{registered.name.replace('.', '-')[:25]}-{secrets.token_hex(3)}"
    secret = f"sng_{name}_{secrets.token_urlsafe(SECRET_BYTES)}"
    more: dict[str, Any] = {"scopes": frozenset(scopes)} if scopes else {}
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return secret, Key(id=name, sha256=digest, notAfter=ends, **more)


def _end(told: str, now: datetime) -> datetime:
    if not told.isdecimal():
        return parse_time(told)
    if len(told) > len(str(MAX_DAYS)) or int(told) > MAX_DAYS:
        raise ValueError("longer than a key should live")
    return (now + timedelta(days=int(told))).replace(microsecond=0)


def _plain(made: Key) -> dict[str, Any]:
    ends = {"notAfter": format_time(made.notAfter)} if made.notAfter else {}
    return {
        "id": made.id,
        "sha256": made.sha256,
        **ends,
        "scopes": sorted(str(scope) for scope in made.scopes),
    }
