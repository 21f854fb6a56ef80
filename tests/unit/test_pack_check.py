import json
from itertools import pairwise

import pytest
from shapely.geometry import mapping, shape
from typer.testing import CliRunner

from sinergi_ops.pack.check import check_pack
from sinergi_ops.pack.commands import app
from sinergi_ops.pack.findings import ADVICE, Rule
from sinergi_shared.region.tables import read_rows
from tests.kit.packs import KALBAR, PackCopy

ENTIKONG, SEKAYAM = "61.03.21", "61.03.07"


@pytest.fixture
def pack(tmp_path):
    return PackCopy(tmp_path / "kalbar")


def found(pack, **recorded):
    pack.seal_unchecked(**recorded)
    return {(each.rule.value, each.file, each.row) for each in check_pack(pack.directory)}


def test_the_shipped_pack_has_no_finding():
    assert check_pack(KALBAR) == ()


def test_an_untouched_copy_has_no_finding(pack):
    assert found(pack) == set()


def test_every_kind_of_finding_says_what_to_do_in_two_languages():
    assert set(ADVICE) == set(Rule)
    assert all(words.id and words.en and words.id != words.en for words in ADVICE.values())


def test_the_land_of_a_lost_district_is_missed(pack):
    pack.reshape(lambda features: features.pop("61.03.10"))
    rules = {(rule, file) for rule, file, _ in found(pack)}
    assert rules >= {("area_count", "areas.geojson"), ("area_sum", "areas.geojson")}
    assert ("polygon_gap", "areas.geojson") in rules


def test_a_gap_between_districts_is_found_without_a_change_of_the_sum(pack):
    def cut_a_corner(features):
        area = shape(features["61.03.10"]["geometry"])
        hole = area.representative_point().buffer(0.0005)
        features["61.03.10"]["geometry"] = mapping(area.difference(hole))

    pack.reshape(cut_a_corner)
    assert {rule for rule, _, _ in found(pack)} == {"polygon_gap"}


def test_land_claimed_twice_is_found(pack):
    def reach_over(features):
        mine, theirs = shape(features[ENTIKONG]["geometry"]), shape(features[SEKAYAM]["geometry"])
        bite = theirs.intersection(mine.buffer(0.0002))
        features[ENTIKONG]["geometry"] = mapping(mine.union(bite))

    pack.reshape(reach_over)
    assert {rule for rule, _, _ in found(pack)} == {"polygon_overlap"}


def test_a_point_that_only_one_neighbour_has_is_found(pack):
    def add_a_vertex(features):
        ours, theirs = (shape(features[code]["geometry"]) for code in (ENTIKONG, SEKAYAM))
        for ring in features[ENTIKONG]["geometry"]["coordinates"]:
            for at, ((x1, y1), (x2, y2)) in enumerate(pairwise(ring)):
                middle = shape({"type": "Point", "coordinates": ((x1 + x2) / 2, (y1 + y2) / 2)})
                if theirs.distance(middle) < 1e-9 and ours.distance(middle) < 1e-9:
                    ring.insert(at + 1, [middle.x, middle.y])
                    return

    pack.reshape(add_a_vertex)
    rules = {rule for rule, _, _ in found(pack)}
    assert rules & {"polygon_edge", "polygon_gap", "polygon_overlap"}
    assert rules <= {"polygon_edge", "polygon_gap", "polygon_overlap"}


def test_a_polygon_that_crosses_itself_is_found(pack):
    def twist(features):
        ring = features[ENTIKONG]["geometry"]["coordinates"][0]
        ring[5], ring[9] = ring[9], ring[5]

    pack.reshape(twist)
    rules = {rule for rule, _, _ in found(pack)}
    assert "polygon_invalid" in rules
    assert rules <= {"polygon_invalid", "area_sum"}


