"""Situation and recipient kind to role, level and deadline: the rows of ``mandates.csv``.

Scopes and conditions are defined in the pack's README and ``conditions.csv``.
"""

from collections.abc import Callable
from typing import Final

from sinergi_router.policy.book import Policy, PreparedKey
from sinergi_router.policy.facts import Area, Excluded, Match
from sinergi_shared.contracts.codes import Level, Need, Role, Severity, Status
from sinergi_shared.contracts.event import SuspiciousMovement
from sinergi_shared.region.tables import Mandate, Recipient

CONDITIONS: Final[dict[str, Callable[[SuspiciousMovement, Area, bool], bool]]] = {
    "always": lambda _data, _area, _border: True,
    "ppa": lambda data, _area, _border: data.people.minors > 0 or Need.PPA in data.needs,
    "shelter": lambda data, _area, _border: Need.SHELTER in data.needs,
    "medical": lambda data, _area, _border: Need.MEDICAL in data.needs,
    "pmi": lambda data, _area, _border: Need.PMI in data.needs,
    "foreign_custody": lambda data, _area, _border: Need.FOREIGN_CUSTODY in data.needs,
    "lpsk_request": lambda data, _area, _border: Need.LPSK_REQUEST in data.needs,
    "vehicle": lambda data, _area, _border: bool(data.vehicles),
    "post": lambda _data, area, _border: area.at_post,
    "offpost": lambda _data, area, _border: not area.at_post,
    "border": lambda _data, _area, border: border,
    "sev_tinggi": lambda data, _area, _border: data.severity in {Severity.TINGGI, Severity.KRITIS},
    "sev_kritis": lambda data, _area, _border: data.severity is Severity.KRITIS,
}
"""One function for each word of ``conditions.csv``; ``border``: the settled kecamatan lies on the line."""

Found = tuple[Recipient, bool] | None
"""A recipient, and whether it was found by its area."""


def matches(key: PreparedKey, truths: frozenset[str], area: Area, policy: Policy) -> list[Match]:
    """Return what the mandates say where these conditions hold, in file order."""
    return [match for conditions, match in _prepared(key, area, policy) if conditions <= truths]


def key_of(data: SuspiciousMovement, area: Area) -> PreparedKey:
    """Return what of an event and its area decides which offices the mandates find."""
    return (data.situation, data.severity, area.code, area.place.code if area.place else None)


def excluded(data: SuspiciousMovement, area: Area, policy: Policy) -> list[Excluded]:
    """Return the rows of the situation that tell nobody, and why; for people who ask."""
    truths = truths_of(data, area, policy)
    found = []
    for _row, mandate in policy.mandates.get(data.situation, ()):
        who = SCOPES[mandate.scope](mandate.kind, area, policy)
        why = _why_not(mandate, truths, who, exercise=data.status is Status.EXERCISE)
        if why:
            found.append(Excluded(who[0].code if who else mandate.kind, f"{mandate.rule}: {why}"))
    return found


def truths_of(data: SuspiciousMovement, area: Area, policy: Policy) -> frozenset[str]:
    """Return the conditions that hold for an event in an area."""
    border = area.code in policy.tables.border
    return frozenset([word for word, holds in CONDITIONS.items() if holds(data, area, border)])


def _why_not(mandate: Mandate, truths: frozenset[str], who: Found, *, exercise: bool) -> str:
    if exercise and mandate.role == Role.ESCALATION:
        return "an exercise never escalates"
    unmet = [word for word in mandate.conditions if word not in truths]
    if unmet:
        return f"condition not met: {' & '.join(unmet)}"
    return "" if who else "no office here"


def _prepared(key: PreparedKey, area: Area, policy: Policy) -> list[tuple[frozenset[str], Match]]:
    """Return the rows of a situation that find somebody in an area; found once, then remembered."""
    situation, severity, *_ = key
    rows = policy.prepared.get(key)
    if rows is None:
        found = (
            (row, mandate, SCOPES[mandate.scope](mandate.kind, area, policy))
            for row, mandate in policy.mandates.get(situation, ())
        )
        rows = [
            (frozenset(mandate.conditions), _said(row, mandate, who, severity, policy))
            for row, mandate, who in found
            if who is not None
        ]
        policy.prepared[key] = rows
    return rows


def _said(
    row: int, mandate: Mandate, who: tuple[Recipient, bool], severity: Severity, policy: Policy
) -> Match:
    recipient, territorial = who
    key = (row, severity, recipient.code, territorial)
    said = policy.said.get(key)
    if said is None:
        said = policy.said[key] = _match(row, mandate, recipient, severity, territorial=territorial)
    return said


def _match(
    row: int, mandate: Mandate, recipient: Recipient, severity: Severity, *, territorial: bool
) -> Match:
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
