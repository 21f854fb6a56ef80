"""The score: what the indicators add up to. Shown to L3 and operators; changes no role or deadline."""

from sinergi_router.policy.book import Policy
from sinergi_shared.contracts.event import SuspiciousMovement


def score(data: SuspiciousMovement, policy: Policy) -> int:
    """Return the sum of the weights of indicators that have the company they need.

    ``min_corroboration`` is how many other indicators must stand beside one for it to count; an
    unknown indicator weighs 0 (contracts, 2), and one told twice counts once.
    """
    rows = {one.code: policy.indicator(one.code) for one in data.indicators}
    known = [row for row in rows.values() if row is not None and row.scored]
    return sum(row.weight for row in known if len(known) - 1 >= row.min_corroboration)
