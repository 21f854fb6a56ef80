"""The ``sinergi`` command. A subcommand is imported when it is used, so that help comes at once."""

import importlib
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a subcommand is, and its line in the help."""

    module: str
    attribute: str
    line: str


ENTRIES: Final = {
    "up": Entry("run", "up", "Nyalakan semuanya. / Start everything on this machine."),
    "down": Entry("run", "down", "Matikan. / Stop it."),
    "status": Entry("status", "status", "Apa yang berjalan? / What runs, and is it ready?"),
    "demo": Entry("demo.commands", "command", "Satu hari di perbatasan. / One day at the border."),
    "send": Entry("send", "command", "Kirim kejadian. / Send events over HTTP or Kafka."),
    "receipt": Entry("receipt", "app", "Periksa tanda terima. / Check receipts."),
    "explain": Entry("explain", "command", "Siapa diberi tahu, mengapa? / Who is told, and why?"),
    "cap": Entry("cap", "command", "Peringatan sebagai CAP 1.2. / Alerts as CAP 1.2 XML."),
    "tail": Entry("tail", "command", "Peringatan satu instansi. / Watch one agency's alerts."),
    "pack": Entry("pack.commands", "app", "Buat, periksa paket wilayah. / Make, check region packs."),
    "topics": Entry("topics", "app", "Buat, periksa topik Kafka. / Make, check Kafka topics."),
    "key": Entry("key", "app", "Kunci bagi sebuah sumber. / Make a source's key."),
    "rejected": Entry("rejected", "app", "Yang ditolak; putar ulang. / See, replay what was refused."),
    "doctor": Entry("doctor", "doctor", "Periksa mesin ini. / Check this machine; name the cure."),
}


class Subcommands(TyperGroup):
    """Knows each entry's line for the help, and imports the one that is called."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - typer's own
        lines = {name: TyperCommand(name, help=entry.line) for name, entry in ENTRIES.items()}
        super().__init__(**{**settings, "commands": lines})

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]  # noqa: ANN401 - typer keeps its command type to itself
        """Import the subcommand that is called."""
        name, _line, rest = super().resolve_command(ctx, args)
        return name, _load(str(name)), rest


def _load(name: str) -> Any:  # noqa: ANN401 - as above
    entry = ENTRIES[name]
    found = getattr(importlib.import_module(f"sinergi_ops.{entry.module}"), entry.attribute)
    if isinstance(found, typer.Typer):
        return get_command(found)
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return get_command(alone)


app = typer.Typer(cls=Subcommands, no_args_is_help=True, add_completion=False)


@app.callback()
def sinergi() -> None:
    """Sinergi: dugaan TPPO/TPPM di perbatasan Kalbar-Sarawak sampai ke instansi yang tepat.

    Suspicions of trafficking and smuggling reach the right agencies in seconds, each with what
    its mandate allows.

    Mulai di sini / start here:

        sinergi demo       # semuanya, lalu berhenti / everything, then it stops

        sinergi explain deploy/samples/01_tppo_pos_entikong.json

        sinergi up         # tetap menyala / stays up; then, in another terminal:

        sinergi tail IMI-ENT

        sinergi send deploy/samples/01_tppo_pos_entikong.json

    Bantuan tiap perintah / help of each: sinergi PERINTAH --help
    """
