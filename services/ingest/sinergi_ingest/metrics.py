"""What ingest counts; no label comes from outside."""

from typing import Final

from prometheus_client import CollectorRegistry

from sinergi_ingest.admit import Refused, Verdict
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.runtime.metrics import STAGE_BUCKETS, counter, histogram

WAYS: Final = ("http", "kafka")

REFUSALS: Final = (
    Reason.TOO_LARGE,
    Reason.SCHEMA_INVALID,
    Reason.ENVELOPE_INVALID,
    Reason.SOURCE_UNKNOWN,
    Reason.TYPE_UNSUPPORTED,
    Reason.VERSION_UNKNOWN,
    Reason.PII_DETECTED,
    Reason.PROFILE_FORBIDDEN,
    Reason.TIME_OUT_OF_RANGE,
)
AT_THE_DOOR: Final = (
    Reason.UNAUTHENTICATED,
    Reason.NOT_ALLOWED,
    Reason.MEDIA_UNSUPPORTED,
    Reason.TOO_LARGE,
    Reason.SCHEMA_INVALID,
    Reason.UNAVAILABLE,
)


class IngestMetrics:
    """Ingest's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted = counter(registry, "sinergi_ingest_accepted", "Events stored", way=WAYS)
        self.refused = counter(
            registry, "sinergi_ingest_refused", "Events refused and kept", way=WAYS, reason=REFUSALS
        )
        self.withheld = counter(
            registry, "sinergi_ingest_notes_withheld", "Events that go on without their note", way=WAYS
        )
        self.unstored = counter(
            registry,
            "sinergi_ingest_unstored",
            "Events and refusals that Kafka did not take in time",
            way=WAYS,
        )
        self.checked = counter(
            registry, "sinergi_ingest_checked", "Events checked and not kept", fit=("yes", "no")
        )
        self.turned_away = counter(
            registry, "sinergi_ingest_turned_away", "Requests not taken at the door", reason=AT_THE_DOOR
        )
        self.seconds = histogram(
            registry,
            "sinergi_ingest_store_seconds",
            "From the receipt of a request or batch until Kafka has it",
            STAGE_BUCKETS,
            way=WAYS,
        )

    def told(self, way: str, verdict: Verdict, *, stored: bool) -> None:
        """Count what became of one event."""
        if not stored:
            self.unstored.labels(way).inc()
        elif isinstance(verdict, Refused):
            self.refused.labels(way, verdict.reason).inc()
        else:
            self.accepted.labels(way).inc()
            if verdict.note_withheld:
                self.withheld.labels(way).inc()
