"""Digits that belong to a person, in whatever groups they are written: identity numbers and phones.

Source: contracts, section 6.2. A run is digits with at most three separators in between. The hard
part is what must pass: a list of counts is a run too, so groups that nobody would write such a
number in are not put together.
"""

import re
from itertools import accumulate
from typing import Final

from sinergi_shared.contracts.reasons import Rule

_RUN: Final = re.compile(r"[0-9]++(?:(?:[ .()_-]{1,3}|[,/])[0-9]++)*+")
_PART: Final = re.compile(r"[0-9]+|[^0-9]+")
# Beside digits, letters that print like 0 and 1.
_LETTER_DIGITS: Final = re.compile("[OoQIl]++(?=[0-9])|(?<=[0-9])[OoQIl]++")
_AS_DIGITS: Final = str.maketrans("OoQIl", "00011")

_NATIONAL_ID: Final = 16
_LONG: Final = (12, 14)  # driving licences, Malaysian identity cards without their dashes

_REGION_AND_DATE: Final = re.compile(
    "(?:1[1-9]|2[01]|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7])[0-9]{4}"
    "(?:[04][1-9]|[1256][0-9]|[37][01])(?:0[1-9]|1[0-2])[0-9]{6}"
)
"""Kemendagri region and a date of birth (40 more for women), as in a NIK; of issue, as on a family card."""

_MYKAD: Final = re.compile("[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|[1-9][0-9])[0-9]{4}")
"""Date of birth and place of birth, as on a Malaysian identity card."""

_PHONE: Final = re.compile(
    "0[1-9][0-9]{7,11}|(?:00)?62[1-9][0-9]{7,11}|(?:00)?60[1-9][0-9]{7,10}|(?:00)?65[3689][0-9]{7}"
    "|8[1-9][0-9]{8,10}"
)
_ABROAD: Final = re.compile("[1-9][0-9]{7,14}")
_BARE_NUMBER: Final = re.compile("62[1-9][0-9]{8,10}|8[1-9][0-9]{8,10}")
_PHONE_START: Final = re.compile("0(?:[1-9]|0?$|06)|6(?:[025]|$)|8")
_SHORTEST_PHONE: Final = 8
_LONGEST_PHONE: Final = 15
_BLOCK: Final = 3  # digits that stand together in a phone number; counts mostly have two
_MORE_THAN_A_COUNT: Final = 6


def number_of_a_person(text: str) -> Rule | None:
    """Return whether plain text holds an identity number or a phone number; linear in its length."""
    for run in _RUN.finditer(_LETTER_DIGITS.sub(lambda found: found[0].translate(_AS_DIGITS), text)):
        if len(run[0]) < _SHORTEST_PHONE:
            continue
        parts = _PART.findall(run[0])
        groups, gaps = parts[::2], parts[1::2]
        if sum(map(len, groups)) < _SHORTEST_PHONE:
            continue
        before = run.string[max(0, run.start() - 2) : run.start()]
        if found := _in_run(groups, gaps, abroad=before.rstrip(" .-").endswith("+")):
            return found
    return None


def number_as_number(value: int) -> Rule | None:
    """Return whether a JSON number is an identity number or an Indonesian phone number."""
    text = str(value)
    if len(text) == _NATIONAL_ID and _REGION_AND_DATE.fullmatch(text):
        return Rule.NATIONAL_ID
    return Rule.PHONE if _BARE_NUMBER.fullmatch(text) else None


def _in_run(groups: list[str], gaps: list[str], *, abroad: bool) -> Rule | None:
    so_far = [0, *accumulate(map(len, groups))]
    end_at = {digits: end for end, digits in enumerate(so_far)}
    for start, group in enumerate(groups):
        end = start + 1 if len(group) > _NATIONAL_ID else end_at.get(so_far[start] + _NATIONAL_ID)
        if end is not None and _identity(groups[start:end], gaps[start : end - 1]):
            return Rule.NATIONAL_ID
        plus = abroad and start == 0
        if (plus or _PHONE_START.match(group)) and _phone_from(groups, gaps, start, plus=plus):
            return Rule.PHONE
        if len(group) in _LONG or _is_licence(groups[start : start + 3], gaps[start : start + 2]):
            return Rule.NATIONAL_ID
    return None


def _phone_from(groups: list[str], gaps: list[str], start: int, *, plus: bool) -> bool:
    digits = ""
    for end in range(start, len(groups)):
        digits += groups[end]
        if len(digits) > _LONGEST_PHONE:
            return False
        window, between = groups[start : end + 1], gaps[start:end]
        if len(digits) >= _SHORTEST_PHONE and _is_phone(digits, window, between, plus=plus):
            return True
    return False


def _ends_a_clause(between: list[str]) -> bool:
    return ("," in between or "/" in between) and len(set(between)) > 1


def _identity(window: list[str], between: list[str]) -> bool:
    if _ends_a_clause(between):
        return False
    sizes = {len(group) for group in window}
    return (
        len(window) == 1
        or sizes in ({4}, {1})
        or _REGION_AND_DATE.fullmatch("".join(window)) is not None
        or (len(set(between)) == 1 and not all(map(_may_count, window)))
    )


def _may_count(group: str) -> bool:
    """Whether somebody counts so: without leading zeros, and not in hundred thousands."""
    return len(group) < _MORE_THAN_A_COUNT and (len(group) == 1 or group[0] != "0")


def _is_phone(digits: str, window: list[str], between: list[str], *, plus: bool) -> bool:
    if _ends_a_clause(between):
        return False
    if plus and _ABROAD.fullmatch(digits):
        return True
    return _PHONE.fullmatch(digits) is not None and (
        len(window) == 1 or all(len(group) == 1 for group in window) or _grouped_as_phone(window, between)
    )


def _grouped_as_phone(window: list[str], between: list[str]) -> bool:
    longest = max(map(len, window[1:]))
    match window[0][0]:
        case "0":
            return len(set(between)) > 1 or (len(window[0]) > 1 and longest >= _BLOCK)
        case "6":
            return longest >= _MORE_THAN_A_COUNT or sum(len(group) >= _BLOCK for group in window) > 1
        case _:
            return False  # without its zero, too much like counts


def _is_licence(three: list[str], between: list[str]) -> bool:
    sizes = tuple(map(len, three))
    if sizes not in ((6, 2, 4), (4, 4, 6)) or between[0] != between[1] or between[0] == ",":
        return False
    return sizes == (4, 4, 6) or _MYKAD.fullmatch("".join(three)) is not None
