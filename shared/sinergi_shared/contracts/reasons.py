"""Why a message did not become an alert: the same word in the log, the metric and the record.

Source: contracts, section 5. An outcome is what became of a message, a reason says why, a rule
says it finer. None of them ever quotes a value.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """Every accepted event ends in exactly one of these (law 1)."""

    ROUTED = "routed"
    MERGED = "merged"
    STOPPED = "stopped"
    REJECTED = "rejected"


class Reason(StrEnum):
    """Reason codes; the first group is on ``sinergi.rejected.v1``, the rest is not."""

    ENVELOPE_INVALID = "ENVELOPE_INVALID"
    TYPE_UNSUPPORTED = "TYPE_UNSUPPORTED"
    VERSION_UNKNOWN = "VERSION_UNKNOWN"
    SOURCE_UNKNOWN = "SOURCE_UNKNOWN"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SCHEMA_INVALID = "SCHEMA_INVALID"
    TIME_OUT_OF_RANGE = "TIME_OUT_OF_RANGE"
    ID_REUSED = "ID_REUSED"
    PII_DETECTED = "PII_DETECTED"
    PROFILE_FORBIDDEN = "PROFILE_FORBIDDEN"
    TOO_LARGE = "TOO_LARGE"
    POLICY_MISSING = "POLICY_MISSING"
    ROUTE_FAILED = "ROUTE_FAILED"
    CRASH_LOOP = "CRASH_LOOP"
    # A request names a thread whose event cannot be read any more.
    EVENT_EXPIRED = "EVENT_EXPIRED"
    # Only as an answer at the door, never on a topic.
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_ALLOWED = "NOT_ALLOWED"
    RATE_LIMITED = "RATE_LIMITED"
    MEDIA_UNSUPPORTED = "MEDIA_UNSUPPORTED"
    UNAVAILABLE = "UNAVAILABLE"
    # Not refusals: merged and stopped messages.
    DUPLICATE = "DUPLICATE"
    STALE = "STALE"
    TEST_STOP = "TEST_STOP"

    @property
    def retryable(self) -> bool:
        """Whether the same bytes may pass later, after an upgrade or a mended policy."""
        return self in _RETRYABLE

    @property
    def payload_kept(self) -> bool:
        """Whether the original bytes may be copied to the rejected topic."""
        return self not in _PAYLOAD_DROPPED

    @property
    def http_status(self) -> int:
        """The HTTP status that tells this reason to a sender."""
        return _HTTP_STATUS.get(self, 422)


class Rule(StrEnum):
    """The finer word beside a reason."""

    UTF8 = "UTF8"
    JSON = "JSON"
    NOT_OBJECT = "NOT_OBJECT"
    NULL_VALUE = "NULL_VALUE"
    DEPTH = "DEPTH"
    KEYS = "KEYS"
    SIZE = "SIZE"
    NUMBER = "NUMBER"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    CONTROL = "CONTROL"
    ATTRIBUTE = "ATTRIBUTE"
    FIELD = "FIELD"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_UNKNOWN = "FIELD_UNKNOWN"
    TIME = "TIME"
    FUTURE_TIME = "FUTURE_TIME"
    PAST_TIME = "PAST_TIME"
    KEY_FORBIDDEN = "KEY_FORBIDDEN"
    NATIONAL_ID = "NATIONAL_ID"
    PASSPORT = "PASSPORT"
    PHONE = "PHONE"
    EMAIL = "EMAIL"
    PLATE = "PLATE"
    INDICATOR = "INDICATOR"
    MAJOR = "MAJOR"
    SOURCE = "SOURCE"
    DIGEST = "DIGEST"
    STATUS_CHANGED = "STATUS_CHANGED"
    ENCODING = "ENCODING"
    XML = "XML"
    DOCTYPE = "DOCTYPE"
    REFERENCES = "REFERENCES"


class Stage(StrEnum):
    """Where a message was refused."""

    ENVELOPE = "envelope"
    SCHEMA = "schema"
    SCREEN = "screen"
    GEO = "geo"
    ROUTE = "route"


_RETRYABLE = frozenset(
    {Reason.VERSION_UNKNOWN, Reason.POLICY_MISSING, Reason.ROUTE_FAILED, Reason.CRASH_LOOP}
)

_PAYLOAD_DROPPED = frozenset({Reason.PII_DETECTED, Reason.PROFILE_FORBIDDEN, Reason.TOO_LARGE})

_HTTP_STATUS = {
    Reason.TOO_LARGE: 413,
    Reason.ENVELOPE_INVALID: 400,
    Reason.SOURCE_UNKNOWN: 403,
    Reason.SIGNATURE_INVALID: 401,
    Reason.UNAUTHENTICATED: 401,
    Reason.NOT_ALLOWED: 403,
    Reason.RATE_LIMITED: 429,
    Reason.MEDIA_UNSUPPORTED: 415,
    Reason.UNAVAILABLE: 503,
}

UNREADABLE = frozenset(
    {Rule.UTF8, Rule.JSON, Rule.NOT_OBJECT, Rule.NULL_VALUE, Rule.DEPTH, Rule.NUMBER, Rule.DUPLICATE_KEY}
    | {Rule.CONTROL, Rule.KEYS, Rule.XML, Rule.DOCTYPE, Rule.ENCODING}
)
"""Rules that say the bytes are no strict JSON object or CAP message: HTTP 400 although ``SCHEMA_INVALID``."""
