import csv
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from sinergi_ops import topics
from sinergi_ops.places import PACK
from sinergi_shared.contracts.topics import wanted
from sinergi_shared.region.bus import digest_kinds, recipients_on_bus
from sinergi_shared.region.tables import read_tables

TABLES = read_tables(PACK)


def rows(name):
    with (PACK / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


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
