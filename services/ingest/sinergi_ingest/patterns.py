"""Personal data in one piece of text: numbers of people, papers, phones, mailboxes and vehicles.

Source: contracts, section 6.2. The hard part is what must pass: a refused report can cost a life.
So our own ids, dates, clock times, coordinates and amounts are taken out of the text first, and
what is left is compared with patterns that need a whole number.
"""

import re
from typing import Final

from sinergi_ingest.digit_runs import number_of_a_person
from sinergi_ingest.disguises import plain
from sinergi_shared.contracts.reasons import Rule

# Whatever is found below has one of these: a sign of a mailbox; a capital before a digit (the
# shortest is a plate); six digits, of which five may be letters that print like one.
_MAYBE_MAIL: Final = re.compile(r"[@\[(]")
_MAYBE_NUMBER: Final = re.compile(r"[A-Z][ .-]?[0-9]|(?:[0-9OoQIl][^0-9OoQIl]*+){6}")

_CLOCK: Final = r"(?:[01]?[0-9]|2[0-3])[.:][0-5][0-9](?:[.:][0-5][0-9])?"
_HOURS: Final = r"(?:[01][0-9]|2[0-3])[0-5][0-9]"
_DATE: Final = (
    r"(?:(?:19|20)[0-9]{2}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:(?:19|20)[0-9]{2}|[0-9]{2})"
    r"|20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:T?(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?)?)"
)
# Behind the first sign of a word. Each way of _ORDINARY begins with a sign and not with a look behind:
# so most places are passed at one comparison a way, which makes a third of the time.
_ALONE: Final = "(?<![0-9A-Za-z].)"

_ORDINARY: Final = re.compile(
    rf"""
    (?: P{_ALONE}RS-20[0-9]{{6}}-[0-9A-Z]{{4,10}}
      | N{_ALONE}TF-[A-Z2-7]{{16}}
      | [vdrsc]{_ALONE}[a-z]{{2}}_(?<=(?:veh|doc|rec|saf|cas)_)[A-Z2-7]{{16}}
      | [0-9a-f]{_ALONE}(?=[0-9a-f]{{7}})(?:
            [0-9a-f]{{7}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}
          | (?:(?<=[a-f])|(?=[0-9]{{0,62}}+[a-f]))[0-9a-f]{{31,63}}
        )
      | [RrIi\u0131MmUuSs]{_ALONE}(?i:(?<=r)[pm]|(?<=i)dr|(?<=m)yr|(?<=u)sd|(?<=s)gd)\.?[ ]?
                       (?:[1-9][0-9]{{0,2}}(?:[.,][0-9]{{3}}){{1,4}}(?:[.,][0-9]{{2}})?
                       |[1-9][0-9]{{0,8}}|[1-9][0-9]{{0,8}}000)
      | [45]{_ALONE}(?:(?<=4)[89]|(?<=5)0)[ ]?[NS][ ][1-8][0-9]{{5}}[ ][0-9]{{4,7}}
    )(?![0-9A-Za-z])
    | -(?<![0-9.,].)(?:1[0-4][0-9]|9[5-9]|[0-9])[.,][0-9]{{3,6}}(?![0-9]|[.,][0-9])
    | (?<![0-9])(?=[0-9]{{1,4}}[-/.:,][0-9]|20[0-9]{{6}})(?:
        (?<![./-])(?:{_DATE}|{_CLOCK})(?:[ ]?-[ ]?(?:{_DATE}|{_CLOCK}|{_HOURS}))?
        (?![0-9/-]|\.[0-9]|[ ][0-9]{{3,4}}[ ][0-9]{{3,4}}(?![0-9.]))
      | (?<![.,])(?:1[0-4][0-9]|9[5-9]|[0-9])[.,][0-9]{{3,6}}(?![0-9]|[.,][0-9])
      | (?<![.,-])[1-9][0-9]{{0,2}}(?:(?:\.[0-9]{{3}}){{0,3}}\.000|(?:,[0-9]{{3}}){{0,3}},000)
        (?![0-9]|[.,][0-9])
    )
    """,
    re.VERBOSE,
)
"""References of ours, amounts, dates, clock times, degrees: digits that an ordinary note holds."""

_EMAIL: Final = re.compile(
    r"[^\s@] ?(?:@|[\[(] ?at ?[\])]) ?[A-Za-z0-9-]{1,63}(?:\.| ?[\[(] ?(?:dot|titik) ?[\])] ?)[A-Za-z]",
    re.IGNORECASE,
)

