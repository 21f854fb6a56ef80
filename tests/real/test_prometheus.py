"""A real Prometheus watches the running services: every panel and every rule finds its data."""

import asyncio
import json
import math
import os
import re
import signal
import subprocess
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import promql_parser
import pytest
import yaml

from sinergi_ops import dashboards
from sinergi_ops.places import ROOT
from sinergi_ops.ports import HOST, Ports
from sinergi_ops.sending.fresh import freshened
from sinergi_ops.stack import Plan, Running, stack
from tests.kit import prometheus
from tests.kit.prometheus import PROMTOOL, NotHereError, Prometheus, child, settings

SAMPLES = sorted((ROOT / "deploy" / "samples").glob("0*.json"))
KEYS = yaml.safe_load((ROOT / "deploy" / "demo" / "keys.yaml").read_text(encoding="utf-8"))
RULES = sorted((prometheus.DEPLOYED / "rules").glob("*.yml"))
BOARD = json.loads((dashboards.FOLDER / dashboards.NAME).read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]

AT_ZERO = {
    "Menunggu dikirim / Waiting",
    "Menunggu menurut jalur / Waiting by lane",
    "Tunggu terlama / Longest wait",
    "Perlu operator / Operators needed",
    "Perlu operator menurut jenis / Operators needed, by kind",
    "Aturan menyala / Rules firing",
    "Sumber senyap / Silent sources",
    "Tertahan / Held up",
    "Tanpa hasil / Without an outcome",
    "Permintaan / Requests",
}
"""Panels that must find series, all at zero: nothing waits and nothing is wrong."""


@pytest.fixture(scope="module")
def programs(request):
    """Bring Prometheus; a machine that cannot have it skips, CI fails."""

    def told(line):
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n[test] {line}", flush=True)  # noqa: T201 - a download is announced

    try:
        prometheus.fetch(told)
    except NotHereError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@dataclass(frozen=True)
class Watched:
    """Services that have done some work, and the Prometheus that saw it."""

    running: Running
    prometheus: Prometheus
    series_at_rest: float


@pytest.fixture(scope="module")
async def watched(programs, tmp_path_factory):  # noqa: ARG001 - there before it starts
    folder = tmp_path_factory.mktemp("watched")
    async with (
        stack(Plan(folder / "run", Ports.free())) as running,
        watching(running, folder / "prometheus") as asked,
    ):
        await asked.until("min(count_over_time(sinergi_ready[1m])) >= 2 and count(up == 1) == 3")
        (at_rest,) = await asked.values(SERIES)
        told = list(freshened(map(read, SAMPLES), datetime.now(UTC)))
        await send(running, [*told, told[0], heartbeat(told[0])])
        await knock(running)
        await asked.until('sum(sinergi_router_events_total{outcome="routed"}) == 8')
        await asked.until(ALL_SENT, within_s=40)
        await asked.until("min(count_over_time(up[1m])) >= 5")
        yield Watched(running, asked, at_rest)


SERIES = 'count({__name__=~"sinergi_.+"})'
ALL_SENT = (
    "sum(sinergi_deliveries_pending) == 0"
    ' and sum(sinergi_deliveries_total{channel!="kafka",state=~"sent|delivered"})'
    ' == sum(sinergi_deliveries_total{state="queued"}) > 0'
)


@asynccontextmanager
async def watching(running, home):
    ports = running.plan.ports
    targets = {name: f"{HOST}:{getattr(ports, name)}" for name in ("ingest", "router", "notifier")}
    port = Ports.free().ingest
    await running.supervisor.start(child(home, port, settings(targets, scrape_every="1s")))
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=10) as http:
        yield Prometheus(http)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


async def send(running, documents):
    async with httpx.AsyncClient(base_url=running.ingest, timeout=10) as http:
        for document in documents:
            answer = await http.post(
                "/v1/events",
                content=json.dumps(document),
                headers={
                    "authorization": f"Bearer {KEYS[document['source']]}",
                    "content-type": "application/cloudevents+json",
                },
            )
            assert answer.status_code == 202, answer.text


def heartbeat(document):
    """Return a sign of life of the source of an event."""
    return {
        "specversion": "1.0",
        "id": "019cd550-3750-7e84-a16f-91c183b03aab",
        "source": document["source"],
        "type": "id.sinergi.source.heartbeat.v1",
        "time": document["time"],
        "data": {"intervalS": 300, "at": document["time"]},
    }


async def knock(running):
    """Do what strangers do: unknown pages, no key, no JSON, words that nobody knows."""
    key = {"authorization": f"Bearer {next(iter(KEYS.values()))}"}
    async with httpx.AsyncClient(base_url=running.ingest, timeout=10) as http:
        for number in range(50):
            assert (await http.get(f"/page-{number}")).status_code == 404
            assert (await http.post("/v1/events", content=b"{}")).status_code == 401
            stranger = {"id": f"x{number}", "source": f"urn:who:{number}", "type": f"t{number}", "data": {}}
            answer = await http.post(
                "/v1/events",
                content=json.dumps(stranger) if number else b"no json",
                headers=key | {"content-type": "application/cloudevents+json", "x-word": f"w{number}"},
            )
            assert 400 <= answer.status_code < 500


