"""Times as people read them: WIB with its name, and the reader's own clock first when it differs."""

from datetime import datetime, timedelta, timezone
from typing import Final

from sinergi_shared.contracts.base import MYT, WIB
from sinergi_shared.region.labels import Wording

_MONTHS_ID: Final = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
_MONTHS_EN: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_CLOCKS: Final = {
    "Asia/Kuching": MYT,
    "Asia/Kuala_Lumpur": MYT,
    "Asia/Makassar": timezone(timedelta(hours=8), "WITA"),
    "Asia/Jayapura": timezone(timedelta(hours=9), "WIT"),
}
"""Clocks that are not WIB; none of them knows daylight saving time."""


def clocks(zone: str, *, abroad: bool) -> tuple[timezone, ...]:
    """Return which clocks to tell: WIB always; first the reader's own, or Sarawak's for an event abroad."""
    own = _CLOCKS.get(zone, MYT if abroad else WIB)
    return (own,) if own is WIB else (own, WIB)


def told(time: datetime, shown: tuple[timezone, ...]) -> Wording:
    """Return date and minute, such as ``10 Maret 2026 pukul 10.30 MYT (09.30 WIB)``."""
    first, *others = (time.astimezone(clock) for clock in shown)
    beside_id = "".join(f" ({_other(first, other, _MONTHS_ID, '.')})" for other in others)
    beside_en = "".join(f" ({_other(first, other, _MONTHS_EN, ':')})" for other in others)
    return Wording(
        f"{_date(first, _MONTHS_ID)} pukul {_minute(first, '.')}{beside_id}",
        f"{_date(first, _MONTHS_EN)}, {_minute(first, ':')}{beside_en}",
    )


def quarter_hour(time: datetime) -> datetime:
    """Return the start of the quarter of an hour in which this time lies."""
    return time.replace(minute=time.minute // 15 * 15, second=0, microsecond=0)


def _date(time: datetime, months: tuple[str, ...]) -> str:
    return f"{time.day} {months[time.month - 1]} {time.year}"


def _minute(time: datetime, sign: str) -> str:
    return f"{time:%H}{sign}{time:%M} {time.tzname()}"


def _other(first: datetime, other: datetime, months: tuple[str, ...], sign: str) -> str:
    if other.date() == first.date():
        return _minute(other, sign)
    return f"{_date(other, months)} {_minute(other, sign)}"
