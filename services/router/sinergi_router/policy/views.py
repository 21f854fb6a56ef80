"""What each kind of reader may see at each level: an allow-list made from ``field_visibility.csv``.

A field that the table does not list is in no view, whatever its name (law 3). A view depends on
level and kind only, so that it tells nothing of an event.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import orjson
from pydantic import BaseModel

from sinergi_shared.contracts.alert import WeightedIndicator
from sinergi_shared.contracts.codes import Level, WithheldGroup
from sinergi_shared.contracts.event import Location, Movement, People, Vehicle
from sinergi_shared.contracts.parts import DocumentRef, Evidence, Group, Handling, Note, RecruiterRef
from sinergi_shared.region.tables import FieldRow, Recipient

LEVELS: Final = (Level.L1, Level.L2, Level.L3)
ANYBODY: Final = ""
"""Stands for a kind without extra fields; thin messages are read by ``ANYBODY`` at L1."""

# By the table L3, but where it is an official post its code is public (transform of the row).
PUBLIC_AT_POSTS: Final = "location.placeCode"
# Told at L1 as the coarse category instead.
COARSE_AT_L1: Final = "situation"
# Told to everybody, in the words of their level.
BY_LEVEL: Final = frozenset({"situation", "observedAt"})
# No fields of the event, or told under another name by us.
_OURS: Final = frozenset({"eventNumber", "revision", "msgType", "status", "otherRecipients"})


class Cut(NamedTuple):
    """How a view tells a top field that it does not tell as it is."""

    top: str
    parts: frozenset[str] | None  # that are told of it; None: all
    coarse: bool  # a place or needs as readers below the field's own level are told
    kind: str  # of the reader, where that matters too


@dataclass(frozen=True, eq=False)  # one of its level and kind: told apart as itself
class View:
    """Allowed fields as a tree of two levels, and the fixed lists of what is not told."""

    level: Level
    kind: str
    allowed: Mapping[str, frozenset[str] | None]  # a top field to its allowed parts; None: all of it
    redacted: tuple[str, ...]
    withheld: tuple[dict[str, str], ...]

    @cached_property
    def fields(self) -> tuple[tuple[str, Cut | None], ...]:
        """The top fields that it tells, as they are or cut; what is told by level alone is not among them."""
        told = ((top, parts) for top, parts in self.allowed.items() if top not in BY_LEVEL)
        return tuple((top, self._cut(top, parts)) for top, parts in told)

    def _cut(self, top: str, parts: frozenset[str] | None) -> Cut | None:
        told = None if parts == _ALL.get(top) else parts
        coarse = (top == "location" and self.level < Level.L3) or (top == "needs" and self.level < Level.L2)
        return None if told is None and not coarse else Cut(top, told, coarse, self.kind)

    @cached_property
    def names_situation(self) -> bool:
        """Whether the situation is told by its name, not as its coarse category."""
        return self.level >= Level.L2 and "situation" in self.allowed

    @cached_property
    def opening(self) -> bytes:
        """What each alert says of its view: the end of the envelope, and the data's beginning."""
        confidentiality = "restricted" if self.level >= Level.L2 else "confidential"
        untold = orjson.dumps({"withheld": self.withheld, "redacted": self.redacted})[1:-1].decode()
        return (
            f',"dataclassification":"{confidentiality}","disclosurelevel":"{self.level}",'
            f'"data":{{{untold},"disclosureLevel":"{self.level}"'
        ).encode()


def _parts_of(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


_ALL: Final[Mapping[str, frozenset[str]]] = {
    "location": _parts_of(Location),
    "movement": _parts_of(Movement),
    "people": _parts_of(People),
    "vehicles": _parts_of(Vehicle),
    "documentRefs": _parts_of(DocumentRef),
    "recruiterRefs": _parts_of(RecruiterRef),
    "indicators": _parts_of(WeightedIndicator),
    "note": _parts_of(Note),
    "handling": _parts_of(Handling),
    "group": _parts_of(Group),
    "evidence": _parts_of(Evidence),
}
"""All parts that a field of the event has: who may see each of them sees the field as it is."""


class Views:
    """The view of every level for each kind that has extra fields, and for ``ANYBODY``."""

    def __init__(self, views: Iterable[View]) -> None:
        self._of = {(view.level, view.kind): view for view in views}

    def view(self, level: Level, kind: str) -> View:
        """Return a reader's view; an unknown level sees what L1 sees (law 6)."""
        told = level if level in LEVELS else Level.L1
        return self._of.get((told, kind)) or self._of[told, ANYBODY]


def make_views(fields: tuple[FieldRow, ...], unmapped: Mapping[str, Recipient]) -> Views:
    """Return the views that the table allows."""
    kinds = {kind for row in fields for kind in row.extra_kinds} | {ANYBODY}
    return Views(_view(level, kind, fields, unmapped) for level in LEVELS for kind in sorted(kinds))


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
