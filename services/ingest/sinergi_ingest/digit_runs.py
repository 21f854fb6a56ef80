"""Digits that belong to a person, in whatever groups they are written: identity numbers and phones.

Source: contracts, section 6.2. A run is groups of digits with at most three separators in between.
The hard part is what must pass: a list of counts is a run too, so groups that nobody would write
such a number in are not put together. A comma or a slash among other separators ends a clause, and
with it a run.
"""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import Final

from sinergi_shared.contracts.reasons import Rule

# Letters that print like 0 and 1 are digits where they touch one.
_ANY: Final = "[0-9OoQIl]"
_GROUP: Final = f"[OoQIl]*+[0-9]{_ANY}*+"
_AS_DIGITS: Final = str.maketrans("OoQIl", "00011")
_NO_GAPS: Final = str.maketrans("", "", " .()_-,/")
# The look behind stands behind the first sign, so that a search jumps over whatever is none; the look
# ahead passes by what is too short for a phone number. Groups that never go back stand as ``(?>(?:a)*)``:
# before Python 3.11.5 ``(?:a)*+`` lost its place, and numbers of people passed (CPython's gh-106052).
_RUN: Final = re.compile(
    rf"{_ANY}(?<!{_ANY}.)(?=[0-9OoQIl .()_-]{{7}}|[0-9OoQIl,]{{7}}|[0-9OoQIl/]{{7}})"
    rf"(?:(?<=[0-9])|[OoQIl]*+[0-9]){_ANY}*+"
    rf"(?>(?:(?>(?:[ .()_-]{{1,3}}({_GROUP}))+)|(?>(?:,({_GROUP}))+)|(?>(?:/({_GROUP}))+))?)"
)
_DIGITS: Final = re.compile("[0-9]+")
_GAP: Final = re.compile("[^0-9]+")

_NATIONAL_ID: Final = 16
_FOURS: Final = [4, 4, 4, 4]
_LICENCES: Final = ([4, 4, 6], [6, 2, 4])
_LONG: Final = (12, 14)  # driving licences, Malaysian identity cards without their dashes

_REGION_AND_DATE: Final = re.compile(
    "(?:1[1-9]|2[01]|3[1-6]|5[1-3]|6[1-5]|7[1-6]|8[12]|9[1-7])[0-9]{4}"
    "(?:[04][1-9]|[1256][0-9]|[37][01])(?:0[1-9]|1[0-2])[0-9]{6}"
)
"""Kemendagri region and a date of birth (40 more for women), as in a NIK; of issue, as on a family card."""

_BORN: Final = re.compile(f"(?={_REGION_AND_DATE.pattern})")

_MYKAD: Final = re.compile("[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|[1-9][0-9])[0-9]{4}")
"""Date of birth and place of birth, as on a Malaysian identity card."""


def _phone_number(gap: str) -> str:
    more = f"(?:{gap}[0-9])"
    of_a_country = f"2{gap}[1-9]{more}{{7,11}}|0{gap}[1-9]{more}{{7,10}}|5{gap}[3689]{more}{{7}}"
    return f"0{gap}[1-9]{more}{{7,11}}|(?:0{gap}0{gap})?6{gap}(?:{of_a_country})|8{gap}[1-9]{more}{{8,10}}"


_PHONE: Final = re.compile(_phone_number(gap=""))
_ABROAD: Final = re.compile("[1-9][0-9]{7,14}")
_BARE_NUMBER: Final = re.compile("62[1-9][0-9]{8,10}|8[1-9][0-9]{8,10}")
_SHORTEST_PHONE: Final = 8
_LONGEST_PHONE: Final = 15
_BLOCK: Final = 3  # digits that stand together in a phone number; counts mostly have two
_MORE_THAN_A_COUNT: Final = 6


