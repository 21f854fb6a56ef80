"""The rules' parameters are there, and name kinds, recipients and numbers that exist."""

from collections.abc import Iterator
from typing import Final

from sinergi_ops.pack.checks.values import is_number, unknown
from sinergi_ops.pack.files import PackFiles, Row
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.contracts.codes import Role, Severity

_REQUIRED: Final = (
    ("LAND_SNAP", "max_distance"),
    ("SEA_SNAP", "max_distance"),
    ("NEIGHBOUR", "radius"),
    ("NEIGHBOUR", "kinds"),
    ("NEIGHBOUR", "ack"),
    ("NEIGHBOUR", "action_id"),
    ("NEIGHBOUR", "action_en"),
    ("NEXT_JURISDICTION", "min_speed"),
    ("NEXT_JURISDICTION", "lookahead"),
    ("NEXT_JURISDICTION", "min_distance"),
    ("NEXT_JURISDICTION", "max_distance"),
    ("NEXT_JURISDICTION", "step"),
    ("NEXT_JURISDICTION", "kinds"),
    ("NEXT_JURISDICTION", "ack"),
    ("NEXT_JURISDICTION", "action_id"),
    ("NEXT_JURISDICTION", "action_en"),
    ("BORDER_EXIT", "recipient"),
    ("BORDER_EXIT", "ack"),
    ("BORDER_EXIT", "action_id"),
    ("BORDER_EXIT", "action_en"),
    ("ESCALATE", "first"),
    ("ESCALATE", "second"),
    ("FUTURE_TIME", "max_ahead"),
    ("PAST_TIME", "max_age"),
)
_NUMBERS: Final = frozenset(
    {
        "max_distance", "radius", "min_speed", "lookahead", "min_distance", "step", "first", "second",
        "max_ahead", "max_age",
    }
)  # fmt: skip


def check(files: PackFiles) -> Iterator[Finding]:
    """Report parameters that are missing or that name what is not there."""
    for rule, parameter in _REQUIRED:
        if (rule, parameter) not in files.parameters:
            yield Finding(
                Rule.PARAMETER_MISSING,
                "routing_rules.csv",
                None,
                Words(f"{rule} {parameter} tidak ada", f"{rule} {parameter} is missing"),
            )
    for row in files.tables["routing_rules"]:
        yield from _row(files, row)


def named_recipients(files: PackFiles) -> frozenset[str]:
    """Return the recipients that a rule sends to by name."""
    return frozenset(row["value"] for row in files.tables["routing_rules"] if _names_recipient(row))


def _row(files: PackFiles, row: Row) -> Iterator[Finding]:
    kinds = files.column("agencies", "kind")
    if _names_recipient(row) and row["value"] not in files.recipients:
        yield _unknown(Rule.UNKNOWN_CODE, row, row["value"])
    if _names_kind(row) and row["parameter"] not in kinds:
        yield _unknown(Rule.UNKNOWN_KIND, row, row["parameter"])
    if row["parameter"] == "kinds":
        for kind in row.parts("value"):
            if kind not in kinds:
                yield _unknown(Rule.UNKNOWN_KIND, row, kind)
    if not _value_fits(row):
        yield unknown(row, "value", row["value"])


def _value_fits(row: Row) -> bool:
    match row["parameter"]:
        case "ack":
            minutes = row.parts("value")
            return len(minutes) == len(Severity) and all(each.isdecimal() for each in minutes)
        case "role_order":
            return sorted(row.parts("value")) == sorted(Role)
        case parameter if parameter in _NUMBERS:
            return is_number(row["value"])
        case _:
            return bool(row["value"])


def _names_recipient(row: Row) -> bool:
    return row["parameter"] == "recipient" or (
        row["rule"] in {"UNMAPPED", "OVERSIGHT"} and not row["parameter"].startswith("action_")
    )


def _names_kind(row: Row) -> bool:
    return _names_recipient(row) and row["parameter"] not in {"recipient", "default"}


def _unknown(rule: Rule, row: Row, word: str) -> Finding:
    return Finding(
        rule,
        row.file,
        row.number,
        Words(
            f"{row['rule']} {row['parameter']}: {word} tidak dikenal",
            f"{row['rule']} {row['parameter']}: {word} is unknown",
        ),
    )
