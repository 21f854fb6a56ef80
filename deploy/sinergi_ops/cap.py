"""``sinergi cap``: alerts as CAP 1.2 messages, for a system that speaks CAP and not Kafka."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from sinergi_ops.explain import split
from sinergi_ops.places import PACK
from sinergi_shared.cap.words import CapWords, read_words
from sinergi_shared.cap.write import Earlier, write_cap
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.base import pointers
from sinergi_shared.region.pack import read_pack
from sinergi_shared.region.tables import PackError


class NotAnAlertError(Exception):
    """An input that is no alert: says which and where, never what stood there."""


def as_cap(bodies: Iterable[bytes], pack_words: CapWords, domain: str) -> Iterator[bytes]:
    """Yield each alert as a CAP message, its ``references`` the ones before it in the same sequence."""
    told: dict[tuple[str, str], tuple[Earlier, ...]] = {}
    for number, body in enumerate(_unwrapped(bodies), start=1):
        alert = _alert(body, number)
        thread = (alert.recipientcode, alert.partitionkey)
        yield write_cap(alert, pack_words, domain, told.get(thread, ()))
        told[thread] = (*told.get(thread, ()), Earlier(alert.data.alertNumber, alert.time))


def command(
    file: Annotated[
        Path, typer.Argument(help="Peringatan: satu, larik JSON atau baris JSON; - dari masukan standar")
    ],
    domain: Annotated[
        str, typer.Option(help="Domain terdaftar pengirim / the sender's registered domain")
    ] = "sinergi.example",
    pack: Annotated[Path, typer.Option(help="Paket wilayah / region pack")] = PACK,
) -> None:
    """Cetak peringatan sebagai CAP 1.2 / Print alerts as CAP 1.2 XML.

    Beberapa peringatan dibaca berurutan: pemutakhiran menyebut pendahulunya di references.

    Contoh / examples:

      sinergi explain --json deploy/samples/01_tppo_pos_entikong.json | sinergi cap -

      sinergi tail IMI-ENT --json > peringatan.jsonl

      sinergi cap peringatan.jsonl --domain sinergi.go.id
    """
    try:
        found = read_pack(pack)
        pack_words = read_words(found.directory, found.tables, found.province_name)
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        for message in as_cap(split(text), pack_words, domain):
            print(message.decode(), flush=True)
    except (PackError, NotAnAlertError, OSError) as error:
        Console(stderr=True).print(f"sinergi cap: {error}", markup=False)
        raise typer.Exit(2) from None


def _unwrapped(bodies: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the alerts in what ``sinergi explain --json`` and ``sinergi tail --json`` print."""
    for body in bodies:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            yield body
            continue
        lines = document.get("alerts", [document]) if isinstance(document, dict) else [document]
        for line in lines:
            alert = line.get("alert", line) if isinstance(line, dict) else line
            yield json.dumps(alert).encode()


def _alert(body: bytes, number: int) -> AlertEvent:
    try:
        return AlertEvent.model_validate_json(body)
    except ValidationError as error:
        raise NotAnAlertError(
            f"nomor / number {number}: bukan peringatan / not an alert, di / at "
            f"{', '.join(pointers(error)[:8]) or '/'}"
        ) from None