def test_a_polygon_of_no_known_kabupaten_is_found(pack):
    def recode(features):
        features["61.03.10"]["properties"]["code"] = "61.33.10"

    pack.reshape(recode)
    assert {rule for rule, _, _ in found(pack)} == {"area_unknown"}


def test_the_same_polygon_code_twice_is_found(pack):
    def recode(features):
        features["61.03.10"]["properties"]["code"] = "61.03.11"

    pack.reshape(recode)
    assert {(rule, file) for rule, file, _ in found(pack)} == {("duplicate", "areas.geojson")}


def test_a_sum_outside_a_ten_thousandth_is_found_and_one_inside_is_not(pack):
    assert found(pack, area_km2=147903.4 * 1.00009) == set()
    assert found(pack, area_km2=147903.4 * 1.00012) == {("area_sum", "areas.geojson", None)}


def test_another_count_than_recorded_is_found(pack):
    assert found(pack, areas=175) == {("area_count", "areas.geojson", None)}


def test_a_change_that_nobody_sealed_is_found(pack):
    pack.edit("mandates", "M001", ack_kritis_min="6")
    assert [each.rule for each in check_pack(pack.directory)] == [Rule.HASH]


CELLS = {
    "place in an unknown district": ("places", "PLBN-ENT", {"kode_kec": "61.03.99"}, "unknown_code"),
    "place with an unknown office": ("places", "PLBN-ENT", {"kanim": "IMI-XXX"}, "unknown_code"),
    "place with an office of another kind": ("places", "PLBN-ENT", {"kanim": "POL-61.03"}, "unknown_code"),
    "place under another kabupaten": ("places", "PLBN-ENT", {"kode_kab": "61.01"}, "unknown_code"),
    "place outside its district": ("places", "PLBN-ENT", {"lat": "0.5"}, "place_outside"),
    "place with exchanged coordinates": (
        "places", "PLBN-ENT", {"lat": "110.348", "lon": "0.9835"}, "place_outside",
    ),
    "place without a number": ("places", "PLBN-ENT", {"lat": "x"}, "unknown_value"),
    "post that is neither open nor closed": ("places", "TWN-SBS", {"pos_resmi": "yes"}, "unknown_value"),
    "mandate in an unknown situation": ("mandates", "M001", {"situation": "TPPO"}, "unknown_value"),
    "mandate for a missing kind": ("mandates", "M001", {"recipient_kind": "DUKCAPIL"}, "unknown_kind"),
    "mandate without a kind": ("mandates", "M001", {"recipient_kind": ""}, "unknown_kind"),
    "mandate under a missing condition": ("mandates", "M001", {"condition": "night"}, "unknown_condition"),
    "mandate half of whose conditions is missing": (
        "mandates", "M008", {"condition": "post&night"}, "unknown_condition",
    ),
    "mandate with an unknown role": ("mandates", "M001", {"role": "leader"}, "unknown_value"),
    "mandate with an unknown level": ("mandates", "M001", {"disclosure": "L5"}, "unknown_value"),
    "mandate per event at digest level": ("mandates", "M002", {"disclosure": "L0"}, "unknown_value"),
    "mandate with an unknown scope": ("mandates", "M002", {"scope": "region"}, "unknown_value"),
    "mandate with an unknown extra field": ("mandates", "M009", {"extra_fields": "plate"}, "unknown_value"),
    "mandate without a deadline": ("mandates", "M001", {"ack_rendah_min": ""}, "ack_missing"),
    "mandate with no time to answer": ("mandates", "M001", {"ack_kritis_min": "0"}, "ack_missing"),
    "recipient of an unknown kind": ("recipients", "PPA-61.72", {"kind": "PPX"}, "unknown_kind"),
    "recipient that escalates to nobody": (
        "recipients", "POL-61.01", {"escalates_to": "POL-MABES"}, "unknown_code",
    ),
    "recipient with an unknown area": (
        "recipients", "TNI-PAMTAS", {"jurisdiction": "61.01.08,61.99"}, "unknown_code",
    ),
    "recipient without an area": ("recipients", "LPSK", {"jurisdiction": ""}, "unknown_code"),
    "recipient that escalates to itself": (
        "recipients", "POL-POLDA", {"escalates_to": "POL-POLDA"}, "escalation_loop",
    ),
    "recipient in no time zone": ("recipients", "LPSK", {"timezone": "Asia/Entikong"}, "unknown_value"),
    "recipient with an unknown cap": ("recipients", "LPSK", {"max_disclosure": "L9"}, "unknown_value"),
    "kind whose pattern is broken": ("agencies", "LPSK", {"code_pattern": "LPSK("}, "unknown_value"),
    "field shown to an unknown kind": (
        "field_visibility", "note.text", {"extra_kinds": "PRESS"}, "unknown_kind",
    ),
    "field unknown to the event": ("field_visibility", "note.text", {"field": "note.body"}, "unknown_field"),
    "field at an unknown level": ("field_visibility", "note.text", {"min_level": "L7"}, "unknown_value"),
    "override outside the pack": (
        "jurisdiction_overrides", ("IMI", SEKAYAM), {"admin_code": "61.03.98"}, "unknown_code",
    ),
    "override that routing does not follow": (
        "jurisdiction_overrides", ("IMI", SEKAYAM), {"override_code": "IMI-PTK"}, "office_differs",
    ),
    "override with another default": (
        "jurisdiction_overrides", ("IMI", SEKAYAM), {"default_code": "IMI-PTK"}, "office_differs",
    ),
    "border district that does not exist": (
        "border_kecamatan", "61.01.08", {"kode_kec": "61.01.98"}, "unknown_code",
    ),
    "immigration unit with another area": (
        "imigrasi_upt", "IMI-SBS", {"wilayah_kode": "61.01,61.02"}, "office_differs",
    ),
    "customs office with another area": ("kppbc", "BC-ENT", {"wilayah_kode": "61.05"}, "office_differs"),
    "customs office at an unknown place": ("kppbc", "BC-ENT", {"place_code": "PLBN-XXX"}, "unknown_code"),
    "kabupaten with another office": ("admin_kabkota", "61.01", {"polres": "POL-61.02"}, "office_differs"),
    "kabupaten with an unknown office": ("admin_kabkota", "61.01", {"polres": "POL-61.99"}, "unknown_code"),
    "province default unknown": (
        "routing_rules", ("UNMAPPED", "POL"), {"value": "POL-MABES"}, "unknown_code",
    ),
    "province default of an unknown kind": (
        "routing_rules", ("UNMAPPED", "BC"), {"parameter": "BCX"}, "unknown_kind",
    ),
    "border exit to nobody": (
        "routing_rules", ("BORDER_EXIT", "recipient"), {"value": "KJRI-KUL"}, "unknown_code",
    ),
    "neighbour rule for an unknown kind": (
        "routing_rules", ("NEIGHBOUR", "kinds"), {"value": "IMI;POLX"}, "unknown_kind",
    ),
    "distance that is no number": (
        "routing_rules", ("LAND_SNAP", "max_distance"), {"value": "3 km"}, "unknown_value",
    ),
    "three deadlines for four severities": (
        "routing_rules", ("NEIGHBOUR", "ack"), {"value": "30;60;240"}, "unknown_value",
    ),
    "digest level with an unknown kind": ("redaction", "L1", {"audience_kinds": "BNPP;XX"}, "unknown_kind"),
    "indicator without a weight": (
        "indicators", "MINOR_NO_GUARDIAN", {"base_weight": ""}, "unknown_value",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("table", "key", "cells", "rule"), CELLS.values(), ids=CELLS.keys())
def test_a_wrong_cell_is_found_where_it_stands(pack, table, key, cells, rule):
    row = pack.edit(table, key, **cells)
    findings = found(pack)
    assert (rule, f"{table}.csv", row) in findings
    assert {each for each in findings if each[0] == rule} == {(rule, f"{table}.csv", row)}


ONLY = {name: case for name, case in CELLS.items() if case[0] in {"mandates", "field_visibility"}}


@pytest.mark.parametrize(("table", "key", "cells", "rule"), ONLY.values(), ids=ONLY.keys())
def test_a_wrong_cell_that_nothing_hangs_on_is_the_only_finding(pack, table, key, cells, rule):
    row = pack.edit(table, key, **cells)
    assert found(pack) == {(rule, f"{table}.csv", row)}


def test_an_area_without_an_office_is_found_for_all_its_districts(pack):
    pack.edit("recipients", "POL-61.01", active="tidak")
    pack.seal_unchecked()
    (finding,) = check_pack(pack.directory)
    assert (finding.rule, finding.file, finding.row) == (Rule.OFFICE_MISSING, "admin_kabkota.csv", 2)
    assert "61.01.01" in finding.wrong.en
    assert "61.01.19" in finding.wrong.en


def test_the_province_office_does_not_stand_in_where_the_table_names_another(pack):
    pack.edit("recipients", "PPA-61.01", active="belum")
    assert ("office_missing", "admin_kabkota.csv", 2) in found(pack)


def test_one_district_without_an_office_is_found(pack):
    pack.edit("recipients", "IMI-SGU", jurisdiction="61.05,61.09,61.10")
    pack.edit("imigrasi_upt", "IMI-SGU", wilayah_kode="61.05,61.09,61.10")
    findings = found(pack)
    assert findings == {("office_missing", "admin_kabkota.csv", 4)}


def test_two_offices_for_one_area_are_found(pack):
    row = pack.edit("recipients", "POL-61.02", jurisdiction="61.01,61.02")
    assert found(pack) == {("office_ambiguous", "recipients.csv", row)}


def test_a_kind_without_a_province_default_is_found(pack):
    pack.drop("routing_rules", ("UNMAPPED", "SOS"))
    assert found(pack) == {("unmapped_missing", "routing_rules.csv", None)}


def test_a_missing_parameter_is_found(pack):
    pack.drop("routing_rules", ("SEA_SNAP", "max_distance"))
    assert found(pack) == {("parameter_missing", "routing_rules.csv", None)}


def test_a_kind_of_agency_without_any_recipient_is_missing(pack):
    pack.drop("recipients", "LPSK")
    findings = found(pack)
    assert {rule for rule, _, _ in findings} == {"unknown_kind", "unknown_code"}
    assert {file for rule, file, _ in findings if rule == "unknown_kind"} == {"mandates.csv"}


def test_a_loop_of_two_is_told_once(pack):
    row = pack.edit("recipients", "IMI-KANWIL", escalates_to="POL-POLDA")
    pack.edit("recipients", "POL-POLDA", escalates_to="IMI-KANWIL")
    assert found(pack) == {("escalation_loop", "recipients.csv", row)}


def test_a_recipient_that_nobody_tells_is_found(pack):
    row = pack.edit("recipients", "BNPP-SKL", active="ya")  # its post is not open yet
    assert found(pack) == {("unreached", "recipients.csv", row)}


def test_a_kind_that_loses_its_digest_is_unreached(pack):
    pack.drop("mandates", "M149")
    assert {(rule, file) for rule, file, _ in found(pack)} == {("unreached", "recipients.csv")}


def test_a_second_recipient_of_a_single_kind_is_found(pack):
    pack.edit("agencies", "LPSK", code_pattern="LPSK(-2)?")
    pack.add("recipients", "LPSK", code="LPSK-2")
    assert {(rule, file) for rule, file, _ in found(pack)} == {("single", "mandates.csv")}


def test_a_single_kind_with_nobody_active_is_found(pack):
    pack.edit("recipients", "BP3MI", active="belum")
    assert {rule for rule, _, _ in found(pack)} == {"single"}


def test_a_code_of_another_form_than_its_kind_is_found(pack):
    pack.edit("agencies", "TNI", code_pattern="TNI-[0-9]+")
    assert {(rule, file) for rule, file, _ in found(pack)} == {("code_pattern", "recipients.csv")}


def test_the_same_code_twice_is_found(pack):
    row = pack.add("agencies", "IOM")
    assert found(pack) == {("duplicate", "agencies.csv", row)}


def test_the_same_mandate_under_another_number_is_found(pack):
    row = pack.add("mandates", "M001", rule_id="M999")
    assert found(pack) == {("duplicate", "mandates.csv", row)}


def test_situations_are_those_of_the_contract(pack):
    row = pack.edit("situations", "INLAND_TRANSIT", situation="INLAND")
    assert found(pack) == {("situations", "situations.csv", row), ("situations", "situations.csv", None)}


def test_a_situation_that_is_nobodys_task_is_found(pack):
    for row in read_rows(KALBAR, "mandates"):
        if row["situation"] == "RECRUITER_MATCH":
            pack.drop("mandates", row["rule_id"])
    assert {(rule, file) for rule, file, _ in found(pack)} == {("situations", "situations.csv")}


def test_a_border_district_away_from_the_line_is_found(pack):
    row = pack.add("border_kecamatan", "61.01.08", kode_kec="61.01.01")
    assert found(pack) == {("border", "border_kecamatan.csv", row)}


def test_a_district_on_the_line_that_is_not_listed_is_found(pack):
    pack.drop("border_kecamatan", "61.01.08")
    assert {(rule, file) for rule, file, _ in found(pack)} == {("border", "areas.geojson")}


def test_a_kabupaten_without_a_polygon_is_found(pack):
    row = pack.add("admin_kabkota", "61.72", kode="61.73")
    assert ("area_missing", "admin_kabkota.csv", row) in found(pack)


@pytest.mark.parametrize("table", ["recipients", "mandates", "agencies"])
def test_a_missing_table_is_found(pack, table):
    (pack.directory / f"{table}.csv").unlink()
    (finding,) = check_pack(pack.directory)
    assert (finding.rule, finding.file) == (Rule.FILE, f"{table}.csv")


def test_a_missing_column_is_found(pack):
    pack.drop_column("places", "kode_kec")
    (finding,) = check_pack(pack.directory)
    assert (finding.rule, finding.file) == (Rule.FILE, "places.csv")
    assert "kode_kec" in finding.wrong.en


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"features":[{"geometry":null,"properties":{}}]}'])
def test_geometry_that_is_none_is_found(pack, text):
    (pack.directory / "areas.geojson").write_text(text, encoding="utf-8")
    (finding,) = check_pack(pack.directory)
    assert (finding.rule, finding.file) == (Rule.FILE, "areas.geojson")


def test_the_command_answers_machines_and_says_by_its_exit_code_whether_all_is_well(pack):
    pack.edit("mandates", "M001", condition="night")
    pack.seal_unchecked()
    runner = CliRunner()
    assert runner.invoke(app, ["check", str(KALBAR), "--json"]).exit_code == 0
    result = runner.invoke(app, ["check", str(pack.directory), "--json"])
    assert result.exit_code == 1
    (finding,) = json.loads(result.output)["findings"]
    assert (finding["rule"], finding["file"], finding["row"]) == ("unknown_condition", "mandates.csv", 2)
    assert "night" in finding["wrong"]["id"]
    assert "conditions.csv" in finding["do"]["id"]
    assert "conditions.csv" in finding["do"]["en"]


def test_the_command_tells_people_file_row_and_what_to_do(pack):
    pack.edit("mandates", "M001", condition="night")
    pack.seal_unchecked()
    output = CliRunner().invoke(app, ["check", str(pack.directory)]).output
    assert "mandates.csv, baris/row 2" in output
    assert output.index("syarat night tidak dikenal") < output.index("condition night is unknown")
