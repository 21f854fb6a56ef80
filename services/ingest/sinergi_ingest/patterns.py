"""Personal data in one piece of text: numbers of people, papers, phones, mailboxes and vehicles.

Source: contracts, section 6.2. The hard part is what must pass: a refused report can cost a life.
So our own ids, dates, clock times and coordinates are taken out of the text first, and what is
left is compared with patterns that need a whole number.
"""

import re
import unicodedata
from typing import Final

from sinergi_shared.contracts.reasons import Rule

_WORTH_A_LOOK: Final = re.compile("[0-9@]")

_ORDINARY: Final = re.compile(
    r"""
    (?<![0-9A-Za-z])(?:
        PRS-[0-9]{8}-[0-9A-Z]{4,10}
      | NTF-[A-Z2-7]{16}
      | (?:veh|doc|rec|saf|cas)_[A-Z2-7]{16}
      | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
      | (?=[0-9]{0,63}[a-f])[0-9a-f]{32,64}
    )(?![0-9A-Za-z])
    | (?<![0-9./-])(?:
        (?:19|20)[0-9]{2}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12][0-9]|3[01])
      | (?:0?[1-9]|[12][0-9]|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:19|20)[0-9]{2}
      | (?:[01]?[0-9]|2[0-3])[.:][0-5][0-9](?:[.:][0-5][0-9])?
    )(?![0-9/-]|\.[0-9])
    | (?<![0-9.])-?(?:1[0-7][0-9]|[0-9]{1,2})\.[0-9]{3,6}(?![0-9]|\.[0-9])
    """,
    re.VERBOSE,
)
"""References of ours, dates, clock times, degrees: digits that an ordinary note holds."""

_IN_A_NUMBER: Final = r"[ .-]{0,3}"
_IN_A_PHONE_NUMBER: Final = r"[ .()/-]{0,3}"

_NATIONAL_ID: Final = re.compile(f"(?:[0-9]{_IN_A_NUMBER}){{15}}[0-9]")
# International form, Indonesia and Malaysia without the plus, and the national form of both.
_PHONE: Final = re.compile(
    r"(?<![0-9])(?:"
    + "|".join(
        f"{prefix}{_IN_A_PHONE_NUMBER}[1-9](?:{_IN_A_PHONE_NUMBER}[0-9]){{7,{more}}}"
        for prefix, more in ((r"\+", 13), ("(?:00)?62", 11), ("(?:00)?60", 10), ("0", 11))
    )
    + ")(?![0-9])"
)
# Letters that touch the digits, or capitals apart from them: "A1234567", "C 123 4567".
_PASSPORT: Final = re.compile(
    rf"(?<![0-9A-Za-z])(?:([A-Za-z]{{1,2}})|([A-Z]{{1,2}})[ .-])"
    rf"(?:[0-9]{_IN_A_NUMBER}){{5,6}}[0-9](?![0-9A-Za-z])"
)
_NOT_A_PASSPORT: Final = frozenset({"RP", "RM", "KM", "RT", "RW", "NO", "JL", "PK", "DI", "KE"})
_EMAIL: Final = re.compile(r"[^\s@]@[A-Za-z0-9-]{1,63}\.[A-Za-z0-9]")

# Registration codes of Indonesian police areas, and of Sarawak (Q and a division's letter).
# A single letter is also an ordinary word ("L300", "blok B 12"), so it needs four digits or a suffix.
_ONE_LETTER: Final = "[ABDEFGHKLMNPRSTWZ]"
_TWO_LETTERS: Final = "A[ABDEG]|B[ABDEGHKLMNP]|D[ABCDEGHKLMNRTW]|E[ABD]|K[BHTU]|P[ABGST]|Q[A-Z]{0,2}"
_SUFFIX: Final = "[ -]?[A-Z]{1,3}"
_PLATE: Final = re.compile(
    rf"(?<![0-9A-Za-z])(?:(?:{_TWO_LETTERS})[ -]?[0-9]{{2,4}}(?:{_SUFFIX})?"
    rf"|{_ONE_LETTER}[ -]?(?:[0-9]{{4}}|[0-9]{{2,4}}{_SUFFIX}))(?![0-9A-Za-z])"
)


def personal_data(text: str) -> Rule | None:
    """Return which kind of personal data this free text holds, or nothing."""
    plain = _plain(text)
    if not _WORTH_A_LOOK.search(plain):
        return None
    if _EMAIL.search(plain):
        return Rule.EMAIL
    rest = _ORDINARY.sub(" ; ", plain)
    if found := _number_of_a_person(rest):
        return found
    if any((m[1] or m[2]).upper() not in _NOT_A_PASSPORT for m in _PASSPORT.finditer(rest)):
        return Rule.PASSPORT
    return Rule.PLATE if _PLATE.search(rest) else None


def personal_number(code: str) -> Rule | None:
    """Return whether a code word hides a national id or a phone number, or nothing.

    For fields whose own pattern would let such a number through; passports and plates look like
    codes and are not judged here.
    """
    return _number_of_a_person(code) if _WORTH_A_LOOK.search(code) else None


def _number_of_a_person(text: str) -> Rule | None:
    if _NATIONAL_ID.search(text):
        return Rule.NATIONAL_ID
    return Rule.PHONE if _PHONE.search(text) else None


def _plain(text: str) -> str:
    """Return the text with every digit, blank and dash in its ASCII form and no invisible marks."""
    if text.isascii():
        return text
    return "".join(_plain_character(one) for one in unicodedata.normalize("NFKC", text))


def _plain_character(one: str) -> str:
    match unicodedata.category(one):
        case "Nd":
            return str(unicodedata.decimal(one))
        case "Pd":
            return "-"
        case "Zs":
            return " "
        case "Cf" | "Mn" | "Me":
            return ""
        case _:
            return one
