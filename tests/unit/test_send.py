"""``sinergi send``: what waits for what, and what is said when nothing was sent."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from sinergi_ops.cli import app
from sinergi_ops.places import KEYS
from sinergi_ops.sending.patience import Patience
from sinergi_ops.sending.receipt import Answer, Receipt, nobody_answers, refused
from sinergi_ops.sending.senders import KeysError, read_keys
from sinergi_ops.sending.sequence import read, send_all
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.reasons import Outcome, Reason, Rule
from sinergi_shared.contracts.status import EventStatus

ACCEPTED = Receipt(Answer.ACCEPTED)


def message(number, revision=1, source=EXAMPLE["source"]):
    data = EXAMPLE["data"] | {"eventNumber": f"PRS-20260310-{number}", "revision": revision}
    return read(json.dumps(EXAMPLE | {"source": source, "data": data}).encode())


class Door:
    """Answers when told to; keeps the order in which events came."""

    def __init__(self):
        self.came = []
        self.open = {}

    async def send(self, body):
        data = json.loads(body)["data"]
        name = f"{data['eventNumber'][-4:]}/{data['revision']}"
        self.came.append(name)
        return await self.open.setdefault(name, asyncio.get_running_loop().create_future())

    async def answer(self, name, receipt):
        self.open[name].set_result(receipt)
        await settle()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_next_revision_waits_for_the_answer_to_the_last_and_other_events_do_not():
    door = Door()
    tasks = send_all([message("AAAA", 1), message("AAAA", 2), message("BBBB"), message("AAAA", 3)], door.send)
    await settle()
    assert door.came == ["AAAA/1", "BBBB/1"]
    await door.answer("AAAA/1", ACCEPTED)
    assert door.came == ["AAAA/1", "BBBB/1", "AAAA/2"]
    await door.answer("BBBB/1", ACCEPTED)
    await door.answer("AAAA/2", ACCEPTED)
    await door.answer("AAAA/3", ACCEPTED)
    assert [task.result().answer for task in tasks] == [Answer.ACCEPTED] * 4


async def test_the_same_number_of_another_source_is_another_event():
    door = Door()
    tasks = send_all([message("AAAA"), message("AAAA", 2, "urn:sinergi:sumber:imi-psb:tpi")], door.send)
    await settle()
    assert door.came == ["AAAA/1", "AAAA/2"]
    for name in door.came:
        await door.answer(name, ACCEPTED)
    await asyncio.gather(*tasks)


async def test_after_an_event_without_answer_its_later_revisions_are_held_back_and_told():
    door = Door()
    tasks = send_all([message("AAAA", 1), message("AAAA", 2), message("AAAA", 3)], door.send)
    await settle()
    await door.answer("AAAA/1", nobody_answers("http://127.0.0.1:1"))
    assert door.came == ["AAAA/1"]
    assert [task.result().unavailable for task in tasks] == [True, True, True]


async def test_a_mended_message_is_sent_after_the_refusal_of_the_faulty_one():
    door = Door()
    tasks = send_all([message("AAAA", 1), message("AAAA", 2)], door.send)
    await settle()
    await door.answer("AAAA/1", refused(Reason.SCHEMA_INVALID))
    await door.answer("AAAA/2", ACCEPTED)
    assert [task.result().answer for task in tasks] == [Answer.REFUSED, Answer.ACCEPTED]


async def test_patience_ends_in_time_and_later_events_do_not_wait_anew():
    loop, patience = asyncio.get_running_loop(), Patience(0.3)
    start, attempt = loop.time(), 1
    while await patience.pause(attempt):
        attempt += 1
    assert loop.time() - start <= 0.35
    assert not await patience.pause(1, at_least_s=0.2)
    patience.answered()
    assert patience.left == 0.3


async def test_a_wish_to_wait_longer_than_there_is_time_is_not_cut_short():
    loop = asyncio.get_running_loop()
    start = loop.time()
    assert not await Patience(5.0).pause(1, at_least_s=60.0)
    assert loop.time() - start < 1


REJECTABLE = [reason for reason in Reason if reason not in {Reason.DUPLICATE, Reason.STALE, Reason.TEST_STOP}]
ON_STATUS = [
    one
    for one in REJECTABLE
    if one not in {Reason.SIGNATURE_INVALID, Reason.EVENT_EXPIRED, Reason.RATE_LIMITED}
]


@pytest.mark.parametrize("reason", ON_STATUS)
def test_every_refusal_says_what_to_do_in_both_languages(reason):
    EventStatus.model_validate({"state": Outcome.REJECTED, "reason": reason, "at": "2026-03-10T09:00:00Z"})
    told = refused(reason, Rule.FIELD).advice
    assert all((told.title, told.title_en, told.do, told.do_en))


def test_the_demo_has_a_key_for_each_of_its_sources():
    assert len(read_keys(KEYS)) == 14


@pytest.mark.parametrize("text", ["", "[1]", "a: {b: c}", "a: 1", "a: [", "\udcff"])
def test_a_keys_file_that_does_not_fit_is_told_without_its_content(tmp_path, text):
    path = tmp_path / "keys.yaml"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(KeysError, match=r"^keys\.yaml: [^{\[]*"):
        read_keys(path)


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        (["nothing-here.json"], "nothing-here.json"),
        (["-"], "holds no event"),
        (["-", "--url", "127.0.0.1:8080"], "http://host:port"),
        (["-", "--kafka", "localhost"], "host:port"),
        (["-", "--via", "kafka", "--dry-run"], "--via http"),
        (["-", "--keys", "nothing-here.yaml"], "no event"),
    ],
)
def test_what_cannot_even_be_tried_is_said_at_once(arguments, needle):
    told = CliRunner().invoke(app, ["send", *arguments], input="\n")
    assert told.exit_code == 2
    assert needle in told.output
