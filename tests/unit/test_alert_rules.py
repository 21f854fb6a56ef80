"""Each rule says in both languages what to do, and is tested with what fires it and what does not."""

import re

import pytest
import yaml
from prometheus_client import CollectorRegistry

from sinergi_ingest.metrics import IngestMetrics
from sinergi_notifier.metrics import Metrics
from sinergi_ops.places import ROOT
from sinergi_router.metrics import RouterMetrics

FOLDER = ROOT / "deploy" / "prometheus"
RULES = [
    rule
    for path in sorted((FOLDER / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
CASES = [
    case
    for path in sorted((FOLDER / "tests").glob("*.yml"))
    for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
    for case in test.get("alert_rule_test", ())
]
each = pytest.mark.parametrize("name", ALERTS)


@each
def test_a_rule_says_in_both_languages_what_it_is_and_what_to_do(name):
    told = ALERTS[name]["annotations"]
    assert set(told) == {"summary", "description", "action"}
    assert all(" / " in text for text in told.values())
    assert ALERTS[name]["labels"]["severity"] in {"page", "ticket"}


@each
def test_a_rule_is_tested_with_what_fires_it_and_with_what_does_not(name):
    expected = [bool(case["exp_alerts"]) for case in CASES if case["alertname"] == name]
    assert set(expected) == {True, False}


def test_no_case_tests_a_rule_that_is_gone():
    assert {case["alertname"] for case in CASES} == set(ALERTS)


def _ingest(registry, _lanes):
    source = frozenset({"urn:sinergi:sumber:imi-ent:tpi"})
    metrics = IngestMetrics(registry)
    metrics.silence(frozenset(), source)
    metrics.topics_missing(frozenset(), source)


def test_whatever_operators_are_told_has_exactly_one_rule():
    kinds = set()
    for make in (_ingest, RouterMetrics, Metrics):
        registry = CollectorRegistry()
        make(registry, 4)
        kinds |= {
            sample.labels["kind"]
            for family in registry.collect()
            if family.name == "sinergi_operator_alert"
            for sample in family.samples
        }
    ruled = [kind for rule in ALERTS.values() for kind in re.findall(r'kind="(\w+)"', rule["expr"])]
    assert sorted(ruled) == sorted(kinds)
    assert kinds
