"""``sinergi.controls.v1``: what people switch on and off, each entry with actor, reason and its own end."""

from typing import Annotated

from pydantic import StringConstraints

from sinergi_shared.contracts.base import Contract, Time
from sinergi_shared.contracts.codes import ControlKind
from sinergi_shared.contracts.envelope import CloudEvent

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$")]


class Control(Contract):
    """One switch; after ``endsAt`` it cannot come back."""

    kind: ControlKind
    id: Word
    actor: Word
    reason: Annotated[str, StringConstraints(min_length=1, max_length=280)]
    value: dict[Word, Word]
    startsAt: Time
    endsAt: Time | None = None


ControlEvent = CloudEvent[Control]


def control_type(kind: ControlKind) -> str:
    """Return the CloudEvents type of a control entry."""
    return f"id.sinergi.control.{kind}.v1"
