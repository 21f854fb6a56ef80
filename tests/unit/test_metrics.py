"""Every series that a service can show is fixed beforehand and stands at zero from the start (B68, F42)."""

import ast
import json
from datetime import timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from sinergi_ingest.admit import admit
from sinergi_ingest.metrics import AT_THE_DOOR, REFUSALS, IngestMetrics
from sinergi_ingest.records import event_record
from sinergi_notifier.followup import FollowUps
from sinergi_notifier.metrics import CHANNELS, Alarm, Metrics
from sinergi_ops.places import PACK, ROOT
from sinergi_router import metrics as router
from sinergi_router.app import load_policy
from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.rules import Rules
from sinergi_shared.contracts import examples
from sinergi_shared.contracts.codes import Channel, DeliveryState, Severity, Status
from sinergi_shared.contracts.followup import FollowUpEvent
from sinergi_shared.region.pack import read_pack
from sinergi_shared.runtime.health import Health, routes
from tests.kit.decisions import nothing_kept

LANES = 4
WAYS = "http kafka"
TRAFFIC = "real drill"
LANE = "0 1 2 3"
SEVERITY = "rendah sedang tinggi kritis"
CHANNEL = "kafka webhook email"
STATE = "queued sent delivered read temporary permanent superseded expired cancelled"
REFUSED = (
    "TOO_LARGE SCHEMA_INVALID ENVELOPE_INVALID SOURCE_UNKNOWN TYPE_UNSUPPORTED VERSION_UNKNOWN "
    "PII_DETECTED PROFILE_FORBIDDEN TIME_OUT_OF_RANGE"
)
DOOR = (
    "UNAUTHENTICATED SIGNATURE_INVALID NOT_ALLOWED RATE_LIMITED MEDIA_UNSUPPORTED TOO_LARGE SCHEMA_INVALID "
    "UNAVAILABLE"
)
REJECTED = "TOO_LARGE SCHEMA_INVALID TYPE_UNSUPPORTED VERSION_UNKNOWN ID_REUSED POLICY_MISSING CRASH_LOOP"
AREAS = "post handover polygon admin_code land_snap sea_snap province"

FIXED = {
    "ingest": {
        "sinergi_ingest_accepted": {"way": WAYS},
        "sinergi_ingest_refused": {"way": WAYS, "reason": REFUSED},
        "sinergi_ingest_notes_withheld": {"way": WAYS},
        "sinergi_ingest_unstored": {"way": WAYS},
        "sinergi_ingest_checked": {"fit": "yes no"},
        "sinergi_ingest_turned_away": {"reason": DOOR},
        "sinergi_ingest_auth_failures": {
            "kind": "nothing_shown key_unknown key_ended signature signature_time digest certificate"
        },
        "sinergi_ingest_slowed": {},
        "sinergi_ingest_heartbeats": {"way": WAYS},
        "sinergi_ingest_rates_shared": {},
        "sinergi_operator_alert": {"kind": "directory policy_pending certificates", "source": "-"},
        "sinergi_ingest_store_seconds": {"way": WAYS},
    },
    "router": {
        "sinergi_router_events": {"outcome": "routed merged stopped rejected", "traffic": TRAFFIC},
        "sinergi_router_merged": {"reason": "DUPLICATE STALE", "traffic": TRAFFIC},
        "sinergi_router_rejected": {"reason": REJECTED, "traffic": TRAFFIC},
        "sinergi_router_alerts": {
            "role": "primary protection escalation support",
            "level": "L1 L2 L3",
            "traffic": TRAFFIC,
        },
        "sinergi_router_areas": {"source": AREAS},
        "sinergi_router_area_conflicts": {},
        "sinergi_router_late_events": {},
        "sinergi_operator_alert": {"kind": "policy_missing policy_pending"},
        "sinergi_policy_info": {"version": "", "activation": ""},  # once there is one
        "sinergi_policy_pending": {},
        "sinergi_router_lanes": {},
        "sinergi_router_threads": {"lane": LANE},
        "sinergi_unreconciled_events": {"lane": LANE},
        "sinergi_router_expired_events": {},
        "sinergi_router_requests": {"outcome": "routed merged stopped rejected"},
        "sinergi_router_receive_to_decide_seconds": {"severity": SEVERITY},
        "sinergi_router_batch_seconds": {},
    },
    "notifier": {
        "sinergi_deliveries": {"channel": CHANNEL, "state": STATE},
        "sinergi_drill_deliveries": {"channel": CHANNEL, "state": STATE},
        "sinergi_delivery_attempts": {"channel": CHANNEL},
        "sinergi_possible_repeats": {"channel": CHANNEL},
        "sinergi_recipients_without_contact": {},
        "sinergi_notifier_lanes": {},
        "sinergi_deliveries_pending": {"lane": LANE},
        "sinergi_delivery_oldest_pending_seconds": {"lane": LANE},
        "sinergi_operator_alert": {"kind": "delivery_failed job_unreadable policy_pending"},
        "sinergi_delivery_seconds": {
            "channel": CHANNEL,
            "severity": SEVERITY,
            "since": "received decided",
        },
    },
}
EXAMPLE = FollowUpEvent.model_validate(examples.FOLLOWUP).data
NOW = EXAMPLE.receipt.at
SAMPLE = json.loads((ROOT / "deploy/samples/01_tppo_pos_entikong.json").read_text(encoding="utf-8"))
MAKE = {
    "ingest": IngestMetrics,
    "router": lambda registry: router.RouterMetrics(registry, LANES),
    "notifier": lambda registry: Metrics(registry, LANES),
}


