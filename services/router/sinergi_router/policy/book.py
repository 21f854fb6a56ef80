"""The policy: a pack's tables, arranged so that a rule finds what it needs by one look-up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from sinergi_router.policy.facts import Competent, Match
from sinergi_router.policy.views import Views, make_views
from sinergi_shared.contracts.codes import Level, Role, Severity
from sinergi_shared.region.geography import Geography
from sinergi_shared.region.tables import IndicatorRow, Mandate, Recipient, SituationRow, Tables

SEVERITIES_BY_COLUMN: Final = (Severity.KRITIS, Severity.TINGGI, Severity.SEDANG, Severity.RENDAH)
"""The order of the four numbers in a rule's ``ack`` parameter."""

PreparedKey = tuple[str, Severity, str | None, str | None]
"""Situation, severity, settled area, official post."""

SaidKey = tuple[int, Severity, str, bool]
"""Row of a rule, severity, recipient, and whether the area found it."""

KindKey = tuple[PreparedKey, frozenset[str], bool, tuple[str, ...], tuple[tuple[str, str], ...]]
"""What decides whom the rules tell: conditions that hold, exercise, areas near, rules that read the path."""

FOREIGN: Final = "MY"
"""Jurisdictions abroad begin so (ISO 3166-2)."""


@dataclass(frozen=True, slots=True)
class GeometricRule:
    """A rule that reads the point: radius or path, whom it tells, until when, and what to do."""

    name: str
    row: int  # behind every mandate, in the order of the rules
    level: Level
    kinds: tuple[str, ...]
    ack_minutes: Mapping[Severity, int]
    action_id: str
    action_en: str

    def match(self, recipient: Recipient, severity: Severity) -> Match:
        """Return what the rule says to a recipient: in support, up to its level."""
        return Match(
            recipient=recipient,
            role=Role.SUPPORT,
            level=min(self.level, recipient.cap),
            rule=self.name,
            row=self.row,
            ack_minutes=self.ack_minutes[severity],
            action_id=self.action_id,
            action_en=self.action_en,
        )


@dataclass(frozen=True, slots=True)
class FollowUpTexts:
    """Rule id and action of update, cancel, false positive and exercise (M150 to M153)."""

    update: Mandate
    cancel: Mandate
    false_positive: Mandate
    exercise: Mandate


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers of ``routing_rules.csv``: metres, km/h, hours and seconds as the names say."""

    land_snap_m: float
    sea_snap_m: float
    neighbour_m: float
    path_least_kmh: float
    path_hours: float
    path_shortest_m: float
    path_longest_m: float
    path_step_m: float
    late_after_s: float


@dataclass(frozen=True)
class Policy:
    """A region pack, ready for decisions. Immutable; a reload makes another one."""

    version: str
    province: str
    province_name: str
    tables: Tables
    geography: Geography
    mandates: Mapping[str, tuple[tuple[int, Mandate], ...]]  # situation to (file row, mandate)
    by_kind: Mapping[str, tuple[Recipient, ...]]  # active recipients
    unmapped: Mapping[str, Recipient]  # kind to the province's desk
    competent: Mapping[tuple[str, str], Recipient]  # (kind, area code) to the longest match
    territory: Mapping[str, frozenset[str]]  # recipient to the kecamatan it is competent for
    neighbour: GeometricRule
    next_jurisdiction: GeometricRule
    border_exit: GeometricRule
    texts: FollowUpTexts
    views: Views
    limits: Limits
    area_codes: frozenset[str]
    abroad: frozenset[str]  # recipients outside the country: their alerts cannot be joined to ours
    # Rows with their recipient, by situation, severity, area and post: what has been found once
    # (policy.mandates). Bounded by the pack; of this policy alone, whatever it was made from.
    prepared: dict[PreparedKey, list[tuple[frozenset[str], Match]]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    # What a row says to a recipient at a severity, the same in all areas where it is found.
    said: dict[SaidKey, Match] = field(default_factory=dict, init=False, compare=False, repr=False)
    # What that comes to for events of one kind (decide.competent); emptied when it has grown large.
    competence: dict[KindKey, Competent] = field(default_factory=dict, init=False, compare=False, repr=False)

    def situation(self, code: str) -> SituationRow:
        """Return a situation's labels."""
        return self.tables.situations[code]

    def indicator(self, code: str) -> IndicatorRow | None:
        """Return an indicator's row, or nothing for one that the pack does not know."""
        return self.tables.indicators.get(code)

    def known_area(self, code: str | None) -> str | None:
        """Return a kecamatan or kabupaten code of the pack as it is, anything else as nothing."""
        return code if code in self.area_codes else None

    def area_name(self, code: str | None) -> str:
        """Return what people call the area."""
        if code is None:
            return self.province_name
        return self.geography.names.get(code) or self.tables.kabupaten[code]