@pytest.mark.usefixtures("programs")
async def test_promtool_finds_nothing_wrong_with_settings_and_rules(tmp_path):
    shipped = tmp_path / "prometheus.yml"
    told = settings({name: f"{name}:1" for name in ("ingest", "router", "notifier")}, scrape_every="5s")
    shipped.write_text(yaml.safe_dump(told), encoding="utf-8")
    assert RULES
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES))
    assert "SUCCESS" in promtool("check", "config", "--lint=all", "--lint-fatal", str(shipped))
    deployed = str(prometheus.DEPLOYED / "prometheus.yml")
    assert "SUCCESS" in promtool("check", "config", "--syntax-only", deployed)


@pytest.mark.usefixtures("programs")
async def test_each_rule_fires_when_it_should_and_not_when_it_should_not():
    cases = sorted((prometheus.DEPLOYED / "tests").glob("*.yml"))
    assert promtool("test", "rules", *map(str, cases)).count("SUCCESS") == len(cases) > 0


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
async def test_a_panel_finds_its_data(watched, panel):
    shown = []
    for target in panel["targets"]:
        expr = re.sub(r"\$__(rate_interval|range)", "5m", target["expr"])
        values = await watched.prometheus.values(expr)
        assert values, expr
        shown += [value for value in values if not math.isnan(value)]
    assert shown
    assert (max(shown) > 0) is (panel["title"] not in AT_ZERO), shown


async def test_every_rule_is_evaluated_without_an_error(watched):
    async def rules():
        groups = (await watched.prometheus.ask("rules"))["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async with asyncio.timeout(20):
        while any(rule["health"] == "unknown" for rule in await rules()):  # noqa: ASYNC110 - another process evaluates
            await asyncio.sleep(0.1)
    written = [rule for path in RULES for group in read_yaml(path)["groups"] for rule in group["rules"]]
    assert [rule["health"] for rule in await rules()] == ["ok"] * len(written)


async def test_everything_that_a_rule_looks_at_is_there(watched):
    selectors = {
        selector
        for path in RULES
        for group in read_yaml(path)["groups"]
        for rule in group["rules"]
        for selector in selectors_of(promql_parser.parse(rule["expr"]))
    }
    assert len(selectors) > 10
    for selector in selectors:
        assert await watched.prometheus.values(selector), selector


async def test_no_rule_fires_while_all_is_well(watched):
    assert await watched.prometheus.values('ALERTS{alertstate="firing"}') == []


async def test_nothing_that_comes_from_outside_makes_a_series(watched):
    assert await watched.prometheus.values(SERIES) == [watched.series_at_rest]


async def test_a_router_that_is_held_up_shows_in_its_own_stage_only(watched):
    """F40: the histogram of the stage that is slow tells it, those of the others do not."""
    (document,) = freshened([read(SAMPLES[0])], datetime.now(UTC))
    document = document | {"id": "019cd550-3750-7e84-a16f-91c183b03aaa"}
    document["data"] = document["data"] | {"eventNumber": "PRS-20260310-0991"}
    document["subject"] = document["partitionkey"] = "PRS-20260310-0991"
    router = watched.running.supervisor.kept["router"].process
    os.kill(router.pid, signal.SIGSTOP)
    try:
        held = time.monotonic()
        await send(watched.running, [document])
        while time.monotonic() < held + 3.5:  # noqa: ASYNC110 - being late is what is tested
            await asyncio.sleep(0.1)
    finally:
        os.kill(router.pid, signal.SIGCONT)
    asked = watched.prometheus
    await asked.until(f"{slow('sinergi_router_receive_to_decide_seconds')} > 0")
    await asked.until(f"{slow('sinergi_delivery_seconds', since='received')} > 0")
    assert await asked.values(slow("sinergi_ingest_store_seconds")) == [0]
    assert await asked.values(slow("sinergi_delivery_seconds", since="decided")) == [0]


def slow(histogram, **labels):
    """Return PromQL for how many took longer than 2.5 s."""
    told = ",".join(f'{name}="{value}"' for name, value in labels.items())
    within = f'{told}{"," if told else ""}le="2.5"'
    return f"sum({histogram}_count{{{told}}}) - sum({histogram}_bucket{{{within}}})"


def selectors_of(expr):
    """Return every series selector in an expression, without its range."""
    found = set()

    def note(node):
        if isinstance(node, promql_parser.VectorSelector):
            found.add(node.prettify())

    promql_parser.walk(expr, note)
    return found


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))
