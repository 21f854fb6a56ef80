import base64
import csv
import hashlib
from dataclasses import replace

import pytest
from aiokafka.partitioner import murmur2
from typer.testing import CliRunner

from sinergi_ops import topics
from sinergi_ops.places import PACK
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.contracts.topics import lane_of, wanted
from sinergi_shared.region.bus import digest_kinds, recipients_on_bus
from sinergi_shared.region.tables import read_tables

TABLES = read_tables(PACK)


def rows(name):
    with (PACK / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_lane_is_where_kafkas_own_partitioner_puts_a_thread():
    for number in range(2_000):
        thread = thread_id("urn:sinergi:sumber:imi-ent:tpi", f"PRS-20260310-{number:04}")
        for length in (26, 25, 24, 23):  # whole words, and every rest
            key = thread[:length]
            assert lane_of(key, 16) == (murmur2(key.encode()) & 0x7FFFFFFF) % 16


def test_a_thread_is_the_beginning_of_a_hash_in_base32():
    for number in range(2_000):
        source, told = "urn:sinergi:sumber:imi-ent:tpi", f"PRS-20260310-{number:04}"
        raw = hashlib.sha256(f"{source}\n{told}".encode()).digest()
        assert thread_id(source, told) == base64.b32encode(raw).decode()[:26]


def test_kinds_that_get_a_summary_only_are_those_that_the_packs_readme_names():
    assert digest_kinds(TABLES) == {"GT", "KEJ", "PEMDA", "IOM"}


def test_every_active_recipient_that_an_event_can_reach_has_topics_and_nobody_else():
    reached = {
        row["code"]
        for row in rows("recipients")
        if row["active"] == "ya" and row["kind"] not in ("GT", "KEJ", "PEMDA", "IOM")
    }
    assert set(recipients_on_bus(TABLES)) == reached
    assert list(recipients_on_bus(TABLES)) == sorted(reached)


def test_whoever_an_alert_may_escalate_to_is_on_the_bus():
    on_bus = set(recipients_on_bus(TABLES))
    for recipient in TABLES.recipients.values():
        if recipient.code in on_bus and recipient.escalates_to is not None:
            assert recipient.escalates_to in on_bus


def test_one_mandate_that_is_no_summary_brings_a_kind_onto_the_bus():
    digest = next(mandate for mandate in TABLES.mandates if mandate.kind == "KEJ")
    told = replace(TABLES, mandates=(*TABLES.mandates, replace(digest, scope="territory")))
    assert "KEJ-61.01" not in recipients_on_bus(TABLES)
    assert "KEJ-61.01" in recipients_on_bus(told)


def test_a_recipient_that_is_not_active_has_no_topics():
    gone = replace(TABLES.recipients["IMI-ENT"], active=False)
    assert "IMI-ENT" not in recipients_on_bus(
        replace(TABLES, recipients=TABLES.recipients | {"IMI-ENT": gone})
    )


def test_a_recipient_has_alerts_drills_and_responses_of_its_own():
    names = {topic.name for topic in wanted(["a.b"], ["IMI-ENT"], 4)}
    assert {name for name in names if name.endswith("IMI-ENT")} == {
        "sinergi.alerts.v1.IMI-ENT",
        "sinergi.drills.v1.IMI-ENT",
        "sinergi.responses.v1.IMI-ENT",
    }


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_help_teaches_in_both_languages(command):
    told = CliRunner().invoke(topics.app, [command, "--help"], env={"COLUMNS": "200"}).output
    for word in ("--kafka", "--pack", "--directory", "--lanes", "--replication", "--json", "broker", "Paket"):
        assert word in told


@pytest.mark.parametrize(
    ("option", "told"), [("--directory", "nowhere.yaml"), ("--pack", "a pack needs this table")]
)
def test_a_file_that_cannot_be_used_ends_the_command_before_kafka_is_asked(tmp_path, option, told):
    (tmp_path / "directory.yaml").write_text("sources: []\nrecipients: {}\n")
    files = {"--directory": tmp_path / "directory.yaml", "--pack": PACK}
    files[option] = tmp_path / "nowhere.yaml"
    arguments = [part for name, path in files.items() for part in (name, str(path))]
    result = CliRunner().invoke(topics.app, ["plan", *arguments])
    assert result.exit_code == 1
    assert told in result.stderr
