"""The map that limited sources are held to: read when it is needed, and that of the activated pack."""

import json
from types import SimpleNamespace

import pytest

from sinergi_ingest.live_map import LiveMap
from sinergi_ops.pack.activate import lay_down
from sinergi_ops.places import PACK
from sinergi_shared.contracts import examples
from sinergi_shared.contracts.activation import PACK_KEY, Activation
from sinergi_shared.directory import Source
from sinergi_shared.region.activated import Packs
from sinergi_shared.region.pack import read_pack
from tests.kit.packs import PackCopy

URN = "urn:sinergi:sumber:pos-satu:tpi"
FREE, LIMITED = Source(urn=URN), Source(urn=URN, areas=frozenset({"61.03"}))
ENTIKONG, CODE = (110.348, 0.9835), "61.03.21"


def control(value):
    document = examples.CONTROL_PACK | {"data": examples.CONTROL_PACK["data"] | {"value": value}}
    return SimpleNamespace(key=PACK_KEY, value=json.dumps(document).encode())


def activated(pack, number=1):
    return control(
        Activation(activation=number, policyVersion=pack.policy_version, hash=pack.hash).as_control()
    )


@pytest.fixture
def moved(tmp_path):
    """A sealed pack in which Entikong has another code."""
    pack = PackCopy(tmp_path / "pack")
    areas = pack.directory / "areas.geojson"
    areas.write_text(areas.read_text().replace(CODE, "61.03.99"))
    pack.seal_unchecked(version="2026.12")
    return read_pack(pack.directory)


class Story:
    def __init__(self, tmp_path, first=PACK):
        self.told = []
        packs = Packs(tmp_path / "packs", first)
        self.live = LiveMap(packs, lambda pending: self.told.append(pending is None))

    async def refresh(self, *sources):
        await self.live.refresh(sources)

    def take(self, record):
        self.live.activations.take(record)

    @property
    def area(self):
        return self.live.current.geography.containing([ENTIKONG]) if self.live.current else None


async def test_no_map_is_read_until_a_source_is_limited_to_areas(tmp_path):
    story = Story(tmp_path, tmp_path / "nowhere")
    await story.refresh(FREE)
    assert (story.area, story.told) == (None, [])
    story = Story(tmp_path)
    await story.refresh(FREE)
    await story.refresh(FREE, LIMITED)
    await story.refresh(FREE, LIMITED)
    assert (story.area, story.told) == ([CODE], [True])


async def test_the_map_is_that_of_the_activated_pack(tmp_path, moved):
    lay_down(moved, tmp_path / "packs")
    story = Story(tmp_path)
    await story.refresh(LIMITED)
    story.take(activated(moved))
    await story.refresh(LIMITED)
    assert (story.area, story.told) == (["61.03.99"], [True, True])


async def test_a_pack_that_is_not_there_leaves_the_map_of_before_until_it_comes(tmp_path, moved):
    story = Story(tmp_path)
    await story.refresh(LIMITED)
    story.take(activated(moved))
    await story.refresh(LIMITED)
    await story.refresh(LIMITED)
    assert (story.area, story.told) == ([CODE], [True, False])
    lay_down(moved, tmp_path / "packs")
    await story.refresh(LIMITED)
    assert (story.area, story.told) == (["61.03.99"], [True, False, True])


@pytest.mark.parametrize("damage", ["no such folder", "another file", "no geometry"])
async def test_no_damaged_pack_stops_ingest(tmp_path, damage):
    folder = tmp_path / "pack"
    if damage != "no such folder":
        pack = PackCopy(folder)
        (pack.directory / "areas.geojson").write_text('{"features": [{}]}')
        if damage == "no geometry":
            pack.seal_unchecked(version="2026.12")
    story = Story(tmp_path, folder)
    await story.refresh(LIMITED)
    assert (story.area, story.told) == (None, [False])


async def test_a_record_that_is_no_activation_changes_nothing(tmp_path):
    story = Story(tmp_path)
    for record in (
        SimpleNamespace(key=PACK_KEY, value=b"{"),
        SimpleNamespace(key=PACK_KEY, value=None),
        SimpleNamespace(key=b"mute/x", value=control({}).value),
    ):
        story.take(record)
    await story.refresh(LIMITED)
    assert (story.area, story.told) == ([CODE], [True])