def compile_policy(
    tables: Tables, geography: Geography, *, version: str, province: str, province_name: str
) -> Policy:
    """Return the policy of a pack that has passed its check."""
    by_kind: dict[str, tuple[Recipient, ...]] = {}
    for recipient in tables.recipients.values():
        if recipient.active:
            by_kind[recipient.kind] = (*by_kind.get(recipient.kind, ()), recipient)
    competent = _competent(by_kind, (*geography.codes, *tables.kabupaten))
    unmapped = {
        kind: tables.recipients[code]
        for (rule, kind), code in tables.parameters.items()
        if rule == "UNMAPPED"
    }
    return Policy(
        version=version,
        province=province,
        province_name=province_name,
        tables=tables,
        geography=geography,
        mandates=_by_situation(tables.mandates),
        by_kind=MappingProxyType(by_kind),
        unmapped=MappingProxyType(unmapped),
        competent=MappingProxyType(competent),
        territory=_territory(competent, frozenset(geography.codes)),
        neighbour=_geometric(tables, "NEIGHBOUR", 1_000_000, Level.L1),
        next_jurisdiction=_geometric(tables, "NEXT_JURISDICTION", 2_000_000, Level.L3),
        border_exit=_geometric(tables, "BORDER_EXIT", 3_000_000, Level.L2),
        texts=_texts(tables.mandates),
        views=make_views(tables.fields, unmapped),
        limits=_limits(tables),
        area_codes=frozenset(geography.codes) | tables.kabupaten.keys(),
        abroad=frozenset(
            code
            for code, recipient in tables.recipients.items()
            if all(area.startswith(FOREIGN) for area in recipient.jurisdiction)
        ),
    )


def _limits(tables: Tables) -> Limits:
    def number(rule: str, parameter: str) -> float:
        return float(tables.parameters[rule, parameter])

    return Limits(
        land_snap_m=number("LAND_SNAP", "max_distance"),
        sea_snap_m=number("SEA_SNAP", "max_distance"),
        neighbour_m=number("NEIGHBOUR", "radius"),
        path_least_kmh=number("NEXT_JURISDICTION", "min_speed"),
        path_hours=number("NEXT_JURISDICTION", "lookahead"),
        path_shortest_m=number("NEXT_JURISDICTION", "min_distance"),
        path_longest_m=number("NEXT_JURISDICTION", "max_distance"),
        path_step_m=number("NEXT_JURISDICTION", "step"),
        late_after_s=number("PAST_TIME", "max_age"),
    )


def _by_situation(mandates: tuple[Mandate, ...]) -> dict[str, tuple[tuple[int, Mandate], ...]]:
    found: dict[str, tuple[tuple[int, Mandate], ...]] = {}
    for row, mandate in enumerate(mandates):
        found[mandate.situation] = (*found.get(mandate.situation, ()), (row, mandate))
    return found


def _competent(
    by_kind: Mapping[str, tuple[Recipient, ...]], areas: tuple[str, ...]
) -> dict[tuple[str, str], Recipient]:
    # The longest matching code wins: a kecamatan beats its kabupaten, which beats the province.
    found: dict[tuple[str, str], Recipient] = {}
    for kind, recipients in by_kind.items():
        for area in areas:
            matches = [
                (-len(code), recipient.code, recipient)
                for recipient in recipients
                for code in recipient.jurisdiction
                if area == code or area.startswith(f"{code}.")
            ]
            if matches:
                found[kind, area] = min(matches, key=lambda match: match[:2])[2]
    return found


def _territory(
    competent: Mapping[tuple[str, str], Recipient], kecamatan: frozenset[str]
) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for (_, area), recipient in competent.items():
        if area in kecamatan:
            found.setdefault(recipient.code, set()).add(area)
    return {code: frozenset(areas) for code, areas in found.items()}


def _geometric(tables: Tables, rule: str, row: int, level: Level) -> GeometricRule:
    kinds = tables.parameters.get((rule, "kinds"), "")
    minutes = tables.parameters[rule, "ack"].split(";")
    return GeometricRule(
        name=rule,
        row=row,
        level=level,
        kinds=tuple(kind for kind in kinds.split(";") if kind),
        ack_minutes=dict(zip(SEVERITIES_BY_COLUMN, map(int, minutes), strict=True)),
        action_id=tables.parameters[rule, "action_id"],
        action_en=tables.parameters[rule, "action_en"],
    )


def _texts(mandates: tuple[Mandate, ...]) -> FollowUpTexts:
    by_situation = {mandate.situation: mandate for mandate in mandates}
    return FollowUpTexts(
        update=by_situation["UPDATE"],
        cancel=by_situation["CANCEL"],
        false_positive=by_situation["FALSE_POSITIVE"],
        exercise=by_situation["EXERCISE"],
    )
