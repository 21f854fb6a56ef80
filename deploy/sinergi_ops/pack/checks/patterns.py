"""A recipient's code has the form that its kind prescribes."""

import re
from collections.abc import Iterator

from sinergi_ops.pack.checks.values import unknown
from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words


def check(files: PackFiles) -> Iterator[Finding]:
    """Report patterns that are no regular expression, and codes that do not match theirs."""
    patterns: dict[str, re.Pattern[str]] = {}
    for row in files.tables["agencies"]:
        try:
            patterns[row["kind"]] = re.compile(row["code_pattern"])
        except re.error:
            yield unknown(row, "code_pattern", row["code_pattern"])
    for row in files.tables["recipients"]:
        pattern = patterns.get(row["kind"])
        if pattern and not pattern.fullmatch(row["code"]):
            yield Finding(
                Rule.CODE_PATTERN,
                row.file,
                row.number,
                Words(
                    f"Kode {row['code']} tidak sesuai pola jenis {row['kind']}",
                    f"Code {row['code']} does not have the form of kind {row['kind']}",
                ),
            )
