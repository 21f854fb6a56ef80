"""How ``sinergi rejected`` shows what was refused: codes and places; its content only where asked for."""

from collections.abc import Sequence
from typing import Any, Final

from sinergi_ops.rejected_records import place
from sinergi_shared.contracts.base import WIB, format_time
from sinergi_shared.contracts.rejected import RejectedEvent

_SHORT: Final = 8
_HEAD: Final = (
    "ID",
    "WAKTU/TIME (WIB)",
    "ALASAN/REASON",
    "ATURAN/RULE",
    "ULANG/RETRY",
    "ISI/KEPT",
    "SUMBER/SOURCE",
    "TEMPAT/PLACE",
)


def table(events: Sequence[RejectedEvent]) -> list[str]:
    """Return the list for a terminal, one line a refusal, never folded: codes and places, no content."""
    rows = [_HEAD, *(_row(event) for event in events)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _row(event: RejectedEvent) -> tuple[str, ...]:
    data = event.data
    return (
        event.id[:_SHORT],
        f"{event.time.astimezone(WIB):%Y-%m-%d %H:%M:%S}",
        data.reason,
        data.rule or "-",
        _yes(data.retryable),
        _yes(data.payloadKept),
        data.rejectedSource.removeprefix("urn:sinergi:sumber:"),
        place(data),
    )


def card(event: RejectedEvent) -> list[str]:
    """Return the lines that tell one refusal whole, but for its content."""
    data = event.data
    return [
        f"Id                   {event.id}",
        f"Waktu / Time         {event.time.astimezone(WIB):%Y-%m-%d %H:%M:%S} WIB",
        f"Alasan / Reason      {data.reason}{f' ({data.rule})' if data.rule else ''}, {data.stage}",
        f"Isian / Fields       {', '.join(data.fields) or '-'}",
        f"Pesan / Message      {data.rejectedId}, {data.rejectedType}",
        f"Sumber / Source      {data.rejectedSource}",
        f"Tempat / Place       {place(data)}",
        f"Percobaan / Attempts {data.attempts}",
        f"Ulang / Retryable    {_yes(data.retryable)}; isi disimpan / payload kept: {_yes(data.payloadKept)}",
        f"Tindakan / Action    {data.action.id}",
        f"                     {data.action.en}",
    ]


def told(event: RejectedEvent, *, with_payload: bool) -> dict[str, Any]:
    """Return one refusal for programs; the content (base64) only when it is asked for."""
    left_out = None if with_payload else {"payload"}
    data: dict[str, Any] = event.data.model_dump(mode="json", exclude=left_out, exclude_none=True)
    return {
        "id": event.id,
        "time": format_time(event.time),
        "by": event.source,
        "place": place(event.data),
    } | data


def _yes(holds: bool) -> str:
    return "ya / yes" if holds else "tidak / no"
