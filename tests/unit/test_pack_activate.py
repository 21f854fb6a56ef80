"""``sinergi pack activate`` as far as it goes without a Kafka: what it refuses, and what it lays down."""

import json

import pytest
from typer.testing import CliRunner

from sinergi_ops.cli import app
from sinergi_ops.pack.activate import lay_down, leavers
from sinergi_ops.pack.findings import Rule
from sinergi_shared.contracts.activation import Activation
from sinergi_shared.region.activated import PackMissingError, read_activated
from sinergi_shared.region.pack import read_pack
from sinergi_shared.region.tables import PackError
from tests.kit.packs import KALBAR, PackCopy

NOBODY = "127.0.0.1:1"


@pytest.fixture
def pack(tmp_path):
    return PackCopy(tmp_path / "pack")


def activate(*arguments):
    return CliRunner().invoke(app, ["pack", "activate", *map(str, arguments), "--kafka", NOBODY])


def test_a_pack_with_findings_is_refused_before_anybody_is_asked(pack, tmp_path):
    pack.edit("recipients", "IMI-ENT", escalates_to="NOBODY")
    pack.seal_unchecked()
    done = activate(pack.directory, "--packs", tmp_path / "packs", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["activated"]) == (1, False)
    assert Rule.UNKNOWN_CODE in {finding["rule"] for finding in told["findings"]}
    assert not (tmp_path / "packs").exists()


def test_a_pack_that_was_changed_after_its_seal_is_refused(pack, tmp_path):
    pack.edit("recipients", "IMI-ENT", nama="Kantor lain")
    done = activate(pack.directory, "--packs", tmp_path / "packs", "--json")
    assert done.exit_code == 1
    assert [finding["rule"] for finding in json.loads(done.stdout)["findings"]] == [Rule.HASH]


def test_a_recipient_is_not_removed_but_made_inactive(pack):
    in_force = read_pack(KALBAR)
    pack.edit("recipients", "TNI-PAMTAS", active="tidak")
    pack.seal_unchecked()
    assert list(leavers(read_pack(pack.directory), in_force)) == []
    pack.drop("recipients", "TNI-PAMTAS")
    pack.seal_unchecked()
    [finding] = leavers(read_pack(pack.directory), in_force)
    assert finding.rule is Rule.RECIPIENT_GONE
    assert "TNI-PAMTAS" in finding.wrong.en


def test_a_pack_is_laid_down_whole_under_its_version_and_never_changed(pack, tmp_path):
    pack.seal_unchecked(version="2026.12")
    sealed, root = read_pack(pack.directory), tmp_path / "packs"
    for _ in range(2):
        folder = lay_down(sealed, root)
    assert [path.name for path in root.iterdir()] == [sealed.policy_version] == [folder.name]
    activation = Activation(activation=1, policyVersion=sealed.policy_version, hash=sealed.hash)
    assert read_activated(root, activation).tables == sealed.tables
    (folder / "places.csv").write_text("changed")
    with pytest.raises(PackError):
        lay_down(sealed, root)


def test_a_folder_that_is_not_the_activated_pack_is_refused(pack, tmp_path):
    pack.seal_unchecked(version="2026.12")
    sealed, root = read_pack(pack.directory), tmp_path / "packs"
    lay_down(sealed, root)
    told = {"activation": 1, "policyVersion": sealed.policy_version, "hash": sealed.hash}
    other = Activation(**told | {"hash": sealed.hash[:8] + 56 * "0"})
    with pytest.raises(PackError, match="not the pack that was activated"):
        read_activated(root, other)
    with pytest.raises(PackMissingError, match=r"copy the activated pack there"):
        read_activated(tmp_path / "elsewhere", Activation(**told))
