"""What a scenario tells: one JSON file, one row of the table."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Column, Table

from sinergi_ops.places import LOCAL
from tests.chaos.checker import Findings

REPORTS = LOCAL / "chaos"


@dataclass(slots=True)
class Result:
    """A scenario's figures; ``ok`` when no law was broken, else ``problems`` says which."""

    scenario: str
    events: int
    lost: int
    duplicated: int
    extra: int
    rejected: int
    faults: int
    seconds_to_recover: float | None  # the longest, from a fault to the next outcome; None: it never did
    ok: bool = True
    problems: list[str] = field(default_factory=list)
    figures: dict = field(default_factory=dict)
    quick: bool = False
    broken: str | None = None
    seed: int = 0
    seconds: float = 0.0

    def require(self, law: bool, problem: str) -> None:  # noqa: FBT001 - reads as an assertion
        """Note a broken law."""
        if not law:
            self.ok = False
            self.problems.append(problem)


def judged(scenario: str, events: int, findings: Findings, faults: int, recovered: Iterable[float]) -> Result:
    """Return the result by the laws that all scenarios share; rejections are the scenario's to judge."""
    longest = max(recovered, default=0.0)
    result = Result(
        scenario=scenario,
        events=events,
        lost=findings.lost.total(),
        duplicated=len(findings.duplicated),
        extra=len(findings.extra),
        rejected=len(findings.refused),
        faults=faults,
        seconds_to_recover=None if longest == float("inf") else round(longest, 1),
    )
    result.figures["records_expected"] = findings.expected
    result.require(events > 0, "nothing was sent, so nothing is shown")
    result.require(result.lost == 0, f"lost: {_some(findings.lost)}")
    result.require(result.duplicated == 0, f"twice: {_some(findings.duplicated)}")
    result.require(result.extra == 0, f"not expected: {_some(findings.extra)}")
    result.require(not findings.unreadable, f"transactions left open on {findings.unreadable[:5]}")
    result.require(result.seconds_to_recover is not None, "no progress any more after a fault")
    return result


def write(result: Result) -> None:
    """Keep the result as ``.local/chaos/<scenario>.json``."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(result), indent=2, ensure_ascii=False)
    (REPORTS / f"{result.scenario}.json").write_text(text + "\n", encoding="utf-8")


def show(results: Iterable[Result]) -> None:
    """Print the table."""
    columns = ("ok", "events", "lost", "twice", "extra", "refused", "faults", "recover s", "s")
    table = Table(
        Column("scenario", no_wrap=True), *(Column(name, justify="right", no_wrap=True) for name in columns)
    )
    console = Console(width=max(Console().width, 100))
    rows = list(results)
    for one in rows:
        recover = "never" if one.seconds_to_recover is None else f"{one.seconds_to_recover:.1f}"
        counts = (one.events, one.lost, one.duplicated, one.extra, one.rejected, one.faults)
        verdict = "[green]yes[/]" if one.ok else "[red]NO[/]"
        table.add_row(
            one.scenario, verdict, *(f"{count:,}" for count in counts), recover, f"{one.seconds:.0f}"
        )
    console.print(table)
    for one in rows:
        console.print(f"{one.scenario}: {one.figures}", highlight=False, markup=False)
        for problem in one.problems:
            console.print(f"  BROKEN {problem}", style="red", highlight=False, markup=False)


def _some(keys: Iterable[tuple[str, str]]) -> str:
    told = sorted(keys)
    return ", ".join(f"{topic} {subject}" for topic, subject in told[:3]) + f" ({len(told)} in all)"
