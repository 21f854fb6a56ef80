"""What can be said of the compose file and the Dockerfile without an engine."""

import fnmatch
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from sinergi_ingest.settings import IngestSettings
from sinergi_notifier.settings import NotifierSettings
from sinergi_ops.parts import kafka
from sinergi_ops.places import ROOT
from sinergi_router.settings import RouterSettings
from tests.kit import compose

SERVICES = compose.services()
OURS = {name: service for name, service in SERVICES.items() if service.ours}
SETTINGS = {"ingest": IngestSettings, "router": RouterSettings, "notifier": NotifierSettings}
DOCKERFILE = compose.DOCKERFILE.read_text(encoding="utf-8")
FINAL = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
BIN = Path(sys.executable).parent

each = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
each_of_ours = pytest.mark.parametrize("name", SETTINGS)


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        ["compose-lint", "docker-compose.yml"],
        ["hadolint", "deploy/Dockerfile"],
    ],
    ids=lambda command: command[0],
)
def test_the_linters_have_nothing_against_it(command):
    linter = [BIN / command[0], *command[1:]]
    done = subprocess.run(linter, cwd=ROOT, capture_output=True, check=False)  # noqa: S603 - named above
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def test_everything_that_a_deployment_needs_is_there():
    named = "grafana ingest kafka mailpit notifier prometheus router topics valkey"
    assert " ".join(sorted(SERVICES)) == named


@each
def test_an_image_is_named_by_full_version(service):
    assert re.search(
        r":v?[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$", service.told["image"]
    )


def test_base_images_are_named_by_full_version():
    named = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(named) == 2
    for image in named:
        assert re.search(r":[0-9]+\.[0-9]+\.[0-9]+-slim", image)


@each
def test_a_port_answers_on_this_machine_only(service):
    for port in service.told.get("ports", ()):
        assert port.startswith("127.0.0.1:")


@each
def test_a_container_can_gain_nothing_and_take_only_its_share(service):
    told = service.told
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit", "cpus", "restart"} <= set(told)
    assert told.get("read_only") is True or service.name == "kafka"


@each
def test_a_start_waits_for_what_it_needs(service):
    for needed, how in service.told.get("depends_on", {}).items():
        other = SERVICES[needed]
        if how["condition"] == "service_healthy":
            assert "healthcheck" in other.told or other.ours
        else:
            assert how["condition"] == "service_completed_successfully"
            assert other.told["restart"].startswith("on-failure")
    if service.name in SETTINGS:
        assert {"kafka", "topics"} <= set(service.told["depends_on"])


@each
def test_what_is_mounted_is_in_the_checkout(service):
    for path in compose.mounted_from_checkout(service):
        assert path.exists(), path


@each_of_ours
def test_a_setting_that_is_given_is_one_that_the_service_has(name):
    given = {key for key in OURS[name].environment if key.startswith("SINERGI_")}
    known = {f"SINERGI_{field.upper()}" for field in SETTINGS[name].model_fields}
    assert given
    assert given <= known


@each_of_ours
def test_the_service_starts_with_the_settings_given(name, monkeypatch):
    service = OURS[name]
    for key, value in service.environment.items():
        monkeypatch.setenv(key, service.on_this_machine(value))
    settings = SETTINGS[name]()
    assert settings.kafka == "kafka:9092"
    assert settings.directory.is_file()
    published = service.told["ports"][0].split(":")[-1]
    assert published == str(settings.port)


def test_the_topics_command_is_told_the_same_as_the_services():
    told = OURS["topics"].environment
    for name in SETTINGS:
        given = OURS[name].environment
        assert {key: told[key] for key in told.keys() & given.keys()} == {
            key: given[key] for key in told.keys() & given.keys()
        }
        assert {"SINERGI_KAFKA", "SINERGI_LANES", "SINERGI_DIRECTORY"} <= told.keys() & given.keys()


def test_kafka_is_set_up_as_the_one_that_tests_run_on():
    given = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in SERVICES["kafka"].environment.items()
    }
    wanted = {
        name: value for name, value in kafka.SETTINGS.items() if name != "listener.security.protocol.map"
    }
    assert wanted.items() <= given.items()


def test_the_image_runs_as_nobody_in_particular_and_tells_when_it_is_ready():
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", FINAL, re.MULTILINE)
    assert "/readyz" in FINAL[FINAL.index("HEALTHCHECK") :]


def test_the_final_image_has_no_build_tools():
    assert "pip uninstall" in FINAL
    assert not re.search(r"pip install|uv sync|apt-get install|build-essential", FINAL)


def test_dependencies_are_installed_as_locked():
    syncs = re.findall(r"^RUN (uv sync .*)$", DOCKERFILE, re.MULTILINE)
    assert len(syncs) == 2
    for sync in syncs:
        assert {"--frozen", "--no-dev"} <= set(sync.split())


def test_every_member_of_the_workspace_is_known_before_dependencies_are_installed():
    members = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
    projects = {
        path.parent.relative_to(ROOT) for member in members for path in ROOT.glob(f"{member}/pyproject.toml")
    }
    before = DOCKERFILE[: DOCKERFILE.index("RUN uv sync")]
    for project in projects:
        assert f"COPY {project}/pyproject.toml {project}/" in before


def test_all_that_is_copied_into_an_image_is_sent_to_the_engine():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in lines if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert lines[1] == "*"
    for source in (part for line in copied for part in line.split()):
        assert any(source == kept or source.startswith(f"{kept}/") for kept in sent), source
        assert (ROOT / source).exists(), source


def test_no_secret_and_no_local_state_is_sent_to_the_engine():
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for kept in sent:
        assert not fnmatch.fnmatch("deploy/demo/directory.yaml", f"{kept}*"), kept
        assert not fnmatch.fnmatch(".local", f"{kept}*"), kept


def test_prometheus_looks_for_the_services_where_they_are():
    told = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    scraped = {
        target
        for job in told["scrape_configs"]
        for static in job.get("static_configs", ())
        for target in static["targets"]
    }
    ports = {name: OURS[name].environment["SINERGI_PORT"] for name in SETTINGS}
    assert {f"{name}:{port}" for name, port in ports.items()} <= scraped
    assert all(path.startswith(("/etc/prometheus/rules/", "rules/")) for path in told.get("rule_files", ()))


def test_grafana_finds_prometheus_and_the_dashboards_where_they_are():
    provisioning = ROOT / "deploy/grafana/provisioning"
    sources = [yaml.safe_load(path.read_text()) for path in (provisioning / "datasources").glob("*.y*ml")]
    boards = [yaml.safe_load(path.read_text()) for path in (provisioning / "dashboards").glob("*.y*ml")]
    assert {one["url"] for told in sources for one in told["datasources"]} == {"http://prometheus:9090"}
    mounted = {mount.split(":")[1] for mount in SERVICES["grafana"].told["volumes"]}
    assert {one["options"]["path"] for told in boards for one in told["providers"]} <= mounted
