"""A kind that mandates address as the only one of its kind has exactly one active recipient."""

from collections.abc import Iterator

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words


def check(files: PackFiles) -> Iterator[Finding]:
    """Report each such kind once, at the first mandate that says ``single``."""
    told = set()
    for row in files.tables["mandates"]:
        kind = row["recipient_kind"]
        known = kind in files.column("recipients", "kind")  # a missing kind is told by the mandates' check
        if row["scope"] != "single" or not known or kind in told:
            continue
        told.add(kind)
        codes = sorted(each["code"] for each in files.active if each["kind"] == kind)
        if len(codes) != 1:
            yield Finding(
                Rule.SINGLE,
                row.file,
                row.number,
                Words(
                    f"{row['rule_id']}: jenis {kind} punya {len(codes)} penerima aktif {', '.join(codes)}",
                    f"{row['rule_id']}: kind {kind} has {len(codes)} active recipients {', '.join(codes)}",
                ),
            )
