"""The two forms of an alert, as types: a channel that takes ``Thin`` has no way to ``Full``."""

from dataclasses import dataclass

from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.codes import Level


class CeilingError(Exception):
    """An alert that tells more than L1 was about to become a thin one."""


@dataclass(frozen=True, slots=True)
class Thin:
    """Cut at L1: for mailboxes, phones and messengers (law 7). Raises ``CeilingError`` above that."""

    alert: AlertEvent

    def __post_init__(self) -> None:
        if {self.alert.disclosurelevel, self.alert.data.disclosureLevel} != {Level.L1}:
            raise CeilingError(f"a thin alert must be at L1, not {self.alert.disclosurelevel}")


@dataclass(frozen=True, slots=True)
class Full:
    """As published on the agency's own topic: only where the reader is known, such as a signed webhook."""

    alert: AlertEvent