# Whether a run too short for an identity number may hold a phone number or a licence: most do not,
# and a hostile text has thousands of them. Rather yes than no.
_TO_A_BLOCK: Final = "[^0-9]+(?>(?:[0-9]{1,2}[^0-9]+)*)[0-9]{3}"
_MAY_HOLD: Final = re.compile(
    rf"""(?<![0-9])(?:
        (?=(?:{_phone_number(gap="[^0-9]*+")})(?![0-9]))(?:
            (?:{_PHONE.pattern})(?![0-9])
          | [0-9](?:[^0-9]+[0-9](?![0-9])){{8}}
          | 0[0-9]++{_TO_A_BLOCK}
          | 0[0-9]*+([^0-9]+)[0-9]+(?>(?:\1[0-9]+)*)[^0-9]
          | 6[0-9]{{2,}}+{_TO_A_BLOCK}
          | 6[0-9]?{_TO_A_BLOCK}[0-9]*+{_TO_A_BLOCK}
          | 6[0-9]*+[^0-9]+(?>(?:[0-9]{{1,5}}[^0-9]+)*)[0-9]{{6}}
        )
      | (?:[0-9]{{12}}|[0-9]{{14}})(?![0-9])
      | [0-9]{{6}}[^0-9]+[0-9]{{2}}[^0-9]+[0-9]{{4}}(?![0-9])
      | [0-9]{{4}}[^0-9]+[0-9]{{4}}[^0-9]+[0-9]{{6}}(?![0-9])
    )""",
    re.VERBOSE,
)


def number_of_a_person(text: str) -> Rule | None:
    """Return whether plain text holds an identity number or a phone number; linear in its length."""
    at = 0
    while found := _RUN.search(text, at):
        # The last group may be the first of the next run, after another separator.
        at = found.start(found.lastindex) if found.lastindex else found.end()
        if found.end() - found.start() < _SHORTEST_PHONE:
            continue
        run = found[0].translate(_AS_DIGITS)
        digits = run.translate(_NO_GAPS)
        if len(digits) < _SHORTEST_PHONE:
            continue
        abroad = text[max(0, found.start() - 2) : found.start()].rstrip(" .-").endswith("+")
        if rule := _alone(digits, abroad=abroad) if run == digits else _in_groups(run, digits, abroad=abroad):
            return rule
    return None


def number_as_number(value: int) -> Rule | None:
    """Return whether a JSON number is an identity number or an Indonesian phone number."""
    text = str(value)
    if len(text) == _NATIONAL_ID and _REGION_AND_DATE.fullmatch(text):
        return Rule.NATIONAL_ID
    return Rule.PHONE if _BARE_NUMBER.fullmatch(text) else None


def _alone(digits: str, *, abroad: bool) -> Rule | None:
    if len(digits) >= _NATIONAL_ID:
        return Rule.NATIONAL_ID
    if (abroad and _ABROAD.fullmatch(digits)) or _PHONE.fullmatch(digits):
        return Rule.PHONE
    return Rule.NATIONAL_ID if len(digits) in _LONG else None


def _in_groups(run: str, digits: str, *, abroad: bool) -> Rule | None:
    if len(digits) < _NATIONAL_ID and not abroad and not _MAY_HOLD.search(run):
        return None
    return _Run(run, digits).number(abroad=abroad)


