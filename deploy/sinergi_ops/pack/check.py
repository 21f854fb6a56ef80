"""All checks of a region pack, in the order in which a person would repair what they find."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from sinergi_ops.pack.checks import (
    agreement,
    areas,
    border,
    duplicates,
    escalation,
    fields,
    mandates,
    offices,
    parameters,
    patterns,
    places,
    polygons,
    reach,
    references,
    seal,
    single,
    situations,
    values,
)
from sinergi_ops.pack.files import PackFiles, read_files
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.region.tables import PackError, read_tables

_CHECKS: Final[tuple[Callable[[PackFiles], Iterable[Finding]], ...]] = (
    polygons.check,
    areas.check,
    border.check,
    duplicates.check,
    references.check,
    values.check,
    situations.check,
    fields.check,
    mandates.check,
    single.check,
    patterns.check,
    parameters.check,
    offices.check,
    agreement.check,
    escalation.check,
    reach.check,
    places.check,
    seal.check,
)
_ERROR: Final = re.compile(r"([a-z_]+\.[a-z]+)(?:, row ([0-9]+))?: (.*)", re.DOTALL)


def check_pack(directory: Path) -> tuple[Finding, ...]:
    """Return everything that is wrong with the pack in this directory; nothing when it may be used.

    A file that cannot be read is told alone: what the others say cannot be judged without it.
    """
    try:
        files = read_files(directory)
    except PackError as error:
        return (_unreadable(error),)
    found = tuple(finding for check in _CHECKS for finding in check(files))
    return found or _as_services_read(directory)


def _as_services_read(directory: Path) -> tuple[Finding, ...]:
    try:
        read_tables(directory)
    except PackError as error:
        return (_unreadable(error),)
    return ()


def _unreadable(error: PackError) -> Finding:
    match = _ERROR.fullmatch(str(error))
    file, row, reason = match.groups() if match else ("pack.yaml", None, str(error))
    return Finding(
        Rule.FILE,
        file,
        int(row) if row else None,
        Words(f"Tidak dapat dibaca sebagaimana mestinya: {reason}", f"Cannot be read: {reason}"),
    )
