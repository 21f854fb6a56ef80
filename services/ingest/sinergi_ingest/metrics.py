"""What ingest counts; no label comes from outside."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from sinergi_ingest.admit import Admitted, Refused
from sinergi_ingest.heartbeat import Beat
from sinergi_ingest.who import Failure
from sinergi_shared.contracts.audit import AlarmKind
from sinergi_shared.contracts.reasons import Reason
from sinergi_shared.runtime.metrics import STAGE_BUCKETS, counter, gauge, histogram

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
    Reason.SIGNATURE_INVALID,
    Reason.RATE_LIMITED,
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
        self.failures = counter(
            registry, "sinergi_ingest_auth_failures", "Requests of nobody we know", kind=Failure
        )
        self.slowed = counter(
            registry, "sinergi_ingest_slowed", "Times that a Kafka sender was read later for its rate"
        )
        self.heartbeats = counter(registry, "sinergi_ingest_heartbeats", "Heartbeats taken", way=WAYS)
        self.rates_shared = gauge(
            registry, "sinergi_ingest_rates_shared", "1 while Redis holds the sources' rates"
        )
        # Sources are those of the directory, so the label is bounded and none comes from outside.
        self.operator_alert = Gauge(
            "sinergi_operator_alert", "1 while operators must act", ("kind", "source"), registry=registry
        )
        self._shown: dict[AlarmKind, frozenset[str]] = {}
        self.files_wrong(AlarmKind.DIRECTORY, wrong=False)
        self.files_wrong(AlarmKind.CERTIFICATES, wrong=False)
        self.map_pending(pending=False)
        self.seconds = histogram(
            registry,
            "sinergi_ingest_store_seconds",
            "From the receipt of a request or batch until Kafka has it",
            STAGE_BUCKETS,
            way=WAYS,
        )

    def files_wrong(self, kind: AlarmKind, *, wrong: bool) -> None:
        """Tell operators that a new directory or renewed files for TLS cannot be used, or that it is over."""
        self.operator_alert.labels(kind, "-").set(wrong)

    def map_pending(self, *, pending: bool) -> None:
        """Tell operators that sources are not held to their areas by the activated pack, or that they are."""
        self.operator_alert.labels("policy_pending", "-").set(pending)

    def topics_missing(self, waiting: frozenset[str], sources: frozenset[str]) -> None:
        """Tell operators which of the directory's sources cannot be read for want of their topics."""
        self._show(AlarmKind.TOPICS_MISSING, waiting, sources)

    def silence(self, quiet: frozenset[str], sources: frozenset[str]) -> None:
        """Tell operators which of the directory's sources are silent."""
        self._show(AlarmKind.SOURCE_SILENT, quiet, sources)

    def _show(self, kind: AlarmKind, raised: frozenset[str], sources: frozenset[str]) -> None:
        # One that left the directory is shown no more.
        for gone in self._shown.get(kind, frozenset()) - sources:
            self.operator_alert.remove(kind, gone)
        for source in sources:
            self.operator_alert.labels(kind, source).set(source in raised)
        self._shown[kind] = sources

    def told(self, way: str, outcomes: Sequence[tuple[Admitted | Refused | Beat, bool]]) -> None:
        """Count what became of these events, each with whether Kafka has it."""
        accepted = 0
        for verdict, stored in outcomes:
            if not stored:
                self.unstored.labels(way).inc()
            elif isinstance(verdict, Refused):
                self.refused.labels(way, verdict.reason).inc()
            elif isinstance(verdict, Beat):
                self.heartbeats.labels(way).inc()
            else:
                accepted += 1  # told at once below: a counter takes as long as a part of the judging
                if verdict.note_withheld:
                    self.withheld.labels(way).inc()
        if accepted:
            self.accepted.labels(way).inc(accepted)
