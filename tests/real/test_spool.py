"""A post's spool: killed at any moment it loses nothing that it said to be kept, and critical goes first.

The file is run by itself with a bare interpreter, as on a post's machine; the other side is a real
HTTP server that answers as ingest does.
"""

import asyncio
import collections
import contextlib
import copy
import json
import os
import random
import shutil
import stat
import sys
import time
import uuid

import pytest
import uvicorn

from sinergi_ops.sending import spool as spool_room
from sinergi_shared.contracts.event import EXAMPLE
from tests.kit.processes import eventually

REFUSED = {"reason": "SCHEMA_INVALID", "rule": "FIELD", "pointers": ["/data/severity"]}
REFUSED |= {"title": "Isi", "titleEn": "Event", "detail": "Perbaiki", "detailEn": "Mend"}


def event(number, severity="sedang", revision=1, **more):
    raw = uuid.uuid4().hex
    made = copy.deepcopy(EXAMPLE) | {"subject": number, "partitionkey": number}
    made["id"] = f"{raw[:8]}-{raw[8:12]}-7{raw[13:16]}-8{raw[17:20]}-{raw[20:]}"
    made["data"] |= {"eventNumber": number, "severity": severity, "revision": revision} | more
    return made


class Edge:
    """What ingest is to a sender: ``answer`` gives status, headers and JSON for an event."""

    def __init__(self):
        self.taken = []
        self.asked = []
        self.answer = lambda told: (202, [], {"id": told["id"]})

    async def __call__(self, _scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        told = json.loads(body)
        self.asked.append(time.monotonic())
        status, headers, answer = self.answer(told)
        if status == 202:
            self.taken.append(told)  # stored before it is acknowledged
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.fixture
async def edge():
    made = Edge()
    server = uvicorn.Server(uvicorn.Config(made, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    server.install_signal_handlers = lambda: None
    task = asyncio.create_task(server._serve())
    await eventually(lambda: server.started)
    made.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield made
    server.should_exit = True
    await task


@pytest.fixture
def post(tmp_path, edge):
    """A post's machine: the one file, copied, and an interpreter without any package."""
    script = shutil.copy(spool_room.__file__, tmp_path / "spool.py")
    settings = {"SINERGI_KEY": "sng_x", "SINERGI_INGEST_URL": edge.url, "PATH": os.environ["PATH"]}

    async def start(*arguments):
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", script, "--spool", str(tmp_path / "spool.db"), *arguments),
            env=settings,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    return start


async def run(post, *arguments, stdin=b""):
    out, err = await asyncio.wait_for((process := await post(*arguments)).communicate(stdin), 60)
    return process.returncode, out.decode(), err.decode()


def lines(events):
    return "\n".join(map(json.dumps, events)).encode()


async def test_killed_at_any_moment_it_loses_nothing_that_it_said_to_be_kept(post, edge):
    draw = random.Random(20260310)  # noqa: S311 - the same moments each time
    edge.answer = lambda told: (503, [], {}) if draw.random() < 0.02 else (202, [], {"id": told["id"]})
    kept = set()
    for round_ in range(12):
        made = [
            event(f"PRS-20260310-K{round_:02}{n:03}", draw.choice(["rendah", "kritis"])) for n in range(40)
        ]
        putting = await post("put", "-")
        putting.stdin.write(lines(made))
        putting.stdin.close()
        for _ in range(draw.randrange(40)):
            kept.add((await putting.stdout.readline()).decode().split()[-1])
        putting.kill()
        rest = await putting.stdout.read()  # said before the kill, so it counts
        kept |= {line.split()[-1] for line in rest.decode().splitlines() if line.count("-") >= 6}
        await putting.wait()
        before = len(edge.taken)
        sending, some = await post("send", "--wait", "20"), draw.randrange(1, 15)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while len(edge.taken) < before + some and sending.returncode is None:
                    await asyncio.sleep(0)
                    await asyncio.sleep(0.001)
        with contextlib.suppress(ProcessLookupError):
            sending.kill()
        await sending.communicate()
    status, _, told = await run(post, "send", "--wait", "30")
    assert status == 0, told
    arrived = collections.Counter(json.dumps(one, sort_keys=True) for one in edge.taken)
    ids = {json.loads(one)["id"] for one in arrived}
    assert kept <= ids
    assert len(ids) == len(arrived)  # a repeat is the same, byte for byte, so it is merged
    assert sum(arrived.values()) - len(arrived) <= 12  # at most the one in hand at each kill


async def test_after_nine_hours_the_critical_go_first_and_no_revision_overtakes_another(post, edge):
    made = [event(f"PRS-20260310-{n:06}", "rendah") for n in range(100)]
    made += [event(f"PRS-20260310-{n:06}", "kritis") for n in range(100, 120)]
    made += [event("PRS-20260310-000007", "kritis", revision=2)]  # what was low became critical
    random.Random(7).shuffle(made)  # noqa: S311 - the same order each time
    made.sort(key=lambda one: one["data"]["revision"])
    assert (await run(post, "put", "-", stdin=lines(made)))[0] == 0
    start = time.monotonic()
    assert (await run(post, "send"))[0] == 0
    assert time.monotonic() - start < 60
    sent = [
        (one["data"]["eventNumber"], one["data"]["revision"], one["data"]["severity"]) for one in edge.taken
    ]
    assert len(sent) == 121
    first = sent[:22]
    assert sum(severity == "kritis" for _, _, severity in first) == 21
    both = [revision for number, revision, _ in sent if number == "PRS-20260310-000007"]
    assert both == [1, 2]


async def test_what_is_refused_is_kept_aside_with_what_to_do_and_holds_up_nobody(post, edge):
    edge.answer = lambda told: (
        (422, [], REFUSED) if told["data"]["severity"] == "besar" else (202, [], {"id": told["id"]})
    )
    made = [event("PRS-20260310-0001", "besar"), event("PRS-20260310-0002")]
    await run(post, "put", "-", stdin=lines(made))
    status, _, told = await run(post, "send")
    assert (status, [one["id"] for one in edge.taken]) == (1, [made[1]["id"]])
    assert "SCHEMA_INVALID FIELD /data/severity" in told
    assert "Perbaiki" in told
    listed = [json.loads(line) for line in (await run(post, "list", "--json"))[1].splitlines()]
    assert [(one["state"], one["id"]) for one in listed] == [
        ("refused", made[0]["id"]),
        ("sent", made[1]["id"]),
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((401, [], {"reason": "UNAUTHENTICATED"}), "key was not accepted"),
        ((403, [], {"reason": "NOT_ALLOWED", "titleEn": "This key may not be used for send"}), "scope send"),
        ((404, [], {}), "not ingest's"),
        ((302, [(b"location", b"/login")], {}), "not ingest's"),
        ((200, [], {"ok": True}), "not ingest's"),
        ((202, [], {}), "not ingest's"),
    ],
)
async def test_a_wrong_key_or_address_keeps_everything_and_says_what_to_mend(post, edge, answer, told):
    made, good = event("PRS-20260310-0001"), edge.answer
    await run(post, "put", "-", stdin=lines([made]))
    edge.answer = lambda _told: answer
    status, _, said = await run(post, "send")
    assert (status, told in said) == (2, True)
    edge.answer, edge.taken = good, []
    assert (await run(post, "send"))[0] == 0
    assert [one["id"] for one in edge.taken] == [made["id"]]


@pytest.mark.parametrize("pointer", ["/source", "/data/status"])
async def test_what_another_key_may_send_is_kept_and_holds_up_nobody_else(post, edge, pointer):
    first, later = (event("PRS-20260310-0001", "kritis", revision) for revision in (1, 2))
    other, good = event("PRS-20260310-0002"), edge.answer
    await run(post, "put", "-", stdin=lines([first, later, other]))
    edge.answer = lambda told: (
        (403, [], {"reason": "NOT_ALLOWED", "pointers": [pointer]})
        if told["id"] == first["id"]
        else good(told)
    )
    status, _, said = await run(post, "send")
    assert (status, [one["id"] for one in edge.taken]) == (2, [other["id"]])
    assert "may not send 2 events" in said
    edge.answer = good
    assert (await run(post, "send"))[0] == 0
    assert [one["id"] for one in edge.taken] == [other["id"], first["id"], later["id"]]


async def test_what_the_source_may_not_say_is_refused_as_such(post, edge):
    outside = {**REFUSED, "reason": "NOT_ALLOWED", "pointers": ["/data/location/adminCode"]}
    edge.answer = lambda _told: (403, [], outside)
    await run(post, "put", "-", stdin=lines([event("PRS-20260310-0001")]))
    status, _, said = await run(post, "send")
    assert (status, "NOT_ALLOWED FIELD /data/location/adminCode" in said) == (1, True)


async def test_who_asks_for_time_gets_it_and_who_is_away_finds_everything_kept(post, edge):
    answers = iter([(503, [(b"retry-after", b"2")], {}), (429, [], {"reason": "RATE_LIMITED"})])
    good = edge.answer
    edge.answer = lambda told: next(answers, None) or good(told)
    await run(post, "put", "-", stdin=lines([event("PRS-20260310-0001")]))
    assert (await run(post, "send"))[0] == 0
    assert edge.asked[1] - edge.asked[0] >= 2
    await run(post, "put", "-", stdin=lines([event("PRS-20260310-0002")]))
    status, _, said = await run(post, "send", "--url", "http://127.0.0.1:9", "--wait", "0.2")
    assert (status, "waiting: 1" in said) == (3, True)


def test_every_commit_is_on_the_disk_before_it_is_acknowledged(tmp_path):
    made = spool_room.Spool(tmp_path / "spool.db")
    assert made._file.execute("PRAGMA synchronous").fetchone() == (3,)  # EXTRA: file, journal and folder
    assert made._file.isolation_level is None  # each statement is a commit
    made.close()


async def test_kept_twice_is_sent_once_and_nobody_else_may_read_it(post, edge, tmp_path):
    body = lines([event("PRS-20260310-0001")])
    for _ in range(2):
        assert (await run(post, "put", "-", stdin=body))[0] == 0
    assert (await run(post, "send"))[0] == 0
    assert len(edge.taken) == 1
    assert stat.S_IMODE(os.stat(tmp_path / "spool.db").st_mode)  # noqa: PTH116 - a moment == 0o600


def test_pauses_grow_to_a_minute_with_jitter_and_never_fall_short_of_what_was_asked():
    pauses = [[spool_room._pause(attempt, 0.0) for _ in range(50)] for attempt in range(1, 2_000, 50)]
    assert all(0.5 <= one <= 60 for some in pauses for one in some)
    assert len(set(pauses[-1])) > 1
    assert spool_room._pause(1, 120.0) == 120


async def test_the_command_keeps_what_nobody_takes_and_sends_it_when_somebody_does(edge, tmp_path):
    made = event("PRS-20260310-0001")

    async def send(url):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sinergi_ops", "send", "--spool", str(tmp_path / "s.db"), "--url", url),
            *("--wait", "0.3", "-"),
            env=os.environ | {"SINERGI_KEY": "sng_x"},
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await asyncio.wait_for(process.communicate(lines([made])), 60)
        return process.returncode, err.decode()

    status, err = await send("http://127.0.0.1:9")
    assert (status, "waiting: 1" in err) == (3, True)
    assert (await send(edge.url))[0] == 0
    assert [one["id"] for one in edge.taken] == [made["id"]]
