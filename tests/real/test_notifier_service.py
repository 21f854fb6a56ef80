"""The notifier on a real Kafka, a real SMTP sink and a real endpoint; once also killed for real."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic

import httpx
import pytest
import yaml
from aiokafka import TopicPartition

from sinergi_notifier.app import Notifier
from sinergi_notifier.records import read_follow_up
from sinergi_notifier.retry import SCHEDULE, Schedule
from sinergi_notifier.settings import NotifierSettings
from sinergi_ops import topics as ops_topics
from sinergi_shared.contracts.rejected import RejectedEvent
from sinergi_shared.contracts.topics import FOLLOWUP, JOBS, REJECTED, lane_of
from sinergi_shared.runtime import kafka as runtime
from sinergi_shared.runtime.service import application
from tests.kit.jobs import KALBAR, encoded, job, key_of, thread_of
from tests.kit.mail import mail_sink
from tests.kit.webhook import receiver

LANES = 4
SECRET = key_of("agency")
QUICK = Schedule(waits=(timedelta(seconds=0.1),) * 5, longest=timedelta(seconds=2))
WITHIN_S = 40


class Post:
    """Everything outside the notifier: the topics, the mail sink, the endpoint, one directory."""

    def __init__(self, kafka, sink, endpoint, folder):
        self.kafka, self.sink, self.endpoint = kafka, sink, endpoint
        self.directory = folder / "directory.yaml"
        # Codes of this test alone: other tests' jobs are on the same topic.
        self.codes = [f"T{secrets.token_hex(3).upper()}-{letter}" for letter in "ABC"]
        self.number = secrets.token_hex(5).upper()
        self.contacts({})

    def mail(self, name="duty"):
        return f"{name}@{self.codes[0].lower()}.example"

    def contacts(self, recipients):
        document = {"sources": [], "recipients": recipients}
        self.directory.write_text(yaml.safe_dump(document), encoding="utf-8")

    def email_contact(self, name="duty", *, drill=False):
        return {"id": f"mail-{name}", "channel": "email", "address": self.mail(name), "drill": drill}

    def hook_contact(self, path="/hook"):
        return {
            "id": f"hook{path.replace('/', '-')}",
            "channel": "webhook",
            "address": self.endpoint.url(path),
            "secret": SECRET,
        }

    def settings(self, **more):
        given = {
            "kafka": self.kafka,
            "demo": True,
            "lanes": LANES,
            "pack": KALBAR,
            "directory": self.directory,
            "smtp": f"127.0.0.1:{self.sink.port}",
            "port": 0,
        }
        return NotifierSettings(**given | more)

    async def publish(self, *jobs, raw=None, lane=0):
        producer = runtime.producer([self.kafka])
        await producer.start()
        try:
            for event in jobs:
                thread = event.data.threadId
                await producer.send_and_wait(
                    JOBS, encoded(event), key=thread.encode(), partition=lane_of(thread, LANES)
                )
            if raw is not None:
                return await producer.send_and_wait(JOBS, raw, partition=lane)
        finally:
            await producer.stop()
        return None

    def job(self, *recipients, number=None, **more):
        event = {"now": datetime.now(UTC), "ackDueAt": None} | more
        return job(*recipients, number=number or self.number, **event)

    async def states(self, number=None):
        """Return every state of a thread, oldest first, as (channel, state, attempt, possible repeat)."""
        thread = thread_of(number or self.number)
        records = [read_follow_up(one.value) for one in await self.read(FOLLOWUP, lane_of(thread, LANES))]
        return [
            (one.receipt.channel.value, one.receipt.state.value, one.receipt.attempt, one.possibleRepeat)
            for one in records
            if one.threadId == thread
        ]

    async def read(self, topic, partition):
        reader, place, found = runtime.reader([self.kafka]), TopicPartition(topic, partition), []
        await reader.start()
        try:
            reader.assign([place])
            await reader.seek_to_beginning(place)
            end = (await reader.end_offsets([place]))[place]
            while await reader.position(place) < end:
                found += (await reader.getmany(place, timeout_ms=200)).get(place, [])
        finally:
            await reader.stop()
        return found

    async def until(self, *wanted, number=None):
        """Return the states once each wanted (channel, state) is among them."""
        return await eventually(lambda: self._has(wanted, number))

    async def _has(self, wanted, number):
        states = await self.states(number)
        return states if set(wanted) <= {state[:2] for state in states} else None


async def eventually(probe):
    """Return the first true answer of ``probe``; fail after ``WITHIN_S`` seconds."""
    end = monotonic() + WITHIN_S
    while monotonic() < end:
        answer = probe()
        answer = await answer if asyncio.iscoroutine(answer) else answer
        if answer:
            return answer
        await asyncio.sleep(0.05)
    pytest.fail("did not happen in time")


@pytest.fixture
async def post(kafka, tmp_path):
    await ops_topics.apply([kafka], [], [], lanes=LANES)
    async with mail_sink() as sink, receiver(SECRET) as endpoint:
        yield Post(kafka, sink, endpoint, tmp_path)


@asynccontextmanager
async def running(post, schedule=QUICK):
    deaths = []
    service = Notifier(post.settings(), schedule, die=lambda where, error: deaths.append((where, error)))
    await service.connect()
    async with service.lifespan():
        await eventually(lambda: deaths or not service.health.not_ready())
        assert deaths == []
        yield service
    assert deaths == []


async def test_one_job_reaches_three_channels_and_its_states_are_on_the_topic(post):
    agency, silent, _ = post.codes
    post.contacts({agency: [post.email_contact(), post.hook_contact()]})
    async with running(post) as service:
        await post.publish(post.job(agency, silent))
        states = await post.until(("email", "sent"), ("webhook", "delivered"))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(application(service)), base_url="http://notifier"
        ) as http:
            health = [(await http.get(path)).status_code for path in ("/livez", "/readyz")]
            metrics = (await http.get("/metrics")).text
    [mail], [call] = post.sink.to(post.mail()), post.endpoint.at("/hook")
    assert "CANARY" not in mail.as_string() + "".join(part.get_content() for part in mail.iter_parts())
    assert call.verified
    assert b"CANARY-NOTE" in call.body
    assert sorted(states) == [
        ("email", "queued", 0, False),
        ("email", "queued", 1, False),
        ("email", "sent", 1, False),
        ("kafka", "sent", 1, False),
        ("kafka", "sent", 1, False),
        ("webhook", "delivered", 1, False),
        ("webhook", "queued", 0, False),
        ("webhook", "queued", 1, False),
    ]
    assert health == [200, 200]
    assert 'sinergi_deliveries_total{channel="email",state="sent"} 1.0' in metrics
    assert 'sinergi_deliveries_total{channel="webhook",state="delivered"} 1.0' in metrics
    assert 'sinergi_deliveries_total{channel="email",state="permanent"} 0.0' in metrics
    assert 'sinergi_delivery_seconds_count{channel="email",severity="tinggi",since="decided"} 1.0' in metrics
    assert 'sinergi_operator_alert{kind="delivery_failed"} 0.0' in metrics


async def test_an_exercise_reaches_drill_contacts_only_and_counts_apart(post):
    agency, _, _ = post.codes
    post.contacts(
        {agency: [post.email_contact(), post.email_contact("drill", drill=True), post.hook_contact()]}
    )
    async with running(post) as service:
        await post.publish(post.job(agency, status="Exercise"))
        await post.until(("email", "sent"))
        counted = service.registry.get_sample_value
        assert counted("sinergi_drill_deliveries_total", {"channel": "email", "state": "sent"}) == 1
        assert counted("sinergi_deliveries_total", {"channel": "email", "state": "sent"}) == 0
    [mail] = post.sink.to(post.mail("drill"))
    assert mail["Subject"].startswith("LATIHAN / EXERCISE: ")
    assert post.sink.to(post.mail()) == []
    assert post.endpoint.calls == []


async def test_an_unreadable_job_is_refused_without_its_content_and_stops_nobody(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.email_contact()]})
    lane = lane_of(thread_of(post.number), LANES)
    async with running(post):
        bad = await post.publish(raw=b'{"data":{"note":"CANARY-SECRET"}}', lane=lane)
        await post.publish(post.job(agency))
        await post.until(("email", "sent"))
    refused = [RejectedEvent.model_validate_json(one.value) for one in await post.read(REJECTED, lane)]
    [found] = [one.data for one in refused if (one.data.topic, one.data.offset) == (JOBS, bad.offset)]
    assert found.payload is None
    assert "CANARY" not in found.model_dump_json()


async def test_a_busy_endpoint_is_tried_again_under_one_id_until_it_takes_the_alert_once(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.hook_contact()]})
    post.endpoint.scripts["/hook"] = [500, (429, "1"), 200]
    async with running(post):
        await post.publish(post.job(agency))
        states = await post.until(("webhook", "delivered"))
    calls = post.endpoint.at("/hook")
    assert [call.answer for call in calls] == [500, (429, "1"), 200]
    assert all(call.verified for call in calls)
    assert len({call.headers["webhook-id"] for call in calls}) == 1
    assert int(calls[2].headers["webhook-timestamp"]) - int(calls[1].headers["webhook-timestamp"]) >= 1
    assert [state[1:3] for state in states if state[0] == "webhook" and state[1] != "queued"] == [
        ("temporary", 1),
        ("temporary", 2),
        ("delivered", 3),
    ]


async def test_a_refused_delivery_is_permanent_and_operators_are_told_until_the_next_success(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.hook_contact()]})
    post.endpoint.scripts["/hook"] = [404]
    async with running(post) as service:
        kind = {"kind": "delivery_failed"}
        alarm = partial(service.registry.get_sample_value, "sinergi_operator_alert", kind)
        await post.publish(post.job(agency))
        await post.until(("webhook", "permanent"))
        await eventually(lambda: alarm() == 1)
        await post.publish(post.job(agency, number=post.number[::-1]))
        await post.until(("webhook", "delivered"), number=post.number[::-1])
        await eventually(lambda: alarm() == 0)
    assert len(post.endpoint.at("/hook")) == 2


async def test_a_hanging_endpoint_delays_neither_other_agencies_nor_its_own_mail(post):
    slow, fast, _ = post.codes
    post.contacts(
        {slow: [post.hook_contact("/slow"), post.email_contact()], fast: [post.hook_contact("/fast")]}
    )
    post.endpoint.always["/slow"] = "hang"
    numbers = [f"{post.number[:8]}{part:02d}" for part in range(12)]
    async with running(post):
        start = monotonic()
        await post.publish(*(post.job(slow, fast, number=number) for number in numbers))
        await eventually(
            lambda: len(post.endpoint.at("/fast")) == 12 and len(post.sink.to(post.mail())) == 12
        )
        assert monotonic() - start < 8  # the time limit of one hanging call is 10 s
        assert len(post.endpoint.at("/slow")) <= 2 * LANES


async def test_a_cancel_stops_what_still_waits_and_is_delivered_itself(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.hook_contact()]})
    post.endpoint.scripts["/hook"] = [503]
    lane = {"lane": str(lane_of(thread_of(post.number), LANES))}
    async with running(post, SCHEDULE) as service:
        pending = partial(service.registry.get_sample_value, "sinergi_deliveries_pending", lane)
        await post.publish(post.job(agency))
        await post.until(("webhook", "temporary"))
        await eventually(lambda: pending() == 1)
        await post.publish(post.job(agency, revision=2, msgType="Cancel"))
        await post.until(("webhook", "cancelled"), ("webhook", "delivered"))
        await eventually(lambda: pending() == 0)
    assert [b"Cancel" in call.body for call in post.endpoint.at("/hook")] == [False, True]


async def test_an_expired_alert_is_kept_and_not_sent(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.email_contact()]})
    async with running(post):
        await post.publish(post.job(agency, expires=datetime.now(UTC) - timedelta(seconds=1)))
        await post.until(("email", "expired"), ("kafka", "sent"))
    assert post.sink.kept == []


async def test_what_waited_at_a_stop_goes_out_after_the_start_and_once_only(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.hook_contact(), post.email_contact()]})
    post.endpoint.scripts["/hook"] = [503]
    async with running(post, SCHEDULE):
        await post.publish(post.job(agency))
        await post.until(("webhook", "temporary"), ("email", "sent"))
    async with running(post, SCHEDULE):
        states = await post.until(("webhook", "delivered"))
    [_, second] = post.endpoint.at("/hook")
    assert b"CANARY-NOTE" in second.body
    assert "sinergi-possible-repeat" not in second.headers
    assert states[-1] == ("webhook", "delivered", 2, False)
    assert len(post.sink.to(post.mail())) == 1


async def test_a_kill_in_the_middle_of_a_call_repeats_it_marked_under_the_same_id(post):
    agency, _, _ = post.codes
    post.contacts({agency: [post.hook_contact(), post.email_contact()]})
    post.endpoint.scripts["/hook"] = ["hang"]
    async with supervised(post) as processes:
        await post.publish(post.job(agency))
        await post.until(("email", "sent"))
        await eventually(lambda: post.endpoint.at("/hook"))
        processes[-1].kill()
        states = await post.until(("webhook", "delivered"))
        processes[-1].terminate()
        ended = await asyncio.to_thread(processes[-1].wait, 20)
        assert ended in {0, -signal.SIGTERM, 128 + signal.SIGTERM}
    first, *repeats = post.endpoint.at("/hook")
    assert repeats
    assert {call.headers["webhook-id"] for call in repeats} == {first.headers["webhook-id"]}
    assert "sinergi-possible-repeat" not in first.headers
    assert {call.headers["sinergi-possible-repeat"] for call in repeats} == {"true"}
    assert states[-1][:2] == ("webhook", "delivered")
    assert states[-1][3]
    assert len(post.sink.to(post.mail())) == 1


@asynccontextmanager
async def supervised(post):
    """Run the notifier as a process that is started again whenever it fails, as the supervisor does."""
    processes = [start(post)]

    async def keep():
        while True:
            if processes[-1].poll() not in {None, 0, -signal.SIGTERM}:
                processes.append(start(post))
            await asyncio.sleep(0.1)

    keeping = asyncio.create_task(keep())
    try:
        yield processes
    finally:
        keeping.cancel()
        for process in processes:
            process.kill()
            process.wait()


def start(post):
    settings = post.settings()
    env = {
        **os.environ,
        "SINERGI_KAFKA": settings.kafka,
        "SINERGI_DEMO": "true",
        "SINERGI_LANES": str(LANES),
        "SINERGI_PACK": str(settings.pack),
        "SINERGI_DIRECTORY": str(settings.directory),
        "SINERGI_SMTP": settings.smtp,
        "SINERGI_PORT": "0",
    }
    return subprocess.Popen([sys.executable, "-m", "sinergi_notifier"], env=env)
