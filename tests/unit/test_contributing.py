"""A walk-through that names a file or a command which is not there leads nobody anywhere."""

import re

import pytest
from typer.main import get_command

from sinergi_ops.cli import app
from sinergi_ops.places import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MADE_UP = ("sms", "kaltara", "<rule>")
NAMED = sorted(
    {
        name.rstrip("/")
        for name in re.findall(r"`([^`\s]+)`", TEXT)
        if ("/" in name or name.endswith((".py", ".toml", ".csv", ".yaml")))
        and not any(part in name for part in MADE_UP)
    }
)
COMMANDS = sorted(set(re.findall(r"\.venv/bin/sinergi ([a-z]+(?: [a-z]+)?)\b", TEXT)))
MADE = sorted(set(re.findall(r"make ([a-z]+(?: [a-z]+)*)`", TEXT)))


@pytest.mark.parametrize("name", NAMED)
def test_a_file_that_is_named_is_there(name):
    found = (ROOT / name).exists() or any(
        path
        for folder in ("shared", "services", "deploy", "tests")
        for path in (ROOT / folder).rglob(name.rsplit("/", 1)[-1])
        if str(path).endswith(f"/{name}")
    )
    assert found, name


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_that_is_named_is_there(words):
    first, *rest = words.split()
    command = get_command(app).commands[first]
    if rest and hasattr(command, "commands"):
        assert rest[0] in command.commands


def test_a_word_that_a_step_relies_on_is_still_in_its_file():
    places = {
        "services/router/sinergi_router/policy/mandates.py": "CONDITIONS",
        "deploy/sinergi_ops/pack/checks/parameters.py": "_REQUIRED",
        "services/router/sinergi_router/policy/neighbour.py": "rule.match",
        "services/router/sinergi_router/decide.py": "def competent",
        "shared/sinergi_shared/contracts/alert.py": "RoutingRule",
        "shared/sinergi_shared/directory.py": "channel: Literal[",
        "services/notifier/sinergi_notifier/handlers.py": "def _send",
        "services/notifier/sinergi_notifier/lane.py": "def line_up",
        "services/notifier/sinergi_notifier/metrics.py": "CHANNELS",
        "services/notifier/sinergi_notifier/channels/result.py": "TIME_LIMIT_S",
        "tests/real/test_notifier_channels.py": "class ByMail",
        "shared/sinergi_shared/region/bus.py": "def recipients_on_bus",
    }
    for name, word in places.items():
        assert word in (ROOT / name).read_text(encoding="utf-8"), name


def test_what_make_is_said_to_do_it_does():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert MADE
    for words in MADE:
        assert set(words.split()) <= targets
