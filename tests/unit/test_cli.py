"""The ``sinergi`` command: help that comes at once and teaches, for every subcommand."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from sinergi_ops.cli import ENTRIES, app


@pytest.mark.parametrize("name", ENTRIES)
def test_every_subcommand_is_there_and_explains_itself(name):
    told = CliRunner().invoke(app, [name, "--help"])
    assert told.exit_code == 0, told.output
    assert "Usage:" in told.output
    assert " / " in told.output  # Indonesian first, English beside it


def test_the_list_of_commands_names_each_with_its_line():
    told = CliRunner().invoke(app, ["--help"]).output
    for name, entry in ENTRIES.items():
        assert name in told
        assert entry.line in told


def test_a_slip_of_the_finger_is_answered_with_the_command_that_was_meant():
    told = CliRunner().invoke(app, ["explian"])
    assert told.exit_code == 2
    assert "explain" in told.output


def test_help_waits_for_no_client_of_kafka_and_no_geometry():
    script = (
        "import sys\nfrom typer.testing import CliRunner\nfrom sinergi_ops.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print([name for name in ('aiokafka', 'shapely', 'pydantic') if name in sys.modules])"
    )
    told = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
