"""What the page for senders says is so: every reason, every situation, every file that it names."""

import csv
import json
import re
from datetime import UTC, datetime

import pytest

from sinergi_ingest.admit import Admitted, admit
from sinergi_ops.places import DIRECTORY, PACK
from sinergi_shared.contracts.codes import MsgType, Status
from sinergi_shared.contracts.reasons import Outcome, Reason
from sinergi_shared.directory import read_directory
from tests.kit.senders_doc import DOC, EXAMPLES, reasons

SOURCES = frozenset(source.urn for source in read_directory(DIRECTORY).sources)
NOW = datetime(2026, 3, 11, tzinfo=UTC)
FILES = sorted(EXAMPLES.glob("*.json"))


def read(name):
    return json.loads((EXAMPLES / name).read_text())


def test_every_reason_has_a_row_with_its_http_status():
    told = reasons()
    assert set(told) == set(Reason)
    for reason, status in told.items():
        assert status == "status" or str(Reason(reason).http_status) in status.split(", ")


def test_every_state_is_explained():
    text = DOC.read_text()
    assert all(f"| `{state}` |" in text for state in ["accepted", *Outcome])


def test_each_situation_has_one_complete_example():
    with (PACK / "situations.csv").open(encoding="utf-8") as file:
        wanted = {row["situation"] for row in csv.DictReader(file)}
    found = {path.stem.upper() for path in FILES}
    assert wanted <= found
    assert all(read(f"{name.lower()}.json")["data"]["situation"] == name for name in wanted)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_admitted_whole(path):
    verdict = admit(path.read_bytes(), SOURCES, NOW)
    assert isinstance(verdict, Admitted)
    assert verdict.note_withheld is None


def test_the_follow_ups_follow_their_first_and_every_id_is_its_own():
    first = read("tppo_at_post.json")
    follow = [read(f"{name}.json") for name in ("update", "cancel", "false_positive")]
    assert [one["data"]["msgType"] for one in follow] == [
        MsgType.UPDATE,
        MsgType.CANCEL,
        MsgType.FALSE_POSITIVE,
    ]
    assert [one["data"]["revision"] for one in [first, *follow]] == [1, 2, 3, 4]
    assert {one["data"]["eventNumber"] for one in [first, *follow]} == {first["subject"]}
    assert len({json.loads(path.read_text())["id"] for path in FILES}) == len(FILES)
    assert (read("test.json")["data"]["status"], read("exercise.json")["data"]["status"]) == (
        Status.TEST,
        Status.EXERCISE,
    )


def test_every_file_that_the_page_names_is_there():
    named = set(re.findall(r"[a-z_]+\.json\b", DOC.read_text())) - {
        "peristiwa.json",
        "kunci.json",
        "openapi.json",
    }
    assert named <= {path.name for path in FILES}