class _Run:
    """Several groups of digits; a window is the groups from ``start`` to before ``end``.

    A hostile text is one run of twenty thousand groups, each a start. So what starts ask of the
    groups behind them is counted once for all, and a window is taken apart only if it may be one.
    """

    def __init__(self, run: str, digits: str) -> None:
        self._run, self._digits = run, digits
        self._groups: list[str] = _DIGITS.findall(run)
        self._sizes = list(map(len, self._groups))
        self._offsets = [0, *accumulate(self._sizes)]

    def number(self, *, abroad: bool) -> Rule | None:
        """Return which number begins first; ``abroad`` says that a plus stands before the run.

        The last group is no start here: it is the first of what follows.
        """
        identity = self._first_identity() if len(self._digits) >= _NATIONAL_ID else None
        for start, (size, group) in enumerate(zip(self._sizes[:-1], self._groups, strict=False)):
            if start == identity:
                return Rule.NATIONAL_ID
            plus = abroad and start == 0
            if (plus or (group[0] in "068" and self._may_be_a_phone(start))) and self._phone(
                start, plus=plus
            ):
                return Rule.PHONE
            if size in _LONG or (size in (4, 6) and self._licence(start)):
                return Rule.NATIONAL_ID
        return None

    def _first_identity(self) -> int | None:
        """Return where the first identity number starts: sixteen digits, or one group of more."""
        ends = {offset: end for end, offset in enumerate(self._offsets)}
        births, birth = _BORN.finditer(self._digits), -1  # looked for only as far as we come
        for start, (size, offset) in enumerate(zip(self._sizes, self._offsets, strict=False)):
            if size > _NATIONAL_ID:
                return start
            end = ends.get(offset + _NATIONAL_ID)
            if end is None:
                continue
            while birth < offset:
                found = next(births, None)
                birth = found.start() if found else len(self._digits)
            if (
                birth == offset
                or (size in (1, 4, 16) and self._alike(start, end))
                or (self._odd[start] < self._odd[end] and self._one_gap(start, end))
            ):
                return start
        return None

    @cached_property
    def _odd(self) -> list[int]:
        """How many groups before each are no counts: with leading zeros, or in hundred thousands."""
        sized = zip(self._sizes, self._groups, strict=True)
        are_odd = [size >= _MORE_THAN_A_COUNT or (size > 1 and group[0] == "0") for size, group in sized]
        return [0, *accumulate(are_odd)]

    def _alike(self, start: int, end: int) -> bool:
        return end - start in (1, _NATIONAL_ID) or self._sizes[start:end] == _FOURS

    def _one_gap(self, start: int, end: int) -> bool:
        return len(set(self._gaps[start : end - 1])) == 1

    def _may_be_a_phone(self, start: int) -> bool:
        size, first = self._sizes[start], self._groups[start][0]
        if first == "0" or size == 1 or size >= _SHORTEST_PHONE:
            return True
        return first == "6" and self._second_blocks[start] <= self._offsets[start] + _LONGEST_PHONE

    def _phone(self, start: int, *, plus: bool) -> bool:
        offset, size = self._offsets[start], self._sizes[start]
        end = bisect_right(self._offsets, offset + _LONGEST_PHONE) - 1
        limit = self._offsets[end]
        if plus and _ABROAD.fullmatch(self._digits, offset, limit):
            return True
        if size >= _SHORTEST_PHONE and _PHONE.fullmatch(self._groups[start]):
            return True
        if size == 1 and self._digit_by_digit(start, end):
            return True
        found = _PHONE.match(self._digits, offset, limit)
        return found is not None and self._in_groups(start, found.end())

    def _digit_by_digit(self, start: int, end: int) -> bool:
        end = next((at for at in range(start, end) if self._sizes[at] > 1), end)
        return _PHONE.match(self._digits, self._offsets[start], self._offsets[end]) is not None

    def _in_groups(self, start: int, limit: int) -> bool:
        # The longest decides: with every further group it looks more like a phone number.
        end = bisect_right(self._offsets, limit) - 1
        sizes = self._sizes[start:end]
        if len(sizes) <= 1 or not _PHONE.fullmatch(self._digits, self._offsets[start], self._offsets[end]):
            return False
        match self._groups[start][0]:
            case "0":
                return (sizes[0] > 1 and max(sizes[1:]) >= _BLOCK) or not self._one_gap(start, end)
            case "6":
                return max(sizes[1:]) >= _MORE_THAN_A_COUNT or sum(size >= _BLOCK for size in sizes) > 1
            case _:
                return False  # without its zero, too much like counts

    def _licence(self, start: int) -> bool:
        sizes = self._sizes[start : start + 3]
        if sizes not in _LICENCES or self._gaps[start] != self._gaps[start + 1] or self._gaps[start] == ",":
            return False
        return sizes == _LICENCES[0] or _MYKAD.match(self._digits, self._offsets[start]) is not None

    @cached_property
    def _gaps(self) -> list[str]:
        return _GAP.findall(self._run)

    @cached_property
    def _second_blocks(self) -> list[int]:
        """Where, from each group on, the second block of digits ends; a large one counts as two."""
        ends: list[int] = []
        first = second = len(self._digits) + _LONGEST_PHONE + 1
        for size, end in zip(reversed(self._sizes), reversed(self._offsets), strict=False):
            if size >= _BLOCK:
                first, second = end, end if size >= _MORE_THAN_A_COUNT else first
            ends.append(second)
        return ends[::-1]
