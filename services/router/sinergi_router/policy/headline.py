"""One line for a person at night: what kind of message, of what, where; from templates, never from notes."""

from typing import Final

from sinergi_router.policy.book import Policy
from sinergi_shared.contracts.codes import AlertMsgType, Level, Status
from sinergi_shared.contracts.event import SuspiciousMovement

MOST: Final = 160

_OPENING: Final = {
    AlertMsgType.ALERT: "Peringatan Dini",
    AlertMsgType.UPDATE: "Pemutakhiran",
    AlertMsgType.CANCEL: "Pembatalan",
    AlertMsgType.FALSE_POSITIVE: "Bukan ancaman",
    AlertMsgType.ESCALATION: "Eskalasi",
    AlertMsgType.RECALL: "Penarikan",
}


def headline(
    data: SuspiciousMovement, msg_type: AlertMsgType, level: Level, area: str | None, policy: Policy
) -> str:
    """Return the headline at a level; begins with ``LATIHAN`` for an exercise."""
    row = policy.situation(data.situation)
    label = row.label_id if level >= Level.L2 else row.l1_label_id
    return _line(f"{_OPENING[msg_type]}: {label} - {policy.area_name(area)}", data.status)


def bare_headline(status: Status, msg_type: AlertMsgType) -> str:
    """Return the headline of a message that carries nothing of the event."""
    return _line(f"{_OPENING[msg_type]}: tanpa isi kejadian", status)


def _line(text: str, status: Status) -> str:
    if status is Status.EXERCISE:
        text = f"LATIHAN - {text}"
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"
