"""What the notifier counts. Exercises have figures of their own (law 8)."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from sinergi_shared.contracts.codes import Channel, DeliveryState, Severity, Status
from sinergi_shared.contracts.followup import FollowUp
from sinergi_shared.runtime.metrics import DELIVERY_BUCKETS, counter, gauge, histogram

CHANNELS: Final = (Channel.KAFKA, Channel.WEBHOOK, Channel.EMAIL)


class Alarm(StrEnum):
    """What operators are told of, until it is over."""

    DELIVERY_FAILED = "delivery_failed"
    JOB_UNREADABLE = "job_unreadable"
    POLICY_PENDING = "policy_pending"


class Since(StrEnum):
    """From when a latency is measured."""

    RECEIVED = "received"
    DECIDED = "decided"


class Metrics:
    """The notifier's metrics in one registry; every series stands at zero from the start."""

    def __init__(self, registry: CollectorRegistry, lanes: int) -> None:
        states = tuple(DeliveryState)
        self._real = counter(
            registry, "sinergi_deliveries", "Delivery states", channel=CHANNELS, state=states
        )
        self._drill = counter(
            registry, "sinergi_drill_deliveries", "Same, of exercises", channel=CHANNELS, state=states
        )
        self._attempts = counter(
            registry, "sinergi_delivery_attempts", "Attempts, exercises included", channel=CHANNELS
        )
        self._repeats = counter(
            registry, "sinergi_possible_repeats", "Attempts marked as a possible repeat", channel=CHANNELS
        )
        self._no_contact = counter(
            registry, "sinergi_recipients_without_contact", "Entries told on their own topic only"
        )
        numbers = [str(lane) for lane in range(lanes)]
        self._lanes = gauge(registry, "sinergi_notifier_lanes", "Lanes that are rebuilt and at work")
        self._pending = gauge(
            registry, "sinergi_deliveries_pending", "Deliveries still to be made", lane=numbers
        )
        self._oldest = gauge(
            registry,
            "sinergi_delivery_oldest_pending_seconds",
            "How long the oldest of them has waited, or at least since the last restart",
            lane=numbers,
        )
        self._alarms = gauge(
            registry, "sinergi_operator_alert", "Something an operator must look at; 0 when over", kind=Alarm
        )
        self._seconds = histogram(
            registry,
            "sinergi_delivery_seconds",
            "Seconds until the first success of a delivery, exercises excluded",
            DELIVERY_BUCKETS,
            channel=CHANNELS,
            severity=Severity,
            since=Since,
        )
        self._count = lanes
        self._raised: dict[Alarm, set[str]] = {alarm: set() for alarm in Alarm}

    def told(self, record: FollowUp) -> None:
        """Count a state that was written; an intent counts as an attempt."""
        receipt = record.receipt
        if receipt.state is DeliveryState.QUEUED and receipt.attempt > 0:
            self._attempts.labels(receipt.channel).inc()
            self._repeats.labels(receipt.channel).inc(record.possibleRepeat)
            return
        counts = self._drill if record.status is Status.EXERCISE else self._real
        counts.labels(receipt.channel, receipt.state).inc()
        self._watch(record)

    def took(self, record: FollowUp, received: datetime, decided: datetime) -> None:
        """Observe how long a successful delivery of a real alert has taken."""
        if record.status is Status.EXERCISE:
            return
        for since, start in ((Since.RECEIVED, received), (Since.DECIDED, decided)):
            seconds = (record.receipt.at - start).total_seconds()
            labels = (record.receipt.channel, record.severity, since)
            self._seconds.labels(*labels).observe(max(seconds, 0.0))

    def without_contact(self) -> None:
        """Count a recipient that is told on its own topic only."""
        self._no_contact.inc()

    def pending(self, lane: int, count: int) -> None:
        """Set how much a lane has still to deliver."""
        self._pending.labels(str(lane)).set(count)

    def watch(self, owned: Callable[[], frozenset[int]], oldest_s: Callable[[int], float]) -> None:
        """Ask at each scrape which lanes are at work, and how long the oldest of each has waited."""

        def waited(lane: int) -> float:
            return oldest_s(lane) if lane in owned() else 0.0  # another process tells of the others

        self._lanes.set_function(lambda: len(owned()))
        for lane in range(self._count):
            self._oldest.labels(str(lane)).set_function(partial(waited, lane))

    def alarm(self, alarm: Alarm, about: str, *, on: bool) -> None:
        """Raise or clear an alarm about one thing; the gauge tells about how many."""
        if on:
            self._raised[alarm].add(about)
        else:
            self._raised[alarm].discard(about)
        self._alarms.labels(alarm).set(len(self._raised[alarm]))

    def _watch(self, record: FollowUp) -> None:
        about = f"{record.receipt.recipient}/{record.contact}"
        match record.receipt.state:
            case DeliveryState.PERMANENT:
                self.alarm(Alarm.DELIVERY_FAILED, about, on=True)
            case DeliveryState.SENT | DeliveryState.DELIVERED:
                self.alarm(Alarm.DELIVERY_FAILED, about, on=False)
            case _:
                pass
