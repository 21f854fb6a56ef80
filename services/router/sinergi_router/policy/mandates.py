"""Situation and recipient kind to role, level and deadline: the rows of ``mandates.csv``.

Scopes and conditions are defined in the pack's README and ``conditions.csv``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_router.policy.facts import Area, Excluded, Match
from sinergi_shared.contracts.codes import Level, Need, Role, Severity, Status
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.region.tables import Mandate, Recipient


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a condition may ask about."""

    data: SuspiciousMovement
    area: Area
    border: bool  # the settled kecamatan lies on the line


CONDITIONS: Final[dict[str, Callable[[Circumstances], bool]]] = {
    "always": lambda _: True,
    "ppa": lambda c: c.data.people.minors > 0 or Need.PPA in c.data.needs,
    "shelter": lambda c: Need.SHELTER in c.data.needs,
    "medical": lambda c: Need.MEDICAL in c.data.needs,
    "pmi": lambda c: Need.PMI in c.data.needs,
    "foreign_custody": lambda c: Need.FOREIGN_CUSTODY in c.data.needs,
    "lpsk_request": lambda c: Need.LPSK_REQUEST in c.data.needs,
    "vehicle": lambda c: bool(c.data.vehicles),
    "post": lambda c: c.area.at_post,
    "offpost": lambda c: not c.area.at_post,
    "border": lambda c: c.border,
    "sev_tinggi": lambda c: c.data.severity in {Severity.TINGGI, Severity.KRITIS},
    "sev_kritis": lambda c: c.data.severity is Severity.KRITIS,
}
"""One function for each word of ``conditions.csv``."""

Found = tuple[Recipient, bool] | None
"""A recipient, and whether it was found by its area."""


def matches(data: SuspiciousMovement, area: Area, policy: Policy) -> tuple[list[Match], list[Excluded]]:
    """Return what the mandates say of an event, in file order, and the rows that tell nobody."""
    circumstances = Circumstances(data, area, border=area.code in policy.tables.border)
    found: list[Match] = []
    excluded: list[Excluded] = []
    for row, mandate in policy.mandates.get(data.situation, ()):
        who = SCOPES[mandate.scope](mandate.kind, area, policy)
        why = _why_not(mandate, circumstances, who)
        if who is None or why:
            excluded.append(Excluded(who[0].code if who else mandate.kind, f"{mandate.rule}: {why}"))
        else:
            found.append(_match(row, mandate, who, data.severity))
    return found, excluded


def _why_not(mandate: Mandate, circumstances: Circumstances, who: Found) -> str:
    if circumstances.data.status is Status.EXERCISE and mandate.role == Role.ESCALATION:
        return "an exercise never escalates"
    unmet = [word for word in mandate.conditions if not CONDITIONS[word](circumstances)]
    if unmet:
        return f"condition not met: {' & '.join(unmet)}"
    return "" if who else "no office here"


def _match(row: int, mandate: Mandate, who: tuple[Recipient, bool], severity: Severity) -> Match:
    recipient, territorial = who
    return Match(
        recipient=recipient,
        role=Role(mandate.role),
        level=min(Level(mandate.level), recipient.cap),
        rule=mandate.rule,
        row=row,
        ack_minutes=mandate.ack_minutes[severity],
        action_id=mandate.action_id,
        action_en=mandate.action_en,
        territorial=territorial,
    )


def _territory_only(kind: str, area: Area, policy: Policy) -> Found:
    competent = policy.competent.get((kind, area.code or ""))
    return (competent, True) if competent else None


def _territory(kind: str, area: Area, policy: Policy) -> Found:
    return _territory_only(kind, area, policy) or _province(kind, area, policy)


def _post(kind: str, area: Area, policy: Policy) -> Found:
    code = area.place.offices.get(kind) if area.place else None
    office = policy.tables.recipients.get(code or "")
    return (office, False) if office and office.active else None


def _post_or_territory(kind: str, area: Area, policy: Policy) -> Found:
    return _post(kind, area, policy) or _territory(kind, area, policy)


def _single(kind: str, _area: Area, policy: Policy) -> Found:
    recipients = policy.by_kind.get(kind, ())
    return (recipients[0], False) if len(recipients) == 1 else None


def _province(kind: str, _area: Area, policy: Policy) -> Found:
    desk = policy.unmapped.get(kind)
    return (desk, False) if desk else None


SCOPES: Final[dict[str, Callable[[str, Area, Policy], Found]]] = {
    "territory": _territory,
    "territory_only": _territory_only,
    "post_or_territory": _post_or_territory,
    "post": _post,
    "single": _single,
    "province": _province,
}
"""How a recipient of a kind is found; ``digest`` and the follow-up scopes find nobody here."""
