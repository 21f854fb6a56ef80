"""Every import contract is broken by the import that it forbids: a check that cannot fail is a defect."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sinergi_ops.places import ROOT

FOLDERS = ("shared", "services/ingest", "services/router", "services/notifier", "deploy")
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
NAMES = {contract["id"]: contract["name"] for contract in CONFIG["contracts"]}
PURE = {
    "sinergi_shared.contracts.ids": "shared/sinergi_shared/contracts/ids.py",
    "sinergi_ingest.admit": "services/ingest/sinergi_ingest/admit.py",
    "sinergi_ingest.heartbeat": "services/ingest/sinergi_ingest/heartbeat.py",
    "sinergi_ingest.screen": "services/ingest/sinergi_ingest/screen.py",
    "sinergi_ingest.binary": "services/ingest/sinergi_ingest/binary.py",
    "sinergi_ingest.inflate": "services/ingest/sinergi_ingest/inflate.py",
    "sinergi_ingest.cap.tree": "services/ingest/sinergi_ingest/cap/tree.py",
    "sinergi_shared.cap.write": "shared/sinergi_shared/cap/write.py",
    "sinergi_router.decide": "services/router/sinergi_router/decide.py",
    "sinergi_router.policy.lead": "services/router/sinergi_router/policy/lead.py",
    "sinergi_notifier.compose": "services/notifier/sinergi_notifier/compose.py",
    "sinergi_notifier.retry": "services/notifier/sinergi_notifier/retry.py",
}
IMPURE = ("aiokafka", "faststream", "redis", "prometheus_client", "asyncio", "logging", "os", "time")


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Return a copy of all our code, with the contracts beside it."""
    copy = tmp_path_factory.mktemp("house")
    for folder in FOLDERS:
        for package in (ROOT / folder).glob("sinergi_*"):
            shutil.copytree(
                package, copy / folder / package.name, ignore=shutil.ignore_patterns("__pycache__")
            )
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def lint(house):
    """Return the status, the output on one line, and the ids of the broken contracts."""
    path = os.pathsep.join(str(house / folder) for folder in FOLDERS)
    done = subprocess.run(  # noqa: S603 - our own linter
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.sub(r"\s+", " ", done.stdout)
    return done.returncode, told, {id_ for id_, name in NAMES.items() if f"{name} BROKEN" in told}


@pytest.fixture
def planted(house):
    """Plant imports at the end of files, and take them out again."""
    before = {}

    def plant(file, *modules):
        path = house / file
        before.setdefault(path, path.read_text() if path.exists() else None)
        path.write_text((before[path] or "") + "".join(f"\nimport {module}\n" for module in modules))

    yield plant
    for path, text in before.items():
        if text is None:
            path.unlink()
        else:
            path.write_text(text)


def test_the_house_as_it_stands_keeps_every_contract(house):
    status, told, broken = lint(house)
    assert (status, broken) == (0, set()), told
    assert f"{len(NAMES)} kept, 0 broken" in told


@pytest.mark.parametrize(
    ("contract", "file", "module"),
    [
        ("down", "shared/sinergi_shared/directory.py", "sinergi_ingest.problem"),
        ("down", "services/router/sinergi_router/metrics.py", "sinergi_ops.places"),
        ("down", "services/ingest/sinergi_ingest/app.py", "sinergi_router.metrics"),
        ("down", "services/notifier/sinergi_notifier/app.py", "sinergi_ingest.metrics"),
        ("shared", "shared/sinergi_shared/contracts/topics.py", "sinergi_shared.region.tables"),
        ("shared", "shared/sinergi_shared/region/bus.py", "sinergi_shared.directory"),
        ("notifier-blind", "services/notifier/sinergi_notifier/words.py", "sinergi_shared.contracts.event"),
        ("notifier-blind", "shared/sinergi_shared/contracts/job.py", "sinergi_shared.contracts.event"),
        ("ingest-rooms", "services/ingest/sinergi_ingest/records.py", "sinergi_ingest.handlers"),
        ("ingest-rooms", "services/ingest/sinergi_ingest/patterns.py", "sinergi_ingest.problem"),
        ("router-rooms", "services/router/sinergi_router/policy/lead.py", "sinergi_router.threads"),
        ("router-rooms", "services/router/sinergi_router/threads.py", "sinergi_router.decide"),
        ("notifier-rooms", "services/notifier/sinergi_notifier/deliver.py", "sinergi_notifier.lane"),
        (
            "notifier-rooms",
            "services/notifier/sinergi_notifier/compose.py",
            "sinergi_notifier.channels.email",
        ),
    ],
    ids=lambda value: value if "." not in value else value.rsplit("/", 1)[-1],
)
def test_a_forbidden_import_breaks_its_contract(house, planted, contract, file, module):
    planted(file, module)
    status, told, broken = lint(house)
    assert status == 1
    assert contract in broken, told


def test_no_pure_room_may_touch_broker_store_metric_log_clock_or_environment(house, planted):
    for file in PURE.values():
        planted(file, *IMPURE)
    status, told, broken = lint(house)
    assert (status, broken) == (1, {"pure"})
    missed = [
        (room, module)
        for room in PURE
        for module in IMPURE
        if not re.search(rf"{room} -> {module} \(l\.", told)
    ]
    assert missed == []


def test_a_pure_room_is_not_made_impure_by_way_of_another_module(house, planted):
    planted("shared/sinergi_shared/region/geography.py", "logging")
    status, told, broken = lint(house)
    assert (status, broken) == (1, {"pure"})
    assert "sinergi_shared.region.geography -> logging" in told


def test_every_contract_has_been_seen_to_break():
    marks = test_a_forbidden_import_breaks_its_contract.pytestmark
    planted = {contract for contract, _, _ in marks[0].args[1]}
    assert planted | {"pure"} == set(NAMES)
