"""What the router counts; no label comes from outside. Exercises have figures of their own (law 8)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Gauge

from sinergi_router.decide import Decision
from sinergi_router.rules import InForce
from sinergi_shared.contracts.codes import AreaSource, Level, Role, Severity, Status
from sinergi_shared.contracts.reasons import Outcome, Reason
from sinergi_shared.runtime.metrics import STAGE_BUCKETS, counter, gauge, histogram

_TRAFFIC = ("real", "drill")
_REJECTIONS = (
    Reason.TOO_LARGE,
    Reason.SCHEMA_INVALID,
    Reason.TYPE_UNSUPPORTED,
    Reason.VERSION_UNKNOWN,
    Reason.ID_REUSED,
    Reason.POLICY_MISSING,
    Reason.CRASH_LOOP,
)


class RouterMetrics:
    """The router's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry, lanes: int) -> None:
        self.events = counter(
            registry, "sinergi_router_events", "Events by outcome (law 1)", outcome=Outcome, traffic=_TRAFFIC
        )
        self.merged = counter(
            registry,
            "sinergi_router_merged",
            "Merged events",
            reason=(Reason.DUPLICATE, Reason.STALE),
            traffic=_TRAFFIC,
        )
        self.rejected = counter(
            registry,
            "sinergi_router_rejected",
            "Rejected records; what cannot be read counts as real",
            reason=_REJECTIONS,
            traffic=_TRAFFIC,
        )
        self.alerts = counter(
            registry,
            "sinergi_router_alerts",
            "Alerts published",
            role=Role,
            level=(Level.L1, Level.L2, Level.L3),
            traffic=_TRAFFIC,
        )
        self.areas = counter(
            registry, "sinergi_router_areas", "Routed real events by what settled the area", source=AreaSource
        )
        self.conflicts = counter(
            registry, "sinergi_router_area_conflicts", "Area codes over 5 km from the point"
        )
        self.late = counter(registry, "sinergi_router_late_events", "Events older than the pack's limit")
        self.operator_alert = gauge(
            registry,
            "sinergi_operator_alert",
            "1 while operators must act",
            kind=("policy_missing", "policy_pending"),
        )
        self.policy = Gauge(
            "sinergi_policy_info",
            "1 for the pack in force; activation is its place in the order, 0 that of the settings",
            ("version", "activation"),
            registry=registry,
        )
        self.policy_pending = gauge(
            registry, "sinergi_policy_pending", "1 while an activated pack cannot be applied here"
        )
        self.requests = counter(
            registry, "sinergi_router_requests", "Requests to decide again, by outcome", outcome=Outcome
        )
        self.lanes = gauge(registry, "sinergi_router_lanes", "Lanes that are rebuilt and at work")
        self.unreconciled = gauge(
            registry,
            "sinergi_unreconciled_events",
            "Events of a lane without an outcome (law 1); anything but 0 is a fault",
            lane=map(str, range(lanes)),
        )
        self.threads = gauge(
            registry, "sinergi_router_threads", "Threads remembered", lane=map(str, range(lanes))
        )
        self.expired = counter(
            registry, "sinergi_router_expired_events", "Open events closed after 180 days without a decision"
        )
        self.receive_to_decide = histogram(
            registry,
            "sinergi_router_receive_to_decide_seconds",
            "From a real event's receipt to its decision",
            STAGE_BUCKETS,
            severity=Severity,
        )
        self._waited = {severity: self.receive_to_decide.labels(severity) for severity in Severity}
        self.batch = histogram(registry, "sinergi_router_batch_seconds", "One batch decided", STAGE_BUCKETS)

    def decided(self, decisions: Sequence[Decision]) -> None:
        """Count what became of a batch."""
        became: Counter[tuple[Outcome, str]] = Counter()
        told: Counter[tuple[Role, Level, str]] = Counter()
        areas: Counter[AreaSource] = Counter()
        for decision in decisions:
            data = decision.arrived.event.data
            traffic = "drill" if data.status is Status.EXERCISE else "real"
            became[decision.outcome, traffic] += 1
            if decision.unrouted is not None:
                self._unrouted(decision.outcome, decision.unrouted.reason, traffic)
                continue
            told.update([(alert.notice.role, alert.notice.level, traffic) for alert in decision.alerts])
            if data.status is not Status.EXERCISE:
                if decision.area is not None:
                    areas[decision.area.source] += 1
                self._routed(decision)
        # A label is looked up once a batch, not once an event.
        for outcome_of, count in became.items():
            self.events.labels(*outcome_of).inc(count)
        for told_as, count in told.items():
            self.alerts.labels(*told_as).inc(count)
        for source, count in areas.items():
            self.areas.labels(source).inc(count)

    def in_force(self, in_force: InForce) -> None:
        """Tell which pack decides here."""
        self.policy.clear()
        self.policy.labels(in_force.policy.version, str(in_force.number)).set(1)

    def pending(self, *, on: bool) -> None:
        """Tell whether an activated pack waits for somebody to put right what it lacks."""
        self.policy_pending.set(on)
        self.operator_alert.labels("policy_pending").set(on)

    def requested(self, outcome: Outcome) -> None:
        """Count what became of a request."""
        self.requests.labels(outcome).inc()

    def remembered(self, lane: int, threads: int) -> None:
        """Tell how many threads a lane remembers."""
        self.threads.labels(str(lane)).set(threads)

    def unread(self, reasons: Iterable[Reason]) -> None:
        """Count records that held no event."""
        for reason in reasons:
            self.events.labels(Outcome.REJECTED, "real").inc()
            self.rejected.labels(reason, "real").inc()

    def _unrouted(self, outcome: Outcome, reason: Reason, traffic: str) -> None:
        if outcome is Outcome.MERGED:
            self.merged.labels(reason, traffic).inc()
        elif outcome is Outcome.REJECTED:
            self.rejected.labels(reason, traffic).inc()
            if reason is Reason.POLICY_MISSING:
                self.operator_alert.labels("policy_missing").set(1)

    def _routed(self, decision: Decision) -> None:
        if decision.area is not None and decision.area.conflict:
            self.conflicts.inc()
        if decision.late:
            self.late.inc()
        if decision.arrived.received_at is not None:
            waited = (decision.decided_at - decision.arrived.received_at).total_seconds()
            self._waited[decision.arrived.event.data.severity].observe(max(0.0, waited))
