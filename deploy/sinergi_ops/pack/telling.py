"""How ``sinergi pack`` tells what it has found: to people in both languages, to programs as JSON."""

from typing import Any

import typer

from sinergi_ops.pack.findings import Finding


def tell_findings(findings: tuple[Finding, ...]) -> None:
    """Print findings for a person."""
    for each in findings:
        place = each.file if each.row is None else f"{each.file}, baris/row {each.row}"
        typer.echo(f"{place}  [{each.rule}]\n  {each.wrong.id}. {each.advice.id}")
        typer.echo(f"  {each.wrong.en}. {each.advice.en}\n")
    count = len(findings)
    typer.echo(f"{count} temuan. / {count} findings." if count else "Tidak ada temuan. / No findings.")


def document(finding: Finding) -> dict[str, Any]:
    """Return a finding for a program."""
    return {
        "rule": finding.rule.value,
        "file": finding.file,
        "row": finding.row,
        "wrong": {"id": finding.wrong.id, "en": finding.wrong.en},
        "do": {"id": finding.advice.id, "en": finding.advice.en},
    }


def refused(reason: str) -> typer.Exit:
    """Say on the error output why nothing was done, and return the exit to raise."""
    typer.echo(f"Ditolak. / Refused. {reason}", err=True)
    return typer.Exit(1)
