"""Hostile bodies, drawn by hypothesis from a seed: valid events bent, cut, stuffed and broken.

Every one that should hold personal data holds ``PLANTED``, so that a check can look for it
wherever it must not be.
"""

import copy
import json
import random
from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

Event = dict[str, Any]

PLANTED: Final = "6171011503900017"

_NESTED: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)
_HUGE: Final = st.sampled_from((2**53, -(2**63), 10**400, 1e308, -1, 0, 501, float("nan"), float("inf")))
_ODD_TIMES: Final = st.sampled_from(
    (
        "2026-03-10t08:12:30+07:00", "2026-03-10T08:12:30z", "2026-03-10 08:12:30+07:00",
        "2026-W11-2T08:12:30Z",
        "2026-03-10T24:00:00Z", "2026-03-10T08:12:60Z", "2026-03-10T08:12:30", "2026-03-10T08:12:30+0700",
        "2026-02-30T08:12:30Z", "1773105150", "", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z",
    )
)  # fmt: skip
_ODD_TEXT: Final = st.sampled_from(
    (
        "\x00",
        "\u202e",
        "\ufeff",
        "\ud800",
        "\U0010ffff",
        "'; DROP TABLE--",
        "../../etc/passwd",
        "${jndi:x}",
        "<x>",
        "%s%n",
    )
)
_NUMBERS: Final = (b"1e999", b"-0", b"01", b"0x10", b"NaN", b"-Infinity", b"1" * 5_000, b"1.5e-400")
_MARKS: Final = (b"\xff", b"\xc0\x80", b"\xef\xbb\xbf", b"\x00", b'"', b"\\u0000", b"{", b"]", b",", b"\\")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value below this one."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    found = [path] if path else []
    for step, member in members:
        found += places(member, (*path, step))
    return found


def _put(event: Event, path: tuple[Any, ...], value: Any) -> None:
    here: Any = event
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value


@st.composite
def bodies(draw: Callable[..., Any], example: Event) -> tuple[str, bytes]:
    """Draw which way was taken, and the bytes."""
    way = draw(st.sampled_from(sorted(_WAYS)))
    number = draw(st.integers(0, 16**8 - 1))
    event = copy.deepcopy(example)
    event["id"] = f"{event['id'][:-8]}{number:08x}"
    return way, _WAYS[way](draw, event)


