"""Every mandate speaks of known situations, kinds and conditions, in words that fit together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sinergi_ops.pack.checks.values import unknown
from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.contracts.codes import Level, Role, Severity, Situation, Suspicion


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may stand beside a scope; ``kinds`` is empty where a kind of agency is named."""

    situations: frozenset[str]
    roles: frozenset[str]
    levels: frozenset[str]
    kinds: frozenset[str] = frozenset()


_PER_EVENT: Final = Vocabulary(
    frozenset(Situation), frozenset(Role), frozenset({Level.L1, Level.L2, Level.L3})
)
_PREVIOUS: Final = Vocabulary(
    frozenset({"UPDATE", "CANCEL", "FALSE_POSITIVE"}),
    frozenset({"as_previous"}),
    frozenset({"as_previous", Level.L1}),
    frozenset({"SAME_AS_PREVIOUS"}),
)
EVENT_SCOPES: Final = frozenset(
    {"territory", "territory_only", "post_or_territory", "post", "single", "province"}
)
DIGEST: Final = "digest"
_SCOPES: Final = {
    **dict.fromkeys(EVENT_SCOPES, _PER_EVENT),
    DIGEST: Vocabulary(frozenset({"ANY", *Situation}), frozenset({"digest"}), frozenset({Level.L0})),
    "previous": _PREVIOUS,
    "previous_plus_reevaluated": _PREVIOUS,
    "situation": Vocabulary(
        frozenset({"EXERCISE"}),
        frozenset({"as_situation"}),
        frozenset({"as_situation"}),
        frozenset({"SAME_AS_SITUATION"}),
    ),
    "none": Vocabulary(frozenset({"TEST"}), frozenset({"none"}), frozenset({Level.L0}), frozenset({"NONE"})),
}


def check(files: PackFiles) -> Iterator[Finding]:
    """Report rows that name what is not there, or that leave a deadline open."""
    conditions = files.column("conditions", "condition")
    kinds = files.column("agencies", "kind") & files.column("recipients", "kind")
    for row in files.tables["mandates"]:
        yield from _conditions(row, conditions)
        vocabulary = _SCOPES.get(row["scope"])
        if vocabulary is None:
            yield unknown(row, "scope", row["scope"])
            continue
        yield from _words(row, vocabulary)
        yield from _kind(row, vocabulary.kinds or kinds)
        if row["scope"] in EVENT_SCOPES:
            yield from _deadlines(row)


def _conditions(row: Row, known: frozenset[str]) -> Iterator[Finding]:
    for condition in row.parts("condition", "&") or ("-",):
        if condition not in known:
            yield Finding(
                Rule.UNKNOWN_CONDITION,
                row.file,
                row.number,
                Words(
                    f"{row['rule_id']}: syarat {condition} tidak dikenal",
                    f"{row['rule_id']}: condition {condition} is unknown",
                ),
            )


def _words(row: Row, vocabulary: Vocabulary) -> Iterator[Finding]:
    for column, allowed in (
        ("situation", vocabulary.situations),
        ("suspicion", frozenset(Suspicion)),
        ("role", vocabulary.roles),
        ("disclosure", vocabulary.levels),
    ):
        if row[column] not in allowed:
            yield unknown(row, column, row[column])


def _kind(row: Row, known: frozenset[str]) -> Iterator[Finding]:
    kind = row["recipient_kind"]
    if kind not in known:
        yield Finding(
            Rule.UNKNOWN_KIND,
            row.file,
            row.number,
            Words(
                f"{row['rule_id']}: jenis {kind or '-'} tidak ada atau tidak punya penerima",
                f"{row['rule_id']}: kind {kind or '-'} does not exist or has no recipient",
            ),
        )


def _deadlines(row: Row) -> Iterator[Finding]:
    missing = [
        severity
        for severity in Severity
        if not (row[f"ack_{severity}_min"].isdecimal() and int(row[f"ack_{severity}_min"]) > 0)
    ]
    if missing:
        yield Finding(
            Rule.ACK_MISSING,
            row.file,
            row.number,
            Words(
                f"{row['rule_id']}: tanpa tenggat untuk keparahan {', '.join(missing)}",
                f"{row['rule_id']}: no deadline for severity {', '.join(missing)}",
            ),
        )
