"""The oracle is worth something only if it meets the references that others derived."""

import csv
import json
from pathlib import Path

from tests.kit.event_corpus import CASES, DISPUTED, corpus
from tests.kit.oracle import SAMPLES, Answer, encoded, explain_all, kalbar

OUTCOME = {"dead_letter": "rejected"}


def _scenarios():
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("0*.json"))]


def _day():
    lines = (SAMPLES / "day_events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _reference(name: str) -> list[dict[str, str]]:
    with Path(SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _minutes(alert: Answer) -> str:
    return "" if alert["ackMinutes"] is None else str(alert["ackMinutes"])


def test_the_eight_scenarios_meet_the_hand_derived_table():
    rows = {
        (a["id"], n["recipient"], n["role"], n["disclosure"], _minutes(n), a["area"]["code"])
        for a in explain_all(_scenarios())
        for n in a["alerts"]
    }
    expected = {
        (r["event_id"], r["recipient_code"], r["role"], r["disclosure"], r["ack_min"], r["kode_kec"])
        for r in _reference("expected_routing.csv")
    }
    assert rows == expected


def test_the_day_meets_the_reference_in_every_column():
    rows = [
        (
            a["id"],
            a["eventNumber"],
            n["recipient"],
            n["role"],
            n["disclosure"],
            _minutes(n),
            n["rule"],
            a["area"]["code"] or "",
            a["area"]["source"],
        )
        for a in explain_all(_day())
        for n in a["alerts"]
    ]
    expected = [tuple(row.values()) for row in _reference("expected_routing_day.csv")]
    assert sorted(rows) == sorted(expected)


def test_the_day_meets_the_refusals_of_the_reference():
    found = [(a["id"], a["reason"], a["outcome"]) for a in explain_all(_day()) if a["outcome"] != "routed"]
    expected = [
        (row["event_id"], row["reason"], OUTCOME.get(row["disposition"], row["disposition"]))
        for row in _reference("expected_rejections_day.csv")
    ]
    assert sorted(found) == sorted(expected)


def test_every_open_event_of_the_day_has_one_lead():
    day = zip(_day(), explain_all(_day()), strict=True)
    leads = [
        sum(alert["lead"] for alert in answer["alerts"])
        for event, answer in day
        if answer["outcome"] == "routed" and event["data"]["msgType"] in ("Alert", "Update")
    ]
    assert set(leads) == {1}


def test_a_seed_always_gives_the_same_corpus():
    assert [encoded(event) for event in corpus(7, 400)] == [encoded(event) for event in corpus(7, 400)]


def test_the_corpus_reaches_every_mandate_rule_source_and_reason():
    answers = explain_all(corpus(8, 3000, CASES + DISPUTED))
    rules = {alert["rule"] for answer in answers for alert in answer["alerts"]}
    told = {line["rule_id"] for line in kalbar().mandates if line["ack_kritis_min"]}
    assert told | {"NEIGHBOUR", "NEXT_JURISDICTION", "BORDER_EXIT", "PREVIOUS"} <= rules
    assert {"CANCEL", "FALSE_POSITIVE"} <= rules
    assert {answer["area"]["source"] for answer in answers if answer["area"]} == {
        "post", "handover", "polygon", "admin_code", "land_snap", "sea_snap", "province",
    }  # fmt: skip
    assert {answer["reason"] for answer in answers} - {None} == {
        "TOO_LARGE", "ENVELOPE_INVALID", "SOURCE_UNKNOWN", "TYPE_UNSUPPORTED", "VERSION_UNKNOWN",
        "PII_DETECTED", "PROFILE_FORBIDDEN", "SCHEMA_INVALID", "TIME_OUT_OF_RANGE", "ID_REUSED",
        "DUPLICATE", "STALE", "TEST_STOP",
    }  # fmt: skip
