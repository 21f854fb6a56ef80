r"""Field types that every contract shares: times, codes, tokens, pointers.

Regular expressions use ``[0-9]``, never ``\d``: that would admit every Unicode digit.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictFloat,
    StrictInt,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

WIB: Final = timezone(timedelta(hours=7), "WIB")
"""Waktu Indonesia Barat: UTC+7 all year, the clock of West Kalimantan."""

MYT: Final = timezone(timedelta(hours=8), "MYT")
"""The clock of Sarawak: UTC+8 all year."""

_RFC3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def parse_time(value: object) -> datetime:
    """Return an aware time from RFC 3339 text with an offset; anything else is a ``ValueError``.

    Stricter than the library, which takes epoch numbers, digit strings and times without an offset
    (B28, B30). The error never holds the value.
    """
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    if not isinstance(value, str):
        raise ValueError("not an RFC 3339 time with an offset")  # noqa: TRY004 - what pydantic collects
    return _parsed(value)


@lru_cache(maxsize=1_024)  # an event tells one moment twice, and a batch few moments
def _parsed(text: str) -> datetime:
    match = _RFC3339.fullmatch(text)
    if match is None or match[3][4:] > "59":  # the library would carry the sixtieth minute over
        raise ValueError("not an RFC 3339 time with an offset")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("not an RFC 3339 time with an offset") from None


def format_time(value: datetime) -> str:
    """Return RFC 3339 text in the time's own offset; ``Z`` for UTC; no fraction when there is none."""
    text = value.isoformat()
    return text.removesuffix("+00:00") + "Z" if value.tzinfo is UTC or text.endswith("+00:00") else text


def quarter_hour(value: datetime) -> str:
    """Return, as ``format_time`` does, when the quarter hour began in which a time lies."""
    return format_time(value.replace(minute=value.minute // 15 * 15, second=0, microsecond=0))


@lru_cache(maxsize=256)
def clock(moment: datetime) -> str:
    """Return RFC 3339 text on the clock of West Kalimantan; a batch asks for few times, and often."""
    return format_time(moment.astimezone(WIB))


def _five_decimals(value: float) -> float:
    if round(value, 5) != value:
        raise ValueError("at most 5 decimals")
    return value


def _told(description: str) -> Any:  # noqa: ANN401 - an annotation, which has no better type
    return Field(description=description)


Time = Annotated[
    datetime,
    BeforeValidator(parse_time),
    PlainSerializer(format_time, when_used="json"),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            # Most validators take format as a remark, so the pattern says it too.
            "pattern": f"^{_RFC3339.pattern}$",
            "description": "RFC 3339 with an offset",
        }
    ),
]
Count = Annotated[StrictInt, Field(ge=0, le=500)]
SafeInt = Annotated[StrictInt, Field(ge=1, le=2**53 - 1)]
Number = Annotated[StrictFloat | StrictInt, Field(allow_inf_nan=False)]
Latitude = Annotated[
    StrictFloat,
    Field(ge=-90, le=90, allow_inf_nan=False, description="degrees north, WGS 84, at most 5 decimals"),
    AfterValidator(_five_decimals),
]
Longitude = Annotated[
    StrictFloat,
    Field(ge=-180, le=180, allow_inf_nan=False, description="degrees east, WGS 84, at most 5 decimals"),
    AfterValidator(_five_decimals),
]


def _text(pattern: str) -> Any:  # noqa: ANN401 - an annotation, which has no better type
    return StringConstraints(pattern=pattern, strict=True)


EventNumber = Annotated[
    str,
    _text(r"^PRS-[0-9]{8}-[0-9A-Z]{4,10}$"),
    _told("WIB date and 4 to 10 characters; unique within its source, the same for all revisions"),
]
AlertNumber = Annotated[
    str,
    _text(r"^NTF-[A-Z2-7]{16}$"),
    _told("derived from thread, cause and recipient; a replay gives the same"),
]
ThreadId = Annotated[
    str, _text(r"^[A-Z2-7]{26}$"), _told("derived from source and event number; tells neither")
]
DeliveryId = Annotated[str, _text(r"^[A-Z2-7]{26}$"), _told("derived from alert, channel and contact point")]
UuidV7 = Annotated[str, _text(r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
UuidV8 = Annotated[str, _text(r"^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
Uuid = Annotated[str, _text(r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
AdminCode = Annotated[
    str,
    _text(r"^[0-9]{2}(\.[0-9]{2}(\.[0-9]{2})?)?$"),
    _told("Kemendagri code of a province, kabupaten or kecamatan"),
]
PlaceCode = Annotated[str, _text(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"), _told("a place of the region pack")]
RecipientCode = Annotated[str, _text(r"^[A-Z0-9][A-Z0-9._-]{0,31}$"), _told("a recipient of the region pack")]
KindCode = Annotated[str, _text(r"^[A-Z][A-Z0-9_]{1,31}$"), _told("a kind of agency")]
IndicatorCode = Annotated[
    str, _text(r"^[A-Z][A-Z0-9_]{1,47}$"), _told("an indicator; one that the pack does not know scores 0")
]
OpenWord = Annotated[str, _text(r"^[a-z][a-z0-9_]{0,31}$")]
LanguageTag = Annotated[str, _text(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"), _told("BCP 47")]
Sha256 = Annotated[str, _text(r"^[0-9a-f]{64}$"), _told("SHA-256 in hex")]
HttpsUri = Annotated[
    str, _text(r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?$")
]
UpstreamSource = Annotated[str, _text(r"^urn:sinergi:sumber:[a-z0-9-]{1,32}:[a-z0-9-]{1,32}$")]
JsonPointer = Annotated[str, _text(r"^(/.*)?$"), _told("RFC 6901")]
SchemaUri = Annotated[
    str,
    _text(
        r"^[a-z][a-z0-9+.-]*:[^\s]*[^0-9\s](0|[1-9][0-9]{0,5})-(0|[1-9][0-9]{0,5})-(0|[1-9][0-9]{0,5})\.json$"
    ),
]


def token(prefix: str) -> Any:  # noqa: ANN401 - an annotation, which has no better type
    """Return the type of a source's random reference, such as ``veh_`` and 16 base32 characters."""
    return Annotated[str, _text(f"^{prefix}_[A-Z2-7]{{16}}$")]


class Contract(BaseModel):
    """A message or a part of one: frozen, strict, and closed to fields that it does not list."""

    model_config = ConfigDict(frozen=True, strict=False, extra="forbid", hide_input_in_errors=True)


def pointers(error: ValidationError, prefix: str = "") -> tuple[str, ...]:
    """Return where a validation failed, as JSON pointers in document order; never what stood there."""
    found = (
        _pointer(prefix, detail["loc"]) for detail in error.errors(include_input=False, include_url=False)
    )
    return tuple(dict.fromkeys(found))


def _pointer(prefix: str, loc: tuple[int | str, ...]) -> str:
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in loc)
    return "".join([prefix, *(f"/{step}" for step in steps)])