def corpus(example: Event, count: int, from_seed: int) -> list[tuple[str, bytes]]:
    """Return so many ways and bodies; the same for the same seed."""
    found: list[tuple[str, bytes]] = []

    @seed(from_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(bodies(example))
    def collect(drawn: tuple[str, bytes]) -> None:
        found.append(drawn)

    collect()
    random.Random(from_seed).shuffle(found)  # noqa: S311 - a repeatable order
    return found


def _as_bytes(event: Event, *, ascii_only: bool = True) -> bytes:
    return json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def _any_value(draw: Any, event: Event) -> bytes:
    for path in draw(st.lists(st.sampled_from(places(event)), min_size=1, max_size=3)):
        try:
            _put(event, path, draw(_NESTED))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier one took its parent away
    return _as_bytes(event, ascii_only=draw(st.booleans()))


def _huge_number(draw: Any, event: Event) -> bytes:
    event["data"]["movement"] = {"speedKmh": 3}
    path = draw(
        st.sampled_from((("people", "count"), ("people", "minors"), ("movement", "speedKmh"), ("revision",)))
    )
    _put(event["data"], path, draw(_HUGE))
    return _as_bytes(event)


def _odd_time(draw: Any, event: Event) -> bytes:
    _put(
        event,
        draw(st.sampled_from((("time",), ("data", "observedAt"), ("data", "reportedAt")))),
        draw(_ODD_TIMES),
    )
    return _as_bytes(event)


def _odd_text(draw: Any, event: Event) -> bytes:
    text = draw(st.text(max_size=20)) + draw(_ODD_TEXT)
    event["data"]["note"] = {"text": text, "lang": "id", "screened": True}
    return _as_bytes(event, ascii_only=draw(st.booleans()))


def _left_out(draw: Any, event: Event) -> bytes:
    path = draw(st.sampled_from([path for path in places(event) if not isinstance(path[-1], int)]))
    here: Any = event
    for step in path[:-1]:
        here = here[step]
    del here[path[-1]]
    return _as_bytes(event)


def _more_fields(draw: Any, event: Event) -> bytes:
    event["data"] |= draw(st.dictionaries(st.text(min_size=1, max_size=12), _NESTED, min_size=1, max_size=5))
    if draw(st.booleans()):
        event["dataschema"] = event["dataschema"].replace("1-0-0", "1-9-0")
    return _as_bytes(event)


def _personal(draw: Any, event: Event) -> bytes:
    gap = draw(st.sampled_from(("", " ", ".", "-")))
    hidden = gap.join((PLANTED[:4], PLANTED[4:8], PLANTED[8:12], PLANTED[12:]))
    if draw(st.booleans()):
        event["data"]["note"] = {"text": f"KTP {hidden}", "lang": "id", "screened": True}
    else:
        _put(event, draw(st.sampled_from(places(event["data"], ("data",)))), hidden)
    if draw(st.booleans()):
        event["dataschema"] = "https://schema.sinergi.example/x/2-0-0.json"
    return _as_bytes(event)


def _personal_key(draw: Any, event: Event) -> bytes:
    key = draw(st.sampled_from(("nama", "NIK", "e-mail", "Passport", "suku", "n\u200bama", PLANTED)))
    event["data"]["people"] |= {key: PLANTED}
    return _as_bytes(event)


def _profile(draw: Any, event: Event) -> bytes:
    code = draw(st.sampled_from(("FORBIDDEN_PROFILE", "SUKU_X", "LOOKS", "BAHASA")))
    event["data"]["indicators"] = [{"code": code, "corroborated": True}]
    return _as_bytes(event)


def _flipped(draw: Any, event: Event) -> bytes:
    body = bytearray(_as_bytes(event))
    for _ in range(draw(st.integers(1, 5))):
        body[draw(st.integers(0, len(body) - 1))] ^= 1 << draw(st.integers(0, 7))
    return bytes(body)


def _cut(draw: Any, event: Event) -> bytes:
    if draw(st.booleans()):
        event["data"]["note"] = {"text": f"KTP {PLANTED}", "lang": "id", "screened": True}
    body = _as_bytes(event)
    return body[: draw(st.integers(0, len(body) - 1))]


def _stuffed(draw: Any, event: Event) -> bytes:
    body = _as_bytes(event)
    at = draw(st.integers(0, len(body)))
    return body[:at] + draw(st.sampled_from(_MARKS)) + body[at:]


def _odd_number(draw: Any, event: Event) -> bytes:
    return _as_bytes(event).replace(b'"revision": 1', b'"revision": ' + draw(st.sampled_from(_NUMBERS)))


def _twice(draw: Any, event: Event) -> bytes:
    name = draw(st.sampled_from(sorted(event)))
    return b"{" + f"{json.dumps(name)}: 1, ".encode() + _as_bytes(event)[1:]


def _deep(draw: Any, event: Event) -> bytes:
    depth = draw(st.integers(33, 3_000))
    opened, closed = draw(st.sampled_from((('{"a":', "}"), ("[", "]"))))
    return _as_bytes(event).replace(
        b'"revision": 1', f'"revision": {opened * depth}1{closed * depth}'.encode()
    )


def _long(draw: Any, event: Event) -> bytes:
    unit = draw(st.sampled_from(("a", "1 ", "KB 1 ", "a@", "O1", "ktp 1-2-", "\u0332", "08.12-", "\\")))
    event["data"]["note"] = {
        "text": unit * (draw(st.integers(1_000, 90_000)) // len(unit)),
        "lang": "id",
        "screened": True,
    }
    return _as_bytes(event, ascii_only=False)


def _other_encoding(draw: Any, event: Event) -> bytes:
    if draw(st.booleans()):
        event["data"]["nama"] = PLANTED
    return json.dumps(event).encode(draw(st.sampled_from(("utf-16", "utf-32", "utf-7", "cp037"))))


def _noise(draw: Any, _event: Event) -> bytes:
    return bytes(draw(st.binary(max_size=200)))


_WAYS: Final[dict[str, Callable[[Any, Event], bytes]]] = {
    "any value anywhere": _any_value,
    "huge number": _huge_number,
    "loose time": _odd_time,
    "odd text": _odd_text,
    "field left out": _left_out,
    "unknown fields": _more_fields,
    "personal data": _personal,
    "forbidden key": _personal_key,
    "forbidden profile": _profile,
    "bits flipped": _flipped,
    "cut off": _cut,
    "bytes put in": _stuffed,
    "odd number": _odd_number,
    "duplicate key": _twice,
    "deep": _deep,
    "long": _long,
    "other encoding": _other_encoding,
    "noise": _noise,
}
