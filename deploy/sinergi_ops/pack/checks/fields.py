"""Field names of ``field_visibility.csv`` are those of the event, or those that an alert adds."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from sinergi_ops.pack.files import PackFiles
from sinergi_ops.pack.findings import Finding, Rule, Words
from sinergi_shared.contracts.alert import Alert
from sinergi_shared.contracts.event import SuspiciousMovement


def check(files: PackFiles) -> Iterator[Finding]:
    """Report fields that no event and no alert has."""
    known = {*_paths(SuspiciousMovement), *_paths(Alert)}
    for row in files.tables["field_visibility"]:
        if row["field"] not in known:
            yield Finding(
                Rule.UNKNOWN_FIELD,
                row.file,
                row.number,
                Words(f"Medan {row['field']} tidak dikenal", f"Field {row['field']} is unknown"),
            )


def _paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        yield path
        for inner in _models(field.annotation):
            yield from _paths(inner, f"{path}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - an annotation, which has no better type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
