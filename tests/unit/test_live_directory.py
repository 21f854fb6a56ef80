"""The directory is taken up when its file changes, and a broken file changes nothing but the alarm."""

import os

import pytest
import yaml

from sinergi_ingest.live import LiveDirectory
from sinergi_shared.directory import DirectoryError

URN = "urn:sinergi:sumber:imi-ent:tpi"


def write(path, *keys):
    entries = [{"id": key, "sha256": f"{number:064x}"} for number, key in enumerate(keys)]
    text = yaml.safe_dump({"sources": [{"urn": URN, "keys": entries}], "recipients": {}})
    replace(path, text)


def replace(path, text):
    part = path.with_suffix(".part")
    part.write_text(text)
    part.rename(path)


def names(live):
    return [key.id for key in live.current.sources[0].keys]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "directory.yaml"
    write(path, "one")
    return path


async def test_keys_come_and_go_without_a_restart(file):
    live, changes = LiveDirectory(file, demo=False), []
    for keys in (["one", "two"], ["two"], []):
        write(file, *keys)
        await live.refresh(lambda: changes.append(live.problem))
        assert names(live) == keys
    await live.refresh(lambda: changes.append("again"))
    assert changes == [None, None, None]


@pytest.mark.parametrize(
    "text", ["sources: [", "sources: 1", "{}", "", "\0", "sources: 2026-13-45"], ids=repr
)
async def test_a_broken_file_leaves_the_old_one_in_force_and_is_told(file, text):
    live, changes = LiveDirectory(file, demo=False), []
    replace(file, text)
    await live.refresh(lambda: changes.append(live.problem is not None))
    assert names(live) == ["one"]
    write(file, "two")
    await live.refresh(lambda: changes.append(live.problem is not None))
    assert names(live) == ["two"]
    assert changes == [True, False]


async def test_bytes_that_are_no_text_leave_the_old_one_in_force(file):
    live = LiveDirectory(file, demo=False)
    file.write_bytes(b"\xff\xfe\x00")
    await live.refresh(lambda: None)
    assert (names(live), live.problem is None) == (["one"], False)


async def test_a_file_that_is_gone_leaves_the_old_one_in_force(file):
    live = LiveDirectory(file, demo=False)
    file.unlink()
    await live.refresh(lambda: None)
    assert (names(live), live.problem is None) == (["one"], False)


async def test_a_link_that_is_turned_is_seen(file, tmp_path):
    other, link = tmp_path / "other.yaml", tmp_path / "link.yaml"
    write(other, "other")
    link.symlink_to(file)
    live = LiveDirectory(link, demo=False)
    turned = tmp_path / "turned"
    turned.symlink_to(other)
    os.replace(turned, link)  # noqa: PTH105 - Path.replace follows neither, but the name says it
    await live.refresh(lambda: None)
    assert names(live) == ["other"]


async def test_the_demos_well_known_keys_are_refused_at_the_start_and_later(file):
    live = LiveDirectory(file, demo=False)
    write(file, "demo-imi-ent-tpi")
    await live.refresh(lambda: None)
    assert (names(live), live.problem is None) == (["one"], False)
    with pytest.raises(DirectoryError):
        LiveDirectory(file, demo=False)
    assert names(LiveDirectory(file, demo=True)) == ["demo-imi-ent-tpi"]
