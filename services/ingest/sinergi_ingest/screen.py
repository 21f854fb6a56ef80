"""May this be carried? Personal data and forbidden profiling, found by pointer, never quoted.

Source: contracts, section 6. A string that fully matches its own field's pattern (time, token,
code, id, URI, hash) is not screened; every other string is, at every depth, known field or not.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from sinergi_ingest.disguises import plain_letters
from sinergi_ingest.fields import EVENT, UNKNOWN, Field
from sinergi_ingest.patterns import personal_data, personal_number
from sinergi_shared.contracts.codes import Need, Situation
from sinergi_shared.contracts.reasons import Rule

NOTE_TEXT: Final = "/data/note/text"

FORBIDDEN_KEYS: Final = frozenset(
    {
        "nama", "name", "nik", "passport", "paspor", "photo", "foto", "ethnicity", "suku", "etnis",
        "religion", "agama", "nationality", "kewarganegaraan", "phone", "telepon", "email", "alamat",
        "address", "birthdate", "tanggallahir",
    }
)  # fmt: skip

# Words that make an indicator a reason of who somebody is, not of what was seen (contracts, 6.3).
_PROFILE_WORDS: Final = frozenset(
    {
        "PROFILE", "ETHNIC", "ETHNICITY", "ETNIS", "SUKU", "RACE", "RACIAL", "RAS", "RELIGION", "AGAMA",
        "NATIONALITY", "KEWARGANEGARAAN", "LANGUAGE", "BAHASA", "APPEARANCE", "LOOKS", "RUPA", "ACCENT",
        "LOGAT", "SKIN", "KULIT", "FACE", "WAJAH", "HIJAB", "JILBAB", "TRIBE", "FAITH", "CITIZENSHIP",
        "DAYAK", "IBAN", "MELAYU", "MALAY", "JAWA", "MADURA", "BUGIS", "TIONGHOA", "CHINESE", "ROHINGYA",
        "ISLAM", "MUSLIM", "KRISTEN", "CHRISTIAN", "KATOLIK", "HINDU", "BUDDHA",
    }
)  # fmt: skip

_PLAIN_STEP: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}|[0-9]{1,5}")
_KEY_IN_BYTES: Final = re.compile(r'"([^"]{1,240})"\s*:')
_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """Where personal data stands, and which kind."""

    pointer: str
    rule: Rule


def personal_findings(document: dict[str, Any]) -> tuple[Finding, ...]:
    """Return every place in a parsed event that holds personal data, in document order."""
    found: list[Finding] = []
    _walk(document, "", EVENT, found)
    return tuple(found)


def nothing_to_find(document: dict[str, Any]) -> bool:
    """Return whether ``personal_findings`` has nothing to find in an event that follows the contract.

    Such an event has no key and no word but the contract's own, so only what the contract leaves
    open is looked into. Says nothing of a document with an attribute or a field that it does not name.
    """
    return _nothing_in(document, EVENT)


def forbidden_profiles(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the pointers of indicators that judge who somebody is instead of what was seen."""
    indicators = _member(_member(document, "data"), "indicators")
    return tuple(
        f"/data/indicators/{index}/code"
        for index, indicator in enumerate(indicators if isinstance(indicators, list) else ())
        if isinstance(code := _member(indicator, "code"), str)
        and not _PROFILE_WORDS.isdisjoint(code.upper().split("_"))
    )


def person_at_risk(document: dict[str, Any]) -> bool:
    """Return whether somebody may come to harm, judged before the event is known to be well-formed.

    The same rule as ``SuspiciousMovement.person_at_risk``, for a document that may have other faults.
    """
    data = _member(document, "data")
    minors, needs = _member(_member(data, "people"), "minors"), _member(data, "needs")
    return bool(
        _member(data, "danger") is True
        or (isinstance(minors, int) and minors > 0)
        or (isinstance(needs, list) and any(need in needs for need in (Need.PPA, Need.SHELTER, Need.MEDICAL)))
        or _member(data, "situation") in (Situation.MINOR_AT_RISK, Situation.VICTIM_DISCLOSURE)
    )


def holds_personal_data(body: bytes) -> bool:
    """Return whether bytes that are no readable event seem to hold personal data; rather yes than no."""
    # Without its escapes, or a number could be kept by breaking the JSON around it on purpose.
    text = _ESCAPED.sub(_unescaped, body.decode("utf-8", errors="replace"))
    return any(map(_forbidden, _KEY_IN_BYTES.findall(text))) or personal_data(text) is not None


def plain_pointer(parent: str, step: str) -> str:
    """Return the pointer one step on, or the parent's when the step could itself say too much.

    The sender chose the key, so it may be a name or a number of somebody.
    """
    plain = _PLAIN_STEP.fullmatch(step) and personal_number(step) is None
    return f"{parent}/{step}" if plain else parent


def _walk(value: Any, pointer: str, known: Field, found: list[Finding]) -> None:  # noqa: ANN401 - any JSON
    match value:
        case str() | int():
            if rule := known.judge(value):
                found.append(Finding(pointer, rule))
        case dict():
            for key, member in value.items():
                # A key of the contract is plain and allowed: only others are looked into.
                field_ = known.members.get(key)
                below = f"{pointer}/{key}" if field_ else _unknown_key(key, pointer, found)
                _walk(member, below, field_ or UNKNOWN, found)
        case list():
            item = known.members.get("*", UNKNOWN)
            for index, member in enumerate(value):
                _walk(member, f"{pointer}/{index}", item, found)


def _nothing_in(value: Any, known: Field) -> bool:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return known.judge_fitting(value) is None
    if isinstance(value, dict) and known.left:
        for name, member in known.left.items():
            if name in value and not _nothing_in(value[name], member):
                return False
        return True
    if isinstance(value, list) and (item := known.left.get("*")):
        return all(_nothing_in(member, item) for member in value)
    found: list[Finding] = []
    if isinstance(value, dict | list):
        _walk(value, "", known, found)
    return not found


def _unknown_key(key: str, pointer: str, found: list[Finding]) -> str:
    below = plain_pointer(pointer, key)
    if _forbidden(key):
        found.append(Finding(below, Rule.KEY_FORBIDDEN))
    elif rule := personal_data(key):
        found.append(Finding(below, rule))
    return below


def _forbidden(key: str) -> bool:
    return plain_letters(key) in FORBIDDEN_KEYS


def _unescaped(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else " "


def _member(value: Any, key: str) -> Any:  # noqa: ANN401 - any JSON value
    return value.get(key) if isinstance(value, dict) else None
