"""Who leads: one primary, always exactly one while the event is open (law 5)."""

from collections.abc import Mapping

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Match, Thread
from sinergi_shared.contracts.codes import Role, ThreadState
from sinergi_shared.contracts.event import SuspiciousMovement


def choose_lead(
    thread: Thread | None,
    matched: Mapping[str, Match],
    data: SuspiciousMovement,
    area: Area,
    policy: Policy,
) -> str | None:
    """Return the lead's code: the one it has while it still matches as a primary, else the first lead."""
    primaries = [match for match in matched.values() if match.role is Role.PRIMARY]
    led = thread.lead if thread is not None and thread.state is ThreadState.OPEN else None
    if any(match.recipient.code == led for match in primaries):
        return led
    ladder = first_lead_order(primaries, data, area, policy)
    return ladder[0].recipient.code if ladder else None


def first_lead_order(
    primaries: list[Match], data: SuspiciousMovement, area: Area, policy: Policy
) -> list[Match]:
    """Return the primaries: shortest deadline, then share of the area, then file order, then code."""
    shares = _shares(primaries, data, area, policy)
    return sorted(
        primaries,
        key=lambda match: (
            match.ack_minutes,
            -shares.get(match.recipient.code, 1.0),
            match.row,
            match.recipient.code,
        ),
    )


def _shares(primaries: list[Match], data: SuspiciousMovement, area: Area, policy: Policy) -> dict[str, float]:
    """Return the share of the circle in each territory, rounded to 0.01; 1 for whom it does not apply."""
    point, radius = data.location.point, data.location.accuracyM
    territorial = [match.recipient.code for match in primaries if match.territorial]
    one_is_enough = len({match.ack_minutes for match in primaries}) == len(primaries)
    if point is None or not radius or area.at_post or one_is_enough:
        return {}
    territories = {code: policy.territory.get(code, frozenset()) for code in territorial}
    shares = policy.geography.shares(point, radius, territories)
    return {code: round(share, 2) for code, share in shares.items()}
