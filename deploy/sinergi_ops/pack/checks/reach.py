"""Every active recipient is reached by some event or by the monthly digest."""

from collections.abc import Iterator
from typing import Final

from sinergi_ops.pack.checks.mandates import DIGEST
from sinergi_ops.pack.checks.offices import kinds_of, offices_at
from sinergi_ops.pack.checks.parameters import named_recipients
from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.tables import YES

_WHOLE_KIND: Final = frozenset({"single", DIGEST})
_BY_AREA: Final = frozenset({"territory", "territory_only", "post_or_territory"})
_BY_POST: Final = frozenset({"post", "post_or_territory"})
_POST_OFFICES: Final = {"IMI": "kanim", "BC": "kppbc", "BNPP": "bnpp", "BKK": "bkk"}


def check(files: PackFiles) -> Iterator[Finding]:
    """Report active recipients that no mandate, rule, post or escalation leads to."""
    reached = _with_those_above(files, _by_event(files) | _by_kind(files))
    for row in files.active:
        if row["code"] not in reached:
            yield Finding(
                Rule.UNREACHED,
                row.file,
                row.number,
                Words(
                    f"{row['code']} tidak dijangkau peristiwa maupun rekap",
                    f"{row['code']} is reached by neither an event nor a digest",
                ),
            )


def _by_kind(files: PackFiles) -> set[str]:
    kinds = kinds_of(files, _WHOLE_KIND)
    return {row["code"] for row in files.active if row["kind"] in kinds}


def _by_event(files: PackFiles) -> set[str]:
    areas = (*files.kecamatan, *files.kabupaten)
    at_post = kinds_of(files, _BY_POST)
    reached = set(named_recipients(files))
    for kind in kinds_of(files, _BY_AREA):
        reached.update(office for area in areas for office in offices_at(files, kind, area)[1])
    for place in files.tables["places"]:
        if place["pos_resmi"] == YES:
            reached.update(place[column] for kind, column in _POST_OFFICES.items() if kind in at_post)
    return reached


def _with_those_above(files: PackFiles, reached: set[str]) -> set[str]:
    found = set(reached)
    waiting = list(reached)
    while waiting:
        row = files.recipients.get(waiting.pop())
        above = row["escalates_to"] if row else ""
        if above and above not in found:
            found.add(above)
            waiting.append(above)
    return found
