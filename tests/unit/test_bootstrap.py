"""Setting up: what is told when something is missing, and when nothing has to be done."""

import sys

import pytest

from sinergi_ops import bootstrap


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "SETUP", tmp_path)


def java_that_says(folder, text):
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho '{text}' >&2\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('java version "1.8.0_402"', 1),
        ("no version here", 0),
    ],
)
def test_the_version_of_a_java_is_read(tmp_path, said, version):
    assert bootstrap.java_version(java_that_says(tmp_path, said)) == version


def test_a_java_that_is_not_there_has_no_version(tmp_path):
    assert bootstrap.java_version(tmp_path / "java") == 0


def test_without_the_right_to_install_the_one_command_is_told(monkeypatch):
    monkeypatch.setattr(bootstrap, "_may_install", lambda: None)
    monkeypatch.setattr(bootstrap, "_has_package", lambda name: name == "openjdk-21-jre-headless")
    with pytest.raises(bootstrap.SetupError, match=r"sudo apt-get install -y openjdk-21-jre-headless maven$"):
        bootstrap._install(["java", "maven"])


def test_a_failed_step_ends_with_its_last_lines_and_the_log():
    script = "print('\\x1b[31mno such version\\x1b[0m'); raise SystemExit(3)"
    with pytest.raises(bootstrap.SetupError, match=r"(?s)failed \(3\); .*step\.log:\n    no such version$"):
        bootstrap._run("step", [sys.executable, "-c", script])


def test_offline_is_tried_after_online_and_enough():
    script = "import sys; raise SystemExit('--offline' not in sys.argv)"
    bootstrap._run_online_or_offline("step", [sys.executable, "-c", script], "--offline")


def test_when_offline_fails_too_the_first_failure_is_told():
    script = "import sys; print('offline' if '--offline' in sys.argv else 'refused'); raise SystemExit(1)"
    with pytest.raises(bootstrap.SetupError, match="refused"):
        bootstrap._run_online_or_offline("step", [sys.executable, "-c", script], "--offline")


def test_a_changed_pin_is_noticed(tmp_path):
    pins = tmp_path / "pom.xml"
    pins.write_text("one", encoding="utf-8")
    bootstrap._stamp("kafka", bootstrap._digest(pins))
    assert bootstrap._stamped("kafka", bootstrap._digest(pins))
    pins.write_text("two", encoding="utf-8")
    assert not bootstrap._stamped("kafka", bootstrap._digest(pins))