# Letters that touch the digits, or capitals apart from them: "A1234567", "C 123 4567".
_PASSPORT: Final = re.compile(
    rf"([A-Za-z]{_ALONE}[A-Za-z]?)([ .-]?)([0-9](?:[ .-]?[0-9]){{5,7}})(?![0-9A-Za-z]|[ .-][0-9])"
)
_NOT_A_PASSPORT: Final = frozenset(
    {"RP", "RM", "KM", "RT", "RW", "NO", "JL", "PK", "DI", "KE", "LU", "LS", "BT"}
)
_COMPASS: Final = frozenset({"N", "S", "E", "W", "U", "T"})
_EIGHT_DIGITS: Final = frozenset({"A", "H", "K"})  # of Malaysia, Sarawak and Sabah

# A word that announces a number makes one of a number that could be anything.
_ANNOUNCED: Final = (
    dict.fromkeys(("ktp", "nik", "kk", "sim", "mykad", "mykid", "ic"), Rule.NATIONAL_ID)
    | dict.fromkeys(("paspor", "passport", "pasport"), Rule.PASSPORT)
    | dict.fromkeys(("hp", "telp", "tel", "wa", "whatsapp"), Rule.PHONE)
)
_ANNOUNCEMENT: Final = re.compile(
    rf"({'|'.join(_ANNOUNCED)})\b[ .:=#-]{{0,3}}(?:(?:no|nomor|number)\b[ .:=#-]{{0,3}})?"
    "[a-z]{0,2} ?[0-9](?:[ .-]?[0-9]){6}"
)

# Registration codes of Indonesian police areas, and of Sarawak (Q and a division's letter).
# A single letter is also an ordinary word ("L300", "blok B 12"), so it needs four digits or a suffix.
_ONE_LETTER: Final = "[ABDEFGHKLMNPRSTWZ]"
_TWO_LETTERS: Final = "A[ABDEG]|B[ABDEGHKLMNP]|D[ABCDEGHKLMNRTW]|E[ABD]|K[BHTU]|P[ABGST]|Q[A-Z]{0,2}"
_NO_SUFFIX: Final = "(?:DAN|ADA|ORG|DI|KE|JAM|WIB|NO|BOX|PAX|KM|MTR|GPS|RT|RW|JL|LP|LU|BT|AND|TO|IN|AT|TH)"
_SUFFIX: Final = f"(?:[ .-]?(?!{_NO_SUFFIX}(?![A-Z]))[A-Z]{{1,3}})"
_PLATE: Final = re.compile(
    rf"(?<![0-9A-Za-z'\"\u00b0])(?:(?:{_TWO_LETTERS})[ .-]?[0-9](?:[ .-]?[0-9]){{1,3}}{_SUFFIX}?"
    rf"|{_ONE_LETTER}[ .-]?(?:[0-9]{{2,3}}{_SUFFIX}|(?!0)[0-9]{{4}}{_SUFFIX}?))(?![0-9A-Za-z])"
)


def personal_data(text: str) -> Rule | None:
    """Return which kind of personal data this free text holds, or nothing."""
    readable = plain(text)
    if _MAYBE_MAIL.search(readable) and _EMAIL.search(readable):
        return Rule.EMAIL
    if not _MAYBE_NUMBER.search(readable):
        return None
    rest = _ORDINARY.sub(" ; ", readable)
    return (
        number_of_a_person(rest)
        or (Rule.PASSPORT if any(map(_is_passport, _PASSPORT.finditer(rest))) else None)
        or _announced(rest)
        or (Rule.PLATE if _PLATE.search(rest) else None)
    )


def personal_number(code: str) -> Rule | None:
    """Return whether a code word hides a national id or a phone number, or nothing.

    For fields whose own pattern would let such a number through; passports and plates look like
    codes and are not judged here.
    """
    return number_of_a_person(code) if _MAYBE_NUMBER.search(code) else None


def _announced(text: str) -> Rule | None:
    text = text.lower()
    for found in _ANNOUNCEMENT.finditer(text):
        if not text[max(0, found.start() - 1) : found.start()].isalnum():
            return _ANNOUNCED[found[1]]
    return None


def _is_passport(found: re.Match[str]) -> bool:
    letters, apart, groups = found[1].upper(), bool(found[2]), re.split("[ .-]", found[3])
    if apart and letters != found[1]:
        return False
    digits = sum(map(len, groups))
    if letters in _NOT_A_PASSPORT or (letters in _COMPASS and apart and (digits == 6 or letters == "N")):  # noqa: PLR2004 - metres east
        return False
    if digits == 8:  # noqa: PLR2004 - the newer Malaysian form
        return letters in _EIGHT_DIGITS and len(groups) == 1
    sizes = [len(group) for group in groups]
    return len(groups) == 1 or min(sizes) > 2 or max(sizes) == 1  # noqa: PLR2004 - counts have two digits
