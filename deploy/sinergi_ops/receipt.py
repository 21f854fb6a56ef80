"""``sinergi receipt verify``: whether ingest did take an event, when, and where Kafka keeps it."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import typer

from sinergi_ingest.receipts import ReceiptError, fits, verify
from sinergi_shared.contracts.strict_json import UnreadableError, parse_object

app = typer.Typer(no_args_is_help=True, help="Periksa tanda terima. / Check receipts.")


@app.callback()
def receipts() -> None:
    """Tanda terima: bukti bertanda tangan bahwa peristiwa sudah tersimpan.

    / Receipts: signed proof that an event was stored.
    """


@app.command("verify")
def command(
    receipt: Annotated[
        str,
        typer.Argument(
            help="Isi `receipt` dari jawaban 202; - dari masukan standar. "
            "/ `receipt` of the 202; - is standard input."
        ),
    ],
    event: Annotated[
        Path | None,
        typer.Option(help="Berkas peristiwa: apakah tanda terima ini miliknya? / Is it of this event?"),
    ] = None,
    keys: Annotated[
        str,
        typer.Option(
            help="Kunci publik: alamat ingest atau berkas. / Public keys: ingest's address or a file."
        ),
    ] = "http://127.0.0.1:8080/v1/receipts/keys",
    as_json: Annotated[bool, typer.Option("--json", help="Satu objek JSON. / One JSON object.")] = False,
) -> None:
    """Periksa satu tanda terima. / Check one receipt. Exits 0 when it is genuine, 1 when not, 2 without keys.

    Siapa pun bisa memeriksa: cukup kunci publik, tanpa akses ke Sinergi.

    Anyone can check: the public keys are enough, no access to Sinergi is needed.

    Contoh / examples:

        sinergi receipt verify eyJhbGciOi… --event peristiwa.json

        curl -s https://sinergi.example/v1/receipts/keys > kunci.json

        sinergi receipt verify - --keys kunci.json < tanda-terima.txt
    """
    token = sys.stdin.read() if receipt == "-" else receipt
    try:
        published = _keys(keys)
        document = None if event is None else parse_object(event.read_bytes())
    except (OSError, ValueError, UnreadableError, httpx.HTTPError) as error:
        print(f"sinergi receipt: {type(error).__name__}: periksa / check --keys, --event", file=sys.stderr)
        raise typer.Exit(2) from None
    try:
        told = verify(token.strip(), published)
    except ReceiptError as error:
        print(f"TIDAK SAH / NOT VALID: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if document is not None and not fits(told, document):
        print("SAH, tetapi untuk peristiwa lain / GENUINE, but of another event or contents", file=sys.stderr)
        raise typer.Exit(1)
    _show(told, as_json=as_json)


def _keys(place: str) -> dict[str, Any]:
    if urlsplit(place).scheme in {"http", "https"}:
        text = httpx.get(place, timeout=10).raise_for_status().content
    else:
        text = Path(place).read_bytes()
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no JWK set")  # noqa: TRY004 - a file's contents, not a caller's mistake
    return found


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(told))
        return
    at = datetime.fromtimestamp(told["iat"], UTC).isoformat()
    print("SAH: tersimpan / VALID: stored")
    print(f"  source {told['source']}\n  id {told['id']}\n  diterima / taken {at}")
    print(f"  SHA-256 {told['digest']}\n  sinergi.events.v1 {told['partition']}/{told['offset']}")
