"""Admission by the book: which reason, if any, refuses a message (contracts, sections 1, 2, 5, 6, 7).

Written from the documents alone, without the product's models, so that the two can disagree.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

MAX_BYTES: Final = 65_536
MAX_KEYS: Final = 512
MAX_DEPTH: Final = 32
TYPE: Final = "id.sinergi.movement.suspicious.v1"
AHEAD: Final = timedelta(seconds=600)

Test = Callable[[Any], bool]


class Unreadable(Exception):  # noqa: N818 - a word of the contracts
    """The bytes are not one strict JSON object."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What admission says: a readable document (its note withheld if need be), a reason to refuse it."""

    document: dict[str, Any] | None
    reason: str | None
    note_withheld: bool = False


def admit(raw: bytes, sources: frozenset[str], now: Callable[[dict[str, Any]], datetime | None]) -> Admission:
    """Return the first reason that applies, in the order of section 5."""
    if len(raw) > MAX_BYTES:
        return Admission(None, "TOO_LARGE")
    try:
        document = read(raw)
    except Unreadable:
        return Admission(None, "SCHEMA_INVALID")
    withheld = False
    for judge in (_envelope, _source(sources), _type, _version):
        if reason := judge(document):
            return Admission(document, reason)
    faults = set(_personal(document.get("data"), DATA, ()))
    if faults == {("note", "text")} and _at_risk(document["data"]):
        document = {**document, "data": {k: v for k, v in document["data"].items() if k != "note"}}
        withheld, faults = True, set()
    reason = "PII_DETECTED" if faults else _profile(document) or _schema(document) or _time(document, now)
    return Admission(document, reason, withheld)


# --- bytes ---------------------------------------------------------------------------------------


def read(raw: bytes) -> dict[str, Any]:
    """Return the one strict JSON object in these bytes."""
    keys = 0

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal keys
        keys += len(found)
        if keys > MAX_KEYS or len(dict(found)) != len(found):
            raise Unreadable
        return dict(found)

    try:
        document = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_int=_int,
            parse_float=_float,
            parse_constant=_never,
        )
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(document, dict) or _depth(document) > MAX_DEPTH or any(map(_unclean, _texts(document))):
        raise Unreadable
    return document


def _int(text: str) -> int:
    if len(text) > 20 or abs(int(text)) >= 2**53:
        raise Unreadable
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:
        raise Unreadable
    return value


def _never(_text: str) -> float:
    raise Unreadable


def _depth(value: Any) -> int:
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if members is None else 1 + max(map(_depth, members), default=0)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


def _unclean(text: str) -> bool:
    return any((c < " " and c not in "\t\n\r") or "\ud800" <= c <= "\udfff" for c in text)


# --- envelope ------------------------------------------------------------------------------------


def text(pattern: str) -> Test:
    """Return a test for strings that wholly match."""
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


