"""The options of ``sinergi send``, each with its help in both languages."""

from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer


class Via(StrEnum):
    """The way in."""

    HTTP = "http"
    KAFKA = "kafka"


def _url(url: str) -> str:
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 0) >= 0:
            return url
    raise typer.BadParameter("tulis http://host:port / write http://host:port")


File = Annotated[
    Path,
    typer.Argument(
        help="CloudEvent, larik JSON atau baris JSON; - dari masukan standar. "
        "/ One CloudEvent, a JSON array or JSON lines; - is standard input."
    ),
]
Way = Annotated[Via, typer.Option(help="Jalan masuk. / The way in.")]
Url = Annotated[
    str, typer.Option(envvar="SINERGI_INGEST_URL", callback=_url, help="Alamat ingest. / Where ingest is.")
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="SINERGI_KEY",
        help="Satu kunci API untuk semuanya; lebih aman lewat lingkungan. "
        "/ One API key for all of it; safer from the environment.",
    ),
]
Keys = Annotated[
    Path, typer.Option(help="Berkas YAML: kunci tiap source; bawaan: demo. / YAML file: each source's key.")
]
Fresh = Annotated[
    bool,
    typer.Option(
        "--fresh",
        help="Geser waktu contoh ke saat ini; jarak antarrevisi tetap. "
        "/ Move the times of samples to now; revisions keep their distances.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Tanya ingest saja, tidak ada yang disimpan. / Only ask ingest; nothing is kept."
    ),
]
Wait = Annotated[
    float,
    typer.Option(
        min=0, help="Berapa detik mencoba lagi bila tidak ada jawaban. / Seconds to try again while away."
    ),
]
SpoolFile = Annotated[
    Path | None,
    typer.Option(
        help="Simpan dulu di berkas ini, lalu kirim; yang kritis dulu, tahan mati listrik (--key). "
        "/ Keep in this file first, then send; critical first, survives a power cut (--key)."
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Satu objek JSON per peristiwa. / One JSON object an event.")
]
