"""The pack's situations are those of the event contract, and each is somebody's task."""

from collections.abc import Iterator

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.contracts.codes import Situation

_FILE = "situations.csv"


def check(files: PackFiles) -> Iterator[Finding]:
    """Report situations that only the table or only the contract has, and those without a mandate."""
    known = files.column("situations", "situation")
    mandated = files.column("mandates", "situation")
    for row in files.tables["situations"]:
        code = row["situation"]
        if code not in set(Situation):
            yield Finding(
                Rule.SITUATIONS,
                row.file,
                row.number,
                Words(f"Kontrak tidak mengenal situasi {code}", f"The contract has no situation {code}"),
            )
        elif code not in mandated:
            yield Finding(
                Rule.SITUATIONS,
                row.file,
                row.number,
                Words(f"Situasi {code} tidak punya mandat", f"Situation {code} has no mandate"),
            )
    for situation in Situation:
        if situation not in known:
            yield Finding(
                Rule.SITUATIONS,
                _FILE,
                None,
                Words(f"Situasi {situation} tidak ada", f"Situation {situation} is missing"),
            )
