import pytest
from typer.testing import CliRunner

from sinergi_ops.pack.commands import app
from sinergi_ops.pack.manifest import seal
from sinergi_shared.region.pack import MANIFEST, read_manifest, read_pack
from sinergi_shared.region.tables import TABLES, PackError
from tests.kit.packs import KALBAR, PackCopy


@pytest.fixture
def pack(tmp_path):
    return PackCopy(tmp_path / "kalbar")


def test_the_shipped_pack_is_sealed_and_says_what_it_is():
    pack = read_pack(KALBAR)
    assert (pack.name, pack.province_code, pack.province_name) == ("kalbar", "61", "Kalimantan Barat")
    assert pack.areas == 174
    assert len(pack.tables.recipients) == 136
    assert pack.policy_version == f"kalbar-{pack.version}-{pack.hash[:8]}"
    assert len(pack.policy_version) <= 64


@pytest.mark.parametrize("file", [*(f"{table}.csv" for table in TABLES), "areas.geojson", "border.geojson"])
def test_a_pack_with_one_changed_byte_is_refused(pack, file):
    path = pack.directory / file
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(PackError, match="sinergi pack seal"):
        read_pack(pack.directory)


def test_what_is_no_part_of_the_pack_may_change(pack):
    (pack.directory / "README.md").write_text("other", encoding="utf-8")
    (pack.directory / "glossary.csv").write_text("id,en,note\n", encoding="utf-8")
    assert read_pack(pack.directory).hash == read_pack(KALBAR).hash


@pytest.mark.parametrize("file", ["areas.geojson", "border.geojson", "mandates.csv"])
def test_a_pack_with_a_missing_file_is_refused_by_name(pack, file):
    (pack.directory / file).unlink()
    with pytest.raises(PackError, match=file):
        read_pack(pack.directory)


def test_a_pack_that_was_never_sealed_is_refused(pack):
    path = pack.directory / MANIFEST
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("hash:")), encoding="utf-8")
    with pytest.raises(PackError, match="seal"):
        read_pack(pack.directory)


@pytest.mark.parametrize(
    ("text", "where"),
    [("", "/name"), ("name: Kalbar", "/name"), ("name: kalbar\nversion: 2026.13", "/version")],
)
def test_a_manifest_that_does_not_fit_is_refused_with_pointers(pack, text, where):
    (pack.directory / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(PackError, match=where):
        read_manifest(pack.directory)


@pytest.mark.parametrize("text", ["name: [", "\x00"])
def test_a_manifest_that_is_no_yaml_is_refused(pack, text):
    (pack.directory / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(PackError, match=MANIFEST):
        read_manifest(pack.directory)


def test_sealing_records_a_change_that_the_check_accepts(pack):
    pack.edit("mandates", "M001", ack_kritis_min="6")
    assert seal(pack.directory, "2026.12") == ()
    sealed = read_pack(pack.directory)
    assert sealed.version == "2026.12"
    assert sealed.hash != read_pack(KALBAR).hash
    assert sealed.tables.mandates[0].ack_minutes["kritis"] == 6


def test_sealing_leaves_a_faulty_pack_as_it_was(pack):
    before = (pack.directory / MANIFEST).read_bytes()
    pack.edit("mandates", "M001", recipient_kind="DUKCAPIL")
    assert [finding.rule for finding in seal(pack.directory)] == ["unknown_kind"]
    assert (pack.directory / MANIFEST).read_bytes() == before


def test_a_version_of_another_form_is_refused_with_an_example(pack):
    before = (pack.directory / MANIFEST).read_bytes()
    result = CliRunner().invoke(app, ["seal", str(pack.directory), "--version", "2"])
    assert result.exit_code == 1
    assert "2026.11" in result.output
    assert (pack.directory / MANIFEST).read_bytes() == before


def test_credit_and_provenance_survive_sealing(pack):
    before = read_manifest(pack.directory)
    seal(pack.directory)
    assert read_manifest(pack.directory) == before
    assert "CC BY 3.0 IGO" in before.credit


@pytest.mark.parametrize(
    "file", [KALBAR / "README.md", KALBAR.parents[2] / "NOTICE"], ids=lambda path: path.name
)
def test_the_credit_line_is_shown_where_the_data_is(file):
    words = file.read_text(encoding="utf-8").replace("> ", "").split()
    assert " ".join(read_manifest(KALBAR).credit.split()) in " ".join(words)