NUMBER: Final = text(r"PRS-[0-9]{8}-[0-9A-Z]{4,10}")
UUID7: Final = text(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UUID: Final = text(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_VERSION: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S*?([0-9]+)-([0-9]+)-([0-9]+)\.json")
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def time_of(value: Any) -> datetime | None:
    """Return an aware time, or nothing when the text is not RFC 3339 with an offset."""
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _is_time(value: Any) -> bool:
    return time_of(value) is not None


REQUIRED: Final[dict[str, Test]] = {
    "specversion": lambda value: value == "1.0",
    "id": UUID7,
    "source": text(r"urn:sinergi:sumber:[a-z0-9-]+:[a-z0-9-]+"),
    "type": text(r".+"),
    "subject": NUMBER,
    "datacontenttype": lambda value: value == "application/json",
    "dataschema": lambda value: isinstance(value, str) and _VERSION.fullmatch(value) is not None,
    "partitionkey": text(r".+"),
}
ADVISED: Final[dict[str, Test]] = {
    "recordedtime": _is_time,
    "correlationid": text(r".+"),
    "causationid": text(r".+"),
}


def version(document: dict[str, Any]) -> tuple[int, int]:
    """Return major and minor of ``dataschema``."""
    found = _VERSION.fullmatch(document["dataschema"])
    assert found is not None
    return int(found[1]), int(found[2])


def _envelope(document: dict[str, Any]) -> str | None:
    fine = all(name in document and test(document[name]) for name, test in REQUIRED.items())
    fine = fine and all(name not in document or test(document[name]) for name, test in ADVISED.items())
    return None if fine else "ENVELOPE_INVALID"


def _source(sources: frozenset[str]) -> Callable[[dict[str, Any]], str | None]:
    return lambda document: None if document["source"] in sources else "SOURCE_UNKNOWN"


def _type(document: dict[str, Any]) -> str | None:
    return None if document["type"] == TYPE else "TYPE_UNSUPPORTED"


def _version(document: dict[str, Any]) -> str | None:
    return None if version(document)[0] == 1 else "VERSION_UNKNOWN"


# --- the field table -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field with one value; ``prose`` is screened even when it fits its own pattern."""

    test: Test
    prose: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of one kind of value."""

    item: Any
    least: int = 0
    most: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Bag:
    """An object with free keys (codes) and one kind of value."""

    key: Test
    item: Leaf


@dataclass(frozen=True, slots=True)
class Record:
    """An object with named fields."""

    must: dict[str, Any]
    may: dict[str, Any]

    def field(self, name: str) -> Any:
        """Return the shape of a field, or nothing for one that is not in the table."""
        return self.must.get(name, self.may.get(name))


def _words(*words: str) -> Leaf:
    return Leaf(lambda value: isinstance(value, str) and value in words)


def _whole(low: int, high: int) -> Leaf:
    return Leaf(lambda value: type(value) is int and low <= value <= high)


def _number(low: float, high: float) -> Leaf:
    return Leaf(lambda value: type(value) in (int, float) and low <= value <= high)


def _degrees(limit: int) -> Leaf:
    return Leaf(
        lambda value: type(value) in (int, float) and -limit <= value <= limit and round(value, 5) == value
    )


def _token(prefix: str) -> Leaf:
    return Leaf(text(prefix + "_[A-Z2-7]{16}"))


_FLAG: Final = Leaf(lambda value: isinstance(value, bool))
_TIME: Final = Leaf(_is_time)
_AREA: Final = Leaf(text(r"[0-9]{2}(\.[0-9]{2}(\.[0-9]{2})?)?"))
_CODE: Final = Leaf(text(r"[A-Z0-9][A-Z0-9._-]{0,31}"))
_OPEN: Final = Leaf(text(r"[a-z][a-z0-9_]{0,31}"))
_TAG: Final = Leaf(text(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"))
_COUNT: Final = _whole(0, 500)
SITUATIONS: Final = [
    "TPPO_AT_POST",
    "TPPO_OFF_POST",
    "TPPM_OFF_POST_LAND",
    "SEA_LANDING",
    "MINOR_AT_RISK",
    "VICTIM_DISCLOSURE",
    "DOCUMENT_FRAUD_TPI",
    "NONPROC_DEPARTURE",
    "RECRUITER_MATCH",
    "CONVOY_NEAR_BORDER",
    "HARBOURING_SITE",
    "RETURNEE_ARRIVAL",
    "CONSULATE_REQUEST",
    "INLAND_TRANSIT",
]

DATA: Final = Record(
    must={
        "eventNumber": Leaf(NUMBER),
        "revision": _whole(1, 2**53 - 1),
        "msgType": _words("Alert", "Update", "Cancel", "FalsePositive"),
        "status": _words("Actual", "Exercise", "Test"),
        "situation": _words(*SITUATIONS),
        "suspicion": _words("TPPO", "TPPM", "both"),
        "severity": _words("rendah", "sedang", "tinggi", "kritis"),
        "urgency": _words("segera", "cepat", "terjadwal"),
        "certainty": _words("terpantau", "kemungkinan_besar", "mungkin"),
        "observedAt": _TIME,
        "reportedAt": _TIME,
        "reportChannel": _words(
            "petugas_tpi", "petugas_pos", "patroli", "desa", "hotline", "konsulat", "sistem"
        ),
        "location": Record(
            must={"kind": _words("post", "land", "sea", "inland", "abroad")},
            may={
                "lat": _degrees(90),
                "lon": _degrees(180),
                "accuracyM": _whole(0, 999_999_999),
                "adminCode": _AREA,
                "placeCode": _CODE,
                "handoverPlaceCode": _CODE,
                "recruitedAdminCode": _AREA,
            },
        ),
        "people": Record(
            must={"count": _whole(1, 500), "minors": _COUNT},
            may={
                "countEstimated": _FLAG,
                "ageBands": Record({}, dict.fromkeys(("anak_0_12", "anak_13_17", "dewasa"), _COUNT)),
            },
        ),
        "indicators": Items(
            Record({"code": Leaf(text(r"[A-Z][A-Z0-9_]+")), "corroborated": _FLAG}, {}), least=1
        ),
    },
    may={
        "movement": Record(
            {},
            {
                "direction": _words("menuju_sarawak", "dari_sarawak", "dalam_negeri", "tidak_diketahui"),
                "mode": _OPEN,
                "headingDeg": _number(0, 359),
                "speedKmh": _number(0, float("inf")),
            },
        ),
        "needs": Items(_OPEN),
        "interpreterLanguage": _TAG,
        "vehicles": Items(Record({}, {"ref": _token("veh"), "kind": _OPEN})),
        "documentRefs": Items(Record({}, {"ref": _token("doc")})),
        "recruiterRefs": Items(
            Record({}, {"listId": Leaf(text(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")), "ref": _token("rec")})
        ),
        "safeContactRef": _token("saf"),
        "caseRef": _token("cas"),
        "note": Record(
            {
                "text": Leaf(lambda value: isinstance(value, str) and len(value) <= 280, prose=True),
                "lang": _TAG,
                "screened": _FLAG,
            },
            {},
        ),
        "references": Items(Leaf(UUID)),
        "danger": _FLAG,
        "implicatedUnits": Items(_CODE, most=5),
        "handling": Record(
            {}, {"onward": _words("free", "ask"), "basis": _words("consent", "vital_interest", "legal_duty")}
        ),
        "reliability": Leaf(text("[A-F]")),
        "accuracy": Leaf(text("[1-6]")),
        "group": Record(
            {}, dict.fromkeys(("homeProvinces", "needCounts"), Bag(text(r"[A-Za-z0-9_.-]+"), _COUNT))
        ),
        "pass": _words("plb_in_zone", "plb_beyond_zone"),
        "evidence": Items(
            Record({}, {"uri": Leaf(text(r"https://\S+")), "sha256": Leaf(text(r"[0-9a-fA-F]{64}"))})
        ),
    },
)


def _schema(document: dict[str, Any]) -> str | None:
    newer = version(document) > (1, 1)
    data = document.get("data")
    fine = _is_time(document.get("time")) and _fits(data, DATA, newer=newer) and _whole_story(data)
    return None if fine else "SCHEMA_INVALID"


def _fits(value: Any, shape: Any, *, newer: bool) -> bool:
    match shape:
        case Leaf(test=test):
            return test(value)
        case Items(item=item, least=least, most=most):
            sized = isinstance(value, list) and least <= len(value) <= most
            return sized and all(_fits(member, item, newer=newer) for member in value)
        case Bag(key=key, item=item):
            return isinstance(value, dict) and all(key(k) and item.test(v) for k, v in value.items())
        case Record(must=must, may=may):
            if not isinstance(value, dict) or any(name not in value for name in must):
                return False
            known = {**must, **may}
            return all(
                _fits(member, known[name], newer=newer) if name in known else newer
                for name, member in value.items()
            )
    return False


def _whole_story(data: Any) -> bool:
    """Tell whether the fields fit each other: a whole point, no more minors than people, group sums."""
    people, place = data["people"], data["location"]
    group = data.get("group", {})
    most = max([sum(group.get("homeProvinces", {}).values()), *group.get("needCounts", {}).values()])
    return ("lat" in place) == ("lon" in place) and people["minors"] <= people["count"] >= most


# --- personal data and profiles ------------------------------------------------------------------

FORBIDDEN_KEYS: Final = frozenset(
    [
        "nama",
        "name",
        "nik",
        "passport",
        "paspor",
        "photo",
        "foto",
        "ethnicity",
        "suku",
        "etnis",
        "religion",
        "agama",
        "nationality",
        "kewarganegaraan",
        "phone",
        "telepon",
        "email",
        "alamat",
        "address",
        "birthdate",
        "tanggallahir",
    ]
)
_GAP: Final = "[ .-]?"
_PREFIXES: Final = "KB|KH|KT|KU|DA|B|D|F|L|N|AB|AD|BK|BA|BM|DD|DK|QA[A-Z]?|QK[A-Z]?|QS[A-Z]?|QM[A-Z]?"
PATTERNS: Final = (
    re.compile(rf"[0-9](?:{_GAP}[0-9]){{15}}"),
    re.compile(rf"(?<![A-Za-z])[A-Za-z]{{1,2}}{_GAP}[0-9](?:{_GAP}[0-9]){{5,6}}(?!{_GAP}[0-9])"),
    re.compile(rf"(?<![0-9A-Za-z])(?:\+?6[02]|0){_GAP}[1-9](?:{_GAP}[0-9]){{6,11}}(?!{_GAP}[0-9])"),
    re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"),
    re.compile(rf"(?<![A-Za-z0-9])(?:{_PREFIXES}){_GAP}[0-9]{{2,4}}(?:{_GAP}[A-Z]{{1,3}})?(?![A-Za-z0-9])"),
)

Path = tuple[Any, ...]


def _personal(value: Any, shape: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, dict):
        for key, member in value.items():
            if key.lower() in FORBIDDEN_KEYS:
                yield (*path, key)
            yield from _personal(member, _below(shape, key), (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _personal(member, _below(shape, index), (*path, index))
    elif isinstance(value, str):
        own = isinstance(shape, Leaf) and not shape.prose and shape.test(value)
        if not own and any(pattern.search(value) for pattern in PATTERNS):
            yield path


def _below(shape: Any, step: Any) -> Any:
    match shape:
        case Record():
            return shape.field(step)
        case Items(item=item) | Bag(item=item):
            return item
    return None


def _at_risk(data: dict[str, Any]) -> bool:
    people = data.get("people")
    minors = people.get("minors") if isinstance(people, dict) else 0
    needs = data.get("needs")
    return (
        data.get("danger") is True
        or (type(minors) is int and minors > 0)
        or (isinstance(needs, list) and any(need in needs for need in ("ppa", "shelter", "medical")))
        or data.get("situation") in ("MINOR_AT_RISK", "VICTIM_DISCLOSURE")
    )


def _profile(document: dict[str, Any]) -> str | None:
    data = document.get("data")
    listed = data.get("indicators") if isinstance(data, dict) else None
    codes = (
        [item.get("code") for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    )
    return "PROFILE_FORBIDDEN" if "FORBIDDEN_PROFILE" in codes else None


def _time(document: dict[str, Any], now: Callable[[dict[str, Any]], datetime | None]) -> str | None:
    clock = now(document)
    told = time_of(document["time"]), time_of(document["data"]["observedAt"])
    ahead = any(moment is not None and clock is not None and moment - clock > AHEAD for moment in told)
    return "TIME_OUT_OF_RANGE" if ahead else None
