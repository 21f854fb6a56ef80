"""Sample events made fresh: their times moved to now, their relations kept."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sinergi_shared.contracts.base import format_time, parse_time

Json = dict[str, Any]

_OF_THE_ENVELOPE: Final = ("time", "recordedtime")
_OF_THE_DATA: Final = ("observedAt", "reportedAt")


def freshened(documents: Iterable[Json], now: datetime) -> list[Json]:
    """Return the events as if the last message of each event number had been reported just now.

    One shift of whole seconds per source and event number, so revisions keep their distances and a
    repeat stays a repeat; each time keeps its own offset. Only ``time``, ``recordedtime``,
    ``observedAt`` and ``reportedAt`` change; a value that is no time stays as it is.
    """
    told = list(documents)
    last: dict[tuple[str, ...], datetime] = {}
    for document in told:
        reported = _reported(document)
        if reported is not None:
            last[_event(document)] = max(reported, last.get(_event(document), reported))
    return [_shifted(document, last.get(_event(document)), now) for document in told]


def _event(document: Json) -> tuple[str, ...]:
    source, number = document.get("source"), _data(document).get("eventNumber")
    if isinstance(source, str) and isinstance(number, str):
        return source, number
    return (repr(document.get("id")),)


def _reported(document: Json) -> datetime | None:
    return _time(_data(document).get("reportedAt")) or _time(document.get("time"))


def _shifted(document: Json, last: datetime | None, now: datetime) -> Json:
    if last is None:
        return document
    # Down to a whole second: nothing is reported after now.
    shift = timedelta(seconds=(now - last) // timedelta(seconds=1))
    moved = _moved(document, _OF_THE_ENVELOPE, shift)
    data = _data(document)
    return moved | {"data": _moved(data, _OF_THE_DATA, shift)} if data else moved


def _moved(part: Json, names: Iterable[str], shift: timedelta) -> Json:
    return part | {name: _later(part[name], shift) for name in names if name in part}


def _later(value: Any, shift: timedelta) -> Any:  # noqa: ANN401 - any JSON value, a faulty event's too
    moment = _time(value)
    try:
        return value if moment is None else format_time(moment + shift)
    except OverflowError:
        return value


def _data(document: Json) -> Json:
    data = document.get("data")
    return data if isinstance(data, dict) else {}


def _time(value: object) -> datetime | None:
    try:
        return parse_time(value)
    except ValueError:
        return None
