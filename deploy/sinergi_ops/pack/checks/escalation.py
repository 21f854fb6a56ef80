"""An escalation ends: nobody is reached again by going up."""

from collections.abc import Iterator

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words


def check(files: PackFiles) -> Iterator[Finding]:
    """Report each loop once, at the first of its recipients in the file."""
    up = {code: row["escalates_to"] for code, row in files.recipients.items()}
    told: set[str] = set()
    for code, row in files.recipients.items():
        loop = _loop_through(code, up)
        if loop and code not in told:
            told.update(loop)
            chain = " -> ".join((*loop, code))
            yield Finding(
                Rule.ESCALATION_LOOP,
                row.file,
                row.number,
                Words(f"Eskalasi berputar: {chain}", f"The escalation goes round: {chain}"),
            )


def _loop_through(start: str, up: dict[str, str]) -> list[str]:
    chain = [start]
    while (following := up.get(chain[-1], "")) and following not in chain:
        chain.append(following)
    return chain if following == start else []