def label_sets(registry):
    """Return each metric's label sets, the bucket bound left out."""
    return {
        family.name: {
            frozenset((name, value) for name, value in sample.labels.items() if name != "le")
            for sample in family.samples
        }
        for family in registry.collect()
    }


def follow_up(channel, state, severity=Severity.TINGGI, status=Status.ACTUAL):
    receipt = EXAMPLE.receipt.model_copy(update={"channel": channel, "state": state})
    return EXAMPLE.model_copy(update={"receipt": receipt, "severity": severity, "status": status})


def later(record, state, by):
    receipt = record.receipt.model_copy(update={"state": state, "at": record.receipt.at + by})
    return record.model_copy(update={"receipt": receipt})


def moved(registry):
    """Return name and traffic of every series that is not at zero."""
    return {
        (sample.name, sample.labels.get("traffic"))
        for family in registry.collect()
        for sample in family.samples
        if sample.value and not sample.name.endswith("_created")
    }


def as_admitted(event):
    """Return the records that ingest writes for an event, as the router reads them."""
    verdict = admit(json.dumps(event).encode(), frozenset({event["source"]}), NOW)
    out = event_record(verdict, LANES)
    return [SimpleNamespace(**vars_of(out), offset=0, timestamp=int(NOW.timestamp() * 1000))]


def vars_of(out):
    return {name: getattr(out, name) for name in ("topic", "partition", "key", "value", "headers")}


def spelled_out(told):
    return {
        metric: {
            frozenset(zip(labels, values, strict=True))
            for values in product(*(words.split() for words in labels.values()))
        }
        for metric, labels in told.items()
    }


@pytest.mark.parametrize("service", FIXED)
def test_a_service_shows_the_fixed_series_from_the_start_and_no_other(service):
    registry = CollectorRegistry()
    MAKE[service](registry)
    assert label_sets(registry) == spelled_out(FIXED[service])


def test_every_state_of_every_delivery_counts_in_a_series_that_is_there():
    registry = CollectorRegistry()
    metrics = Metrics(registry, LANES)
    before = label_sets(registry)
    for each in product(CHANNELS, DeliveryState, Severity, (Status.ACTUAL, Status.EXERCISE)):
        record = follow_up(*each)
        metrics.told(record)
        metrics.took(record, NOW, NOW)
    assert label_sets(registry) == before


