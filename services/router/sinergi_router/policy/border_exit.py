"""BORDER_EXIT: a path that crosses the line tells the consulate, for people are leaving its way."""

from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Match
from sinergi_router.policy.next_jurisdiction import Path
from sinergi_shared.contracts.codes import Severity, Suspicion
from sinergi_shared.contracts.event import SuspiciousMovement

_GRAVE: Final = frozenset({Severity.TINGGI, Severity.KRITIS})
_TRAFFICKING: Final = frozenset({Suspicion.TPPO, Suspicion.BOTH})


def consulate(data: SuspiciousMovement, path: Path | None, policy: Policy) -> list[Match]:
    """Return the consulate when a grave trafficking suspicion heads across the line."""
    if path is None or data.severity not in _GRAVE or data.suspicion not in _TRAFFICKING:
        return []
    if not policy.geography.crosses_border(path.start, path.end):
        return []
    recipient = policy.tables.recipients[policy.tables.parameters["BORDER_EXIT", "recipient"]]
    rule = policy.border_exit
    return [rule.match(recipient, data.severity)]
