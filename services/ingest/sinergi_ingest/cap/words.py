"""CAP words read backwards into ours (contracts, section 8). A word that is not here has no counterpart."""

from enum import StrEnum
from typing import Final

from sinergi_shared.contracts.codes import Certainty, MsgType, Severity, Status, Urgency

STATUS: Final[dict[str, StrEnum]] = {word.value: word for word in Status}
KIND: Final[dict[str, MsgType]] = {
    word.value: word for word in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL)
}
URGENCY: Final[dict[str, StrEnum]] = {
    "Immediate": Urgency.SEGERA,
    "Expected": Urgency.CEPAT,
    "Future": Urgency.TERJADWAL,
}
SEVERITY: Final[dict[str, StrEnum]] = {
    "Extreme": Severity.KRITIS,
    "Severe": Severity.TINGGI,
    "Moderate": Severity.SEDANG,
    "Minor": Severity.RENDAH,
}
CERTAINTY: Final[dict[str, StrEnum]] = {
    "Observed": Certainty.TERPANTAU,
    "Likely": Certainty.KEMUNGKINAN_BESAR,
    "Possible": Certainty.MUNGKIN,
}
SCOPES: Final = {"Public": None, "Restricted": "restriction", "Private": "addresses"}
"""Scopes, and the element that each demands (CAP 1.2, 3.2.1)."""

SITUATION: Final = "sinergi.situation"
"""``eventCode`` valueName."""

TEXTS: Final = {
    "sinergi.suspicion": "suspicion",
    "sinergi.reportChannel": "reportChannel",
    "sinergi.reportedAt": "reportedAt",
    "sinergi.interpreterLanguage": "interpreterLanguage",
    "sinergi.safeContactRef": "safeContactRef",
    "sinergi.caseRef": "caseRef",
    "sinergi.locationKind": "location/kind",
    "sinergi.placeCode": "location/placeCode",
    "sinergi.handoverPlaceCode": "location/handoverPlaceCode",
    "sinergi.direction": "movement/direction",
    "sinergi.mode": "movement/mode",
}
NUMBERS: Final = {"peopleCount": "people/count", "sinergi.minors": "people/minors"}
FLAGS: Final = {"sinergi.danger": "danger", "sinergi.countEstimated": "people/countEstimated"}
FALSE_POSITIVE: Final = "sinergi.falsePositive"
"""In a ``Cancel``: the suspicion was wrong. CAP itself has one word for both."""

NEED: Final = "sinergi.need"
INDICATOR: Final = "sinergi.indicator"
CORROBORATED: Final = "sinergi.indicatorCorroborated"
NOTE: Final = "sinergi.note"
"""``parameter`` valueNames; the last four may repeat, but for the note."""

OURS: Final = "sinergi."
REPEATED: Final = frozenset({NEED, INDICATOR, CORROBORATED})
KNOWN: Final = frozenset({*TEXTS, *NUMBERS, *FLAGS, FALSE_POSITIVE, NOTE}) | REPEATED
