"""Text as a reader would type it: what only disguises letters and digits is taken off.

Other digits, full-width and mathematical forms, invisible joints, look-alike letters of other
scripts, percent and character references, digits as words. Only the screen sees this form; what
is stored stays as the sender wrote it.
"""

import html
import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

_PERCENT: Final = re.compile("%[2-7f][0-9a-f]", re.IGNORECASE)

# Letters of other scripts that print like ours (Unicode TR 39), capitals and the commonest small ones.
_LOOK_ALIKES: Final = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0406\u0430\u0435\u043e\u0440\u0441\u0445\u0456"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
    "ABEKMHOPCTXIaeopcxiABEZHIKMNOPTYXo",
)
_BY_CATEGORY: Final = {"Pd": "-", "Zs": " "} | dict.fromkeys(("Cc", "Cf", "Cs", "Co", "Cn"), "")
_DOTS: Final = frozenset("\u00b7\u2022\u2027\u2219\u30fb\uff65")

_DIGIT_WORDS: Final = {
    "nol": "0", "kosong": "0", "sifar": "0", "zero": "0", "satu": "1", "one": "1", "dua": "2", "two": "2",
    "tiga": "3", "three": "3", "empat": "4", "four": "4", "lima": "5", "five": "5", "enam": "6", "six": "6",
    "tujuh": "7", "seven": "7", "delapan": "8", "lapan": "8", "eight": "8", "sembilan": "9", "nine": "9",
}  # fmt: skip
_WORD: Final = "(?:" + "|".join(_DIGIT_WORDS) + ")"
# Nine at least: "satu dua tiga orang" is a count, not a number of somebody.
_SPELLED: Final = re.compile(rf"{_WORD}(?>(?:[ ,.-]{{1,3}}{_WORD}){{8,}})")
_SPELLED_IN_ANY_CASE: Final = re.compile(_SPELLED.pattern, re.IGNORECASE)
_SPLIT: Final = re.compile("[A-Za-z]+")


def plain(text: str) -> str:
    """Return the text with ASCII digits, blanks and dashes, and nothing invisible; linear in its length."""
    if "%" in text and _PERCENT.search(text):
        text = unquote(text, errors="ignore")
    if "&" in text:
        text = html.unescape(text)
    if not (text.isascii() and text.isprintable()):
        text = "".join(map(_plain_character, text))
    # In lower case first: the pattern for any case takes a hundred times as long.
    return _SPELLED_IN_ANY_CASE.sub(_digits, text) if _SPELLED.search(text.lower()) else text


def plain_letters(key: str) -> str:
    """Return a key's letters and digits alone, in lower case, whatever script or marks disguise them."""
    return "".join(one for one in map(_plain_character, key) if one.isalnum()).casefold()


@lru_cache(maxsize=8192)
def _plain_character(one: str) -> str:
    bare = "".join(
        mark for mark in unicodedata.normalize("NFKD", one) if unicodedata.category(mark)[0] != "M"
    )
    return "".join(_in_ascii(part) for part in bare[:4]).translate(_LOOK_ALIKES)


def _in_ascii(one: str) -> str:
    if (digit := unicodedata.digit(one, None)) is not None:
        return str(digit)
    if one in _DOTS:
        return "."
    kind = "Zs" if one.isspace() else unicodedata.category(one)
    return _BY_CATEGORY.get(kind, one)


def _digits(spelled: re.Match[str]) -> str:
    return "".join(_DIGIT_WORDS[word.lower()] for word in _SPLIT.findall(spelled[0]))