@pytest.mark.parametrize(
    ("rooms", "listed"),
    [
        (
            (
                "services/ingest/sinergi_ingest/admit.py",
                "services/ingest/sinergi_ingest/heartbeat.py",
                "services/ingest/sinergi_ingest/screen.py",
            ),
            REFUSALS,
        ),
        (("services/ingest/sinergi_ingest/http.py", "services/ingest/sinergi_ingest/gate.py"), AT_THE_DOOR),
        (
            (
                "services/router/sinergi_router/arrivals.py",
                "services/router/sinergi_router/decide.py",
                "services/router/sinergi_router/policy/order.py",
            ),
            (*router._REJECTIONS, "DUPLICATE", "STALE", "TEST_STOP"),
        ),
    ],
    ids=["ingest", "door", "router"],
)
def test_a_reason_that_a_room_gives_has_a_series(rooms, listed):
    given = {
        node.attr
        for room in rooms
        for node in ast.walk(ast.parse((ROOT / room).read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason"
    }
    assert given
    assert given <= set(listed)


def test_an_exercise_shows_in_no_real_figure():
    registry = CollectorRegistry()
    metrics = Metrics(registry, LANES)
    record = follow_up(Channel.EMAIL, DeliveryState.SENT, Severity.KRITIS, Status.EXERCISE)
    metrics.told(record)
    metrics.took(record, NOW, NOW)
    assert moved(registry) == {("sinergi_drill_deliveries_total", None)}


def test_an_exercise_moves_the_routers_figures_of_exercises_only():
    registry = CollectorRegistry()
    (record,) = as_admitted(SAMPLE | {"data": SAMPLE["data"] | {"status": "Exercise"}})
    rules = Rules(load_policy(read_pack(PACK)))
    metrics = MAKE["router"](registry)
    lane = RouterLane(record.partition, rules, metrics, lambda: NOW, nothing_kept, Threads(10))
    assert list(lane.work([record]))
    assert moved(registry) == {
        ("sinergi_router_events_total", "drill"),
        ("sinergi_router_alerts_total", "drill"),
        ("sinergi_router_threads", None),
        ("sinergi_router_batch_seconds_count", None),
        ("sinergi_router_batch_seconds_sum", None),
        ("sinergi_router_batch_seconds_bucket", None),
    }


def test_only_the_lanes_at_work_here_tell_how_long_something_waits():
    registry = CollectorRegistry()
    metrics = Metrics(registry, LANES)
    owned = frozenset({1, 2})
    metrics.watch(lambda: owned, lambda lane: {1: 40.0, 2: 7.0}[lane])

    def waited(lane):
        return registry.get_sample_value("sinergi_delivery_oldest_pending_seconds", {"lane": lane})

    assert [waited(lane) for lane in "0123"] == [0.0, 40.0, 7.0, 0.0]
    owned = frozenset({2})
    assert [waited(lane) for lane in "0123"] == [0.0, 0.0, 7.0, 0.0]
    assert registry.get_sample_value("sinergi_notifier_lanes") == 1.0


def test_the_oldest_delivery_keeps_its_age_through_retries_and_ends_with_its_outcome():
    known = FollowUps()
    first = follow_up(Channel.EMAIL, DeliveryState.QUEUED)
    known.remember(first)
    for minutes in (1, 2):
        known.remember(later(first, DeliveryState.TEMPORARY, timedelta(minutes=minutes)))
    assert known.oldest_waiting() == first.receipt.at
    known.remember(later(first, DeliveryState.SENT, timedelta(minutes=3)))
    assert known.oldest_waiting() is None


def test_an_alarm_tells_about_how_many_and_ends_with_the_last():
    registry = CollectorRegistry()
    metrics = Metrics(registry, LANES)

    def raised():
        return registry.get_sample_value("sinergi_operator_alert", {"kind": "job_unreadable"})

    for about, on, count in (
        ("a", True, 1),
        ("b", True, 2),
        ("a", True, 2),
        ("a", False, 1),
        ("b", False, 0),
    ):
        metrics.alarm(Alarm.JOB_UNREADABLE, about, on=on)
        assert raised() == count


def test_ready_is_told_as_the_probe_tells_it():
    registry, seconds = CollectorRegistry(), 0.0
    health = Health(lambda: seconds)
    routes(health, registry)
    assert registry.get_sample_value("sinergi_ready") == 1.0
    health.problem("kafka", "waiting for Kafka")
    assert registry.get_sample_value("sinergi_ready") == 0.0
    health.problem("kafka", None)
    health.beat("lanes")
    seconds = 60.0
    assert registry.get_sample_value("sinergi_ready") == 0.0
