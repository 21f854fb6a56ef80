"""``sinergi key new``: what it prints opens the door once pasted, and the hash alone opens nothing."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from pydantic import TypeAdapter
from typer.testing import CliRunner

from sinergi_ingest.who import Caller, Failure, Shown, who
from sinergi_ops.cli import app
from sinergi_shared.directory import ApiKey, Directory, Scope

URN = "urn:sinergi:sumber:imi-ent:tpi"


def new(*arguments):
    return CliRunner().invoke(app, ["key", "new", *arguments])


def asked(key, entries, now):
    directory = Directory.model_validate({"sources": [{"urn": URN, "keys": entries}], "recipients": {}})
    shown = Shown("POST", "https://x.example/v1/events", {"authorization": f"Bearer {key}"})
    return who(shown, directory, now)


def test_what_is_printed_opens_the_door_until_its_end():
    told = new(URN, "--expires", "30", "--scope", "send", "--scope", "test").output
    key = next(line for line in told.splitlines() if line.startswith("sng_"))
    TypeAdapter(ApiKey).validate_python(key)
    entries = yaml.safe_load(told.split("keys:", 1)[1])
    assert key[-20:] not in told.split("keys:", 1)[1]
    now = datetime.now(UTC)
    caller = asked(key, entries, now)
    assert isinstance(caller, Caller)
    assert caller.scopes == {Scope.SEND, Scope.TEST}
    assert asked(key, entries, now + timedelta(days=31)) is Failure.KEY_ENDED
    assert asked(entries[0]["sha256"], entries, now) is Failure.KEY_UNKNOWN


def test_a_program_reads_the_same_as_a_person():
    told = json.loads(new(URN, "--json", "--expires", "2030-01-01T00:00:00+07:00").output)
    caller = asked(told["key"], [told["directory"]], datetime(2029, 12, 31, tzinfo=UTC))
    assert isinstance(caller, Caller)


def test_no_two_keys_are_alike():
    assert len({json.loads(new(URN, "--json").output)["key"] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "arguments",
    [("imi-ent",), (URN, "--expires", "tomorrow"), (URN, "--expires", "99999"), (URN, "--scope", "all")],
    ids=str,
)
def test_a_slip_makes_no_key(arguments):
    told = new(*arguments)
    assert told.exit_code == 2
    assert "sng_" not in told.output.replace("sng_…", "")
