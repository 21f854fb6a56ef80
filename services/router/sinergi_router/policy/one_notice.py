"""DEDUP: one recipient gets one notice, in its strongest role, at its highest level, under its cap."""

from collections.abc import Iterable
from dataclasses import replace

from sinergi_router.policy.facts import Match


def one_each(matches: Iterable[Match]) -> dict[str, Match]:
    """Return one match a recipient: rule, role and deadline of the strongest row, the highest level.

    At equal roles the first row in file order wins. Keys are in that order too.
    """
    found: dict[str, Match] = {}
    for match in sorted(matches, key=lambda one: (one.role.strength, one.row)):
        best = found.get(match.recipient.code)
        if best is None:
            found[match.recipient.code] = match
        elif match.level > best.level:
            found[match.recipient.code] = replace(best, level=match.level)
    return found
