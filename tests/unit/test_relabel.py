"""Letters follow the pack in force; what cannot be read leaves the words of before."""

import json
from types import SimpleNamespace

import pytest

from sinergi_notifier.relabel import relabel
from sinergi_ops.pack.activate import lay_down
from sinergi_shared.contracts import examples
from sinergi_shared.contracts.activation import PACK_KEY, Activation
from sinergi_shared.region.activated import read_activated
from sinergi_shared.region.labels import read_labels
from sinergi_shared.region.pack import read_pack
from tests.kit.packs import PackCopy


@pytest.fixture
def renamed(tmp_path):
    """Return a sealed pack in which an office has another name."""
    pack = PackCopy(tmp_path / "pack")
    pack.edit("recipients", "IMI-ENT", nama="Kantor Imigrasi Entikong Baru")
    pack.seal_unchecked(version="2026.12")
    return read_pack(pack.directory)


class Story:
    """What follows activations over a root, and what it has handed on."""

    def __init__(self, root):
        self.used, self.pending = [], []

        def read(activation):
            pack = read_activated(root, activation)
            return read_labels(pack.directory, pack.tables)

        self.relabel = relabel(read, self.used.append, self.pending.append)

    def activated(self, pack):
        value = Activation(activation=1, policyVersion=pack.policy_version, hash=pack.hash).as_control()
        event = examples.CONTROL_PACK
        document = event | {"data": event["data"] | {"value": value}}
        self.relabel.take(SimpleNamespace(key=PACK_KEY, value=json.dumps(document).encode()))


async def test_letters_call_an_office_as_the_activated_pack_does(tmp_path, renamed):
    lay_down(renamed, tmp_path / "packs")
    story = Story(tmp_path / "packs")
    story.activated(renamed)
    for _ in range(2):
        await story.relabel.catch_up()
    [labels] = story.used
    assert labels.offices["IMI-ENT"].name.id == "Kantor Imigrasi Entikong Baru"
    assert story.pending == [False]


async def test_a_pack_that_is_not_there_leaves_the_words_of_before_until_it_comes(tmp_path, renamed):
    story = Story(tmp_path / "packs")
    story.activated(renamed)
    await story.relabel.catch_up()
    assert (story.used, story.pending) == ([], [True])
    lay_down(renamed, tmp_path / "packs")
    await story.relabel.catch_up()
    assert (len(story.used), story.pending) == (1, [True, False])


async def test_what_is_no_activation_changes_no_word(tmp_path):
    story = Story(tmp_path)
    for key, value in ((b"mute/x", b"{}"), (PACK_KEY, None), (PACK_KEY, b"{}")):
        story.relabel.take(SimpleNamespace(key=key, value=value))
    await story.relabel.catch_up()
    assert (story.used, story.pending) == ([], [])
