"""What each kind of reader may see at each level: an allow-list made from ``field_visibility.csv``.

A field that the table does not list is in no view, whatever its name (law 3). A view depends on
level and kind only, so that it tells nothing of an event.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import orjson

from sinergi_shared.contracts.codes import Level, WithheldGroup
from sinergi_shared.region.tables import FieldRow, Recipient

LEVELS: Final = (Level.L1, Level.L2, Level.L3)
ANYBODY: Final = ""
"""Stands for a kind without extra fields; thin messages are read by ``ANYBODY`` at L1."""

# By the table L3, but where it is an official post its code is public (transform of the row).
PUBLIC_AT_POSTS: Final = "location.placeCode"
# Told at L1 as the coarse category instead.
COARSE_AT_L1: Final = "situation"
# No fields of the event, or told under another name by us.
_OURS: Final = frozenset({"eventNumber", "revision", "msgType", "status", "otherRecipients"})


MemberKey = tuple[object, ...]
"""A top field, its allowed parts, and what changes it beside."""


@dataclass(frozen=True)
class View:
    """Allowed fields as a tree of two levels, and the fixed lists of what is not told."""

    level: Level
    kind: str
    allowed: Mapping[str, frozenset[str] | None]  # a top field to its allowed parts; None: all of it
    redacted: tuple[str, ...]
    withheld: tuple[dict[str, str], ...]

    @cached_property
    def members(self) -> Mapping[str, MemberKey]:
        """For each top field what this view makes of it: equal for two views that tell it alike."""
        return {
            top: (top, parts, *COARSENED.get(top, _as_it_is)(self)) for top, parts in self.allowed.items()
        }

    @cached_property
    def confidentiality(self) -> str:
        """What the envelope says of this level's confidentiality."""
        return "restricted" if self.level >= Level.L2 else "confidential"

    @cached_property
    def untold(self) -> str:
        """The two lists as members of a JSON object."""
        return orjson.dumps({"withheld": self.withheld, "redacted": self.redacted})[1:-1].decode()


def _as_it_is(_view: View) -> tuple[object, ...]:
    return ()


COARSENED: Final[dict[str, Callable[[View], tuple[object, ...]]]] = {
    "location": lambda view: (view.level < Level.L3,),
    "needs": lambda view: (view.level < Level.L2, view.kind),
}
"""What a view's level or kind changes in a field, beside what it allows of it."""

Views = Mapping[tuple[Level, str], View]


def make_views(
    fields: tuple[FieldRow, ...], unmapped: Mapping[str, Recipient]
) -> dict[tuple[Level, str], View]:
    """Return the view of every level for each kind that has extra fields, and for ``ANYBODY``."""
    kinds = {kind for row in fields for kind in row.extra_kinds} | {ANYBODY}
    return {(level, kind): _view(level, kind, fields, unmapped) for level in LEVELS for kind in kinds}


def view(views: Views, level: Level, kind: str) -> View:
    """Return a reader's view; an unknown level sees what L1 sees (law 6)."""
    told = level if level in LEVELS else Level.L1
    return views.get((told, kind)) or views[told, ANYBODY]


def _view(level: Level, kind: str, fields: tuple[FieldRow, ...], unmapped: Mapping[str, Recipient]) -> View:
    shown = {row.field for row in fields if row.level <= level or kind in row.extra_kinds} | {PUBLIC_AT_POSTS}
    unsaid = {PUBLIC_AT_POSTS, COARSE_AT_L1}
    return View(
        level=level,
        kind=kind,
        allowed=_tree(shown - _OURS),
        redacted=tuple(row.field for row in fields if row.field not in shown | unsaid),
        withheld=_withheld(level, shown, unmapped),
    )


def _tree(paths: set[str]) -> dict[str, frozenset[str] | None]:
    tree: dict[str, frozenset[str] | None] = {}
    for path in sorted(paths):
        top, _, part = path.partition(".")
        tree[top] = frozenset({part, *(tree.get(top) or ())}) if part else None
    return tree


_FIELDS_OF: Final[Mapping[WithheldGroup, str]] = {
    WithheldGroup.IDENTITY_REFS: "documentRefs.ref",
    WithheldGroup.EXACT_PLACE: "location.lat",
    WithheldGroup.ROUTE: "movement.headingDeg",
    WithheldGroup.VEHICLES: "vehicles.ref",
    WithheldGroup.INDICATORS: "indicators.code",
    WithheldGroup.NOTE: "note.text",
    WithheldGroup.PROTECTION_NEEDS: "needs",
}


def _withheld(level: Level, shown: set[str], unmapped: Mapping[str, Recipient]) -> tuple[dict[str, str], ...]:
    # The province's desks answer for all of it: a desk of the event would tell who else knows.
    desk = {WithheldGroup.PROTECTION_NEEDS: unmapped["PPA"].code}
    hidden = [group for group, field in _FIELDS_OF.items() if field not in shown]
    if level is Level.L1 and WithheldGroup.PROTECTION_NEEDS not in hidden:
        hidden.append(WithheldGroup.PROTECTION_NEEDS)  # one need of its own is not all of them
    return tuple({"group": str(group), "askDesk": desk.get(group, unmapped["IMI"].code)} for group in hidden)
