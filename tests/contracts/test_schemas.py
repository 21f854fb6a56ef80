import csv
import json

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from sinergi_ops import schemas
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import Contract
from sinergi_shared.contracts.strict_json import parse_object
from tests.contracts.places import SAMPLES, SCHEMAS

PUBLISHED = {path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")}
EXAMPLES = [
    pytest.param(message, example, id=f"{message.name}-{number}")
    for message in schemas.MESSAGES
    for number, example in enumerate(message.examples)
]


def checked(schema):
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def canonical(document):
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def sample_events():
    for path in sorted(SAMPLES.glob("0*.json")):
        yield path.name, parse_object(path.read_bytes())
    for number, line in enumerate((SAMPLES / "day_events.jsonl").read_bytes().splitlines(), start=1):
        yield f"day {number}", parse_object(line)


def known_faults():
    with (SAMPLES / "expected_rejections_day.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {row["event_id"]: row["reason"] for row in rows if row["disposition"] == "dead_letter"}


def test_the_published_files_are_those_of_the_models():
    assert schemas.drift(SCHEMAS) == []


def test_a_message_has_a_file_of_its_own():
    names = (
        "alert audit audit-policy control event followup job policy receipt rejected request response status "
        "thread totals"
    )
    assert " ".join(sorted(PUBLISHED)) == names


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "job.json").unlink(), "missing: job.json"),
        (lambda folder: (folder / "old.json").write_text("{}"), "not made from a model: old.json"),
        (lambda folder: (folder / "alert.json").write_text("{}\n"), "--- alert.json"),
    ],
    ids=["missing", "left over", "changed by hand"],
)
def test_drift_is_told_and_mended(tmp_path, capsys, harm, told):
    assert schemas.main(["--directory", str(tmp_path)]) == 0
    harm(tmp_path)
    assert schemas.main(["--check", "--directory", str(tmp_path)]) == 1
    assert told in capsys.readouterr().out.splitlines()
    schemas.main(["--directory", str(tmp_path)])
    assert schemas.main(["--check", "--directory", str(tmp_path)]) == 0


@pytest.mark.parametrize(("message", "example"), EXAMPLES)
def test_an_example_fits_its_published_schema(message, example):
    checked(PUBLISHED[message.name]).validate(example)


@pytest.mark.parametrize(("message", "example"), EXAMPLES)
def test_an_example_comes_through_its_model_unchanged(message, example):
    read = message.model.model_validate_json(canonical(example))
    written = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert canonical(written) == canonical(example)


@pytest.mark.parametrize("message", [one for one in schemas.MESSAGES if one.types], ids=lambda one: one.name)
def test_an_example_names_its_schema_and_a_published_type(message):
    for example in message.examples:
        assert example["type"] in message.types
        assert example["dataschema"].rsplit("/", 1)[0] == message.uri.rsplit("/", 1)[0]


def test_every_sample_but_the_known_faults_fits_the_published_schema():
    validator, faults, seen = checked(PUBLISHED["event"]), known_faults(), 0
    for name, document in sample_events():
        if document["id"] not in faults:
            assert not list(validator.iter_errors(document)), name
            seen += 1
    assert seen == 8 + 200 - len(faults)


def test_a_known_fault_of_shape_breaks_the_published_schema():
    validator, faults = checked(PUBLISHED["event"]), known_faults()
    shapeless = {id_ for id_, reason in faults.items() if reason in ("SCHEMA_INVALID", "TYPE_UNSUPPORTED")}
    broken = {doc["id"] for _, doc in sample_events() if not validator.is_valid(doc)}
    assert shapeless
    assert shapeless <= broken <= set(faults)


def put(document, path, value):
    step, *rest = path
    return document | {step: put(document[step], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("data", "nonce"), 1),
        (("data", "movement"), None),
        (("data", "location", "lat"), 1.0),
        (("data", "observedAt"), "2026-03-10T08:12:30"),
        (("data", "people", "count"), 0),
        (("data", "pass_"), "plb_in_zone"),
        (("data", "group"), {"homeProvinces": {"West": 1}}),
        (("data", "movement"), {"speedKmh": -1}),
    ],
    ids=[
        "unknown field",
        "null for absent",
        "half a point",
        "no offset",
        "nobody",
        "a name of our code",
        "province by name",
        "negative speed",
    ],
)
def test_the_published_event_refuses(path, value):
    event = PUBLISHED["event"]["examples"][0]
    assert not checked(PUBLISHED["event"]).is_valid(put(event, path, value))


def test_a_field_is_published_under_its_name_on_the_wire():
    for name, part in (("event", "SuspiciousMovement"), ("alert", "Alert")):
        assert "pass" in PUBLISHED[name]["$defs"][part]["properties"]


def test_a_time_is_published_as_one():
    data = PUBLISHED["alert"]["$defs"]["Alert"]["properties"]
    assert {data[name]["format"] for name in ("observedAt", "reportedAt", "ackDueAt")} == {"date-time"}


def parts(model, seen):
    if model not in seen:
        seen.add(model)
        for field in model.model_fields.values():
            for inner in _models_in(field.annotation):
                parts(inner, seen)
    return seen


def _models_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def test_every_part_of_every_message_is_frozen_and_closed():
    found = set()
    for message in schemas.MESSAGES:
        parts(message.model, found)
    assert len(found) > 30
    for model in found:
        assert issubclass(model, Contract), model
        assert model.model_config["frozen"], model
        # CloudEvents allows extension attributes that nobody knows, on what comes from outside.
        open_to_extensions = model.__name__ == "SuspiciousMovementEvent"
        assert model.model_config["extra"] == ("allow" if open_to_extensions else "forbid"), model


def asyncapi():
    return yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())


def test_the_asyncapi_document_is_valid():
    schema = json.loads((SCHEMAS.parents[1] / "tests/contracts/asyncapi-3.0.0.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    assert [error.message for error in validator.iter_errors(asyncapi())] == []
    broken = asyncapi()
    del broken["channels"]["events"]["messages"]["event"]["$ref"]
    broken["operations"]["ingest-send-events"]["action"] = "publish"
    assert not validator.is_valid(broken)


def test_every_topic_is_a_channel_with_key_partitions_retention_writers_and_readers():
    channels = {channel["address"]: channel for channel in asyncapi()["channels"].values()}
    assert set(channels) == {topic.name for topic in topics.TOPICS}
    for topic in topics.TOPICS:
        channel = channels[topic.name]
        kafka = channel["bindings"]["kafka"]
        assert (channel["x-key"], channel["x-writers"], channel["x-readers"]) == (
            topic.key,
            topic.writers,
            topic.readers,
        )
        assert kafka["partitions"] == topic.partitions(topics.DEFAULT_LANES)
        assert kafka["topicConfiguration"].get("retention.ms") == (
            topic.retention_days and topic.retention_days * topics.DAY_MS
        )


def test_every_message_of_the_asyncapi_document_has_its_schema_and_an_example_that_fits():
    messages = asyncapi()["components"]["messages"]
    assert set(messages) == {message.name for message in schemas.MESSAGES}
    for message in messages.values():
        schema = json.loads((SCHEMAS / message["payload"]["$ref"]).read_text())
        assert message["examples"]
        for example in message["examples"]:
            checked(schema).validate(example["payload"])


def test_a_channel_without_a_contract_is_one_that_nothing_writes_yet():
    silent = {channel["address"] for channel in asyncapi()["channels"].values() if not channel["messages"]}
    assert silent == {topics.CHECKPOINTS}
