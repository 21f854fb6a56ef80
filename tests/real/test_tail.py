"""``sinergi tail`` on a real Kafka: one agency's alerts, the newest of each event, a clean end."""

import asyncio
import copy
import json
import os
import secrets
import signal
import sys
from contextlib import asynccontextmanager

import pytest
from typer.testing import CliRunner

from sinergi_ops import tail
from sinergi_ops import topics as topic_commands
from sinergi_ops.cli import app
from sinergi_ops.places import PACK
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.examples import ALERT, ALERT_L1
from sinergi_shared.contracts.ids import thread_id
from sinergi_shared.region.labels import Wording, read_labels
from sinergi_shared.region.tables import read_tables
from sinergi_shared.runtime import kafka as clients

CODE = ALERT["recipientcode"]
TOPIC = topics.alerts(CODE)


def alert(revision, thread=None, **data):
    made = copy.deepcopy(ALERT)
    thread = thread or thread_id("urn", secrets.token_hex(8))
    made |= {"partitionkey": thread, "correlationid": thread}
    made["data"] |= {"alertRevision": revision} | data
    return made


async def publish(kafka, *values, topic=TOPIC):
    producer = clients.producer([kafka])
    await producer.start()
    for value in values:
        await producer.send_and_wait(topic, json.dumps(value).encode() if isinstance(value, dict) else value)
    await producer.stop()


@pytest.fixture(scope="module", autouse=True)
async def made_topics(kafka):
    await topic_commands.apply([kafka], [], [CODE], lanes=4)


class Tail:
    """A running ``sinergi tail``; ``told`` is what it says beside the alerts."""

    def __init__(self, process):
        self.process = process

    async def until(self, needle):
        line = b""
        while needle.encode() not in line:
            line = await asyncio.wait_for(self.process.stderr.readline(), 20)
            assert line, f"ended before it said {needle}"

    async def lines(self, count):
        return [
            (await asyncio.wait_for(self.process.stdout.readline(), 20)).decode().rstrip()
            for _ in range(count)
        ]

    async def end(self):
        out, err = await asyncio.wait_for(self.process.communicate(), 20)
        return self.process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def tailing(kafka, *options):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sinergi_ops", "tail", CODE, "--kafka", kafka, *options),
        env=os.environ | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Tail(process)
    try:
        await running.until("reading")
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_alerts_come_as_published_and_one_that_was_overtaken_is_marked(kafka):
    thread = thread_id("urn", secrets.token_hex(8))
    sent = [alert(1, thread), alert(3, thread), alert(2, thread), alert(1)]
    async with tailing(kafka, "--json", "--count", "4") as running:
        await publish(kafka, sent[0], b"\xff{", b"{}", *sent[1:])
        status, out, err = await running.end()
    told = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [one["alert"] for one in told] == sent
    assert [one["superseded"] for one in told] == [False, False, True, False]
    assert err.count("not an alert we know") == 2


async def test_from_the_start_what_was_there_before_is_read_and_in_order(kafka):
    sent = [alert(1), alert(1), alert(1)]
    await publish(kafka, *sent)
    async with tailing(kafka, "--from-start", "--json") as running:
        found = []
        while len(found) < 3:
            [line] = await running.lines(1)
            if (one := json.loads(line)["alert"]) in sent:
                found.append(one)
    assert found == sent


async def test_what_was_not_committed_is_not_shown(kafka):
    producer = clients.producer([kafka], transactional_id=f"t-{secrets.token_hex(4)}")
    async with tailing(kafka, "--json", "--count", "1") as running:
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(TOPIC, json.dumps(alert(1)).encode())
        await producer.abort_transaction()
        await producer.stop()
        kept = alert(1)
        await publish(kafka, kept)
        _, out, _ = await running.end()
    assert json.loads(out)["alert"] == kept


async def test_a_card_says_what_to_do_in_both_languages(kafka):
    made = alert(2)
    async with tailing(kafka, "--count", "2") as running:
        await publish(kafka, made, alert(1, made["partitionkey"]))
        _, out, _ = await running.end()
    data = made["data"]
    for needle in (data["headline"], data["action"]["id"], data["action"]["en"], data["alertNumber"], "L3"):
        assert out.count(needle) == 2
    assert out.index("USANG") > out.index("r2")
    assert "SUPERSEDED" in out


async def test_exercises_are_read_apart_from_real_alerts(kafka):
    async with tailing(kafka, "--drills", "--count", "1") as running:
        await publish(kafka, alert(1))
        await publish(kafka, alert(1, status="Exercise"), topic=topics.drills(CODE))
        status, out, _ = await running.end()
    assert (status, out.count("EXERCISE - not a real event")) == (0, 1)


@pytest.mark.parametrize("options", [[], ["--json"]])
async def test_ctrl_c_ends_it_cleanly(kafka, options):
    async with tailing(kafka, *options) as running:
        running.process.send_signal(signal.SIGINT)
        status, out, err = await running.end()
    assert (status, out) == (0, "")
    assert err.strip() == "berhenti / stopped"


async def test_a_topic_that_is_not_there_is_named_with_the_command_that_makes_it(kafka):
    reader = tail.Reader(read_labels(PACK, read_tables(PACK)), as_json=True)
    with pytest.raises(tail.CannotTailError, match=r"alerts\.v1\.NIX.*sinergi topics apply"):
        await tail._tail([kafka], "sinergi.alerts.v1.NIX", reader, None, from_start=False)


def test_a_code_that_is_not_in_the_pack_is_answered_with_the_nearest():
    told = CliRunner().invoke(app, ["tail", "imi-entt"])
    assert (told.exit_code, "IMI-ENT" in told.output) == (1, True)


def test_an_agency_that_gets_summaries_only_has_nothing_to_watch():
    told = CliRunner().invoke(app, ["tail", "GT-PROV"])
    assert (told.exit_code, "summary only" in told.output) == (1, True)


def test_no_kafka_is_told_in_time(monkeypatch):
    monkeypatch.setattr(tail, "WAIT_S", 0.2)
    told = CliRunner().invoke(app, ["tail", CODE, "--kafka", "127.0.0.1:1"])
    assert (told.exit_code, "no Kafka at 127.0.0.1:1" in told.output) == (1, True)


def test_a_card_of_l1_tells_no_point_and_a_cancel_no_severity():
    labels = read_labels(PACK, read_tables(PACK))
    thin = tail.card(AlertEvent.model_validate(ALERT_L1).data, labels)
    seen = {"kind": "land", "lat": 0.9646, "lon": 110.3179, "accuracyM": 50, "adminCode": "61.03.21"}
    full = tail.card(AlertEvent.model_validate(alert(1, location=seen)).data, labels)
    assert "0.9646, 110.3179" in dict(full)[Wording("Lokasi", "Where")].en
    assert dict(thin)[Wording("Lokasi", "Where")].en == "Entikong district, Sanggau regency (PLBN Entikong)"
    ended = tail.card(AlertEvent.model_validate(alert(2, msgType="Cancel")).data, labels)
    assert [name.en for name, _ in full if name not in [told for told, _ in ended]] == ["Severity"]
