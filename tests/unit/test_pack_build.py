import json
import random
from pathlib import Path

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping, shape
from typer.testing import CliRunner

from sinergi_ops.pack.build import build
from sinergi_ops.pack.commands import app
from sinergi_ops.pack.source import Area, Boundaries, Keys, SourceError, read_boundaries
from sinergi_shared.region.pack import read_manifest
from tests.kit.packs import KALBAR

SOURCE = Path(__file__).parents[3] / "shared" / "geo"
METRES = 1 / 111_195


def wavy(seed):
    """Four kecamatan around one point, along borders that wander."""
    chance = random.Random(seed)  # noqa: S311 - a shape, not a secret

    def line(start, end, count=60):
        inner = [
            (
                start[0] + (end[0] - start[0]) * at / count + chance.uniform(-0.0004, 0.0004),
                start[1] + (end[1] - start[1]) * at / count + chance.uniform(-0.0004, 0.0004),
            )
            for at in range(1, count)
        ]
        return [start, *inner, end]

    corners = [(110.0, 1.0), (110.2, 1.0), (110.2, 1.2), (110.0, 1.2)]
    middles = [(110.1, 1.0), (110.2, 1.1), (110.1, 1.2), (110.0, 1.1)]
    outer = [line(corners[i], middles[i]) + line(middles[i], corners[(i + 1) % 4])[1:] for i in range(4)]
    spokes = [line(middle, (110.1, 1.1)) for middle in middles]
    edges = [shapely.LineString(points) for points in (*outer, *spokes)]
    faces = shapely.get_parts(shapely.polygonize([shapely.unary_union(edges)])).tolist()
    return [face for face in faces if face.area > 0.001]


def collection(shapes, border=None):
    features = [
        {
            "type": "Feature",
            "properties": {"code": f"62.01.{at:02}", "label": f"Kecamatan {at}"},
            "geometry": mapping(each),
        }
        for at, each in enumerate(shapes, start=1)
    ]
    if border is not None:
        features.append({"type": "Feature", "properties": {}, "geometry": mapping(border)})
    return {"type": "FeatureCollection", "attribution": "Made up", "features": features}


def bounds_of(shapes):
    return Boundaries(
        {f"62.01.{at:02}": Area(f"62.01.{at:02}", "X", each) for at, each in enumerate(shapes, start=1)}
    )


def read_shapes(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    return {each["properties"].get("code"): shape(each["geometry"]) for each in document["features"]}


@pytest.mark.skipif(not SOURCE.exists(), reason="the boundary source is not beside this checkout")
def test_the_shipped_polygons_are_the_sources_to_the_last_point():
    source = json.loads((SOURCE / "kalbar_kecamatan.geojson").read_text(encoding="utf-8"))
    shipped = json.loads((KALBAR / "areas.geojson").read_text(encoding="utf-8"))
    wanted = {each["properties"]["kode_kemendagri"]: each["geometry"] for each in source["features"]}
    names = {each["properties"]["kode_kemendagri"]: each["properties"]["nama"] for each in source["features"]}
    assert {each["properties"]["code"]: each["geometry"] for each in shipped["features"]} == wanted
    assert {each["properties"]["code"]: each["properties"]["name"] for each in shipped["features"]} == names
    assert len(shipped["features"]) == 174


@pytest.mark.skipif(not SOURCE.exists(), reason="the boundary source is not beside this checkout")
def test_the_shipped_border_is_the_sources_to_the_last_point():
    source = json.loads((SOURCE / "kalbar_batas_sarawak.geojson").read_text(encoding="utf-8"))
    shipped = json.loads((KALBAR / "border.geojson").read_text(encoding="utf-8"))
    assert [each["geometry"] for each in shipped["features"]] == [
        each["geometry"] for each in source["features"]
    ]


@pytest.mark.skipif(not SOURCE.exists(), reason="the boundary source is not beside this checkout")
def test_building_the_shipped_pack_again_gives_the_same_bytes(tmp_path):
    for file in KALBAR.iterdir():
        if file.suffix != ".geojson":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    result = CliRunner().invoke(app, ["build", str(SOURCE), str(tmp_path)])
    assert result.exit_code == 0, result.output
    for name in ("areas.geojson", "border.geojson", "pack.yaml"):
        assert (tmp_path / name).read_bytes() == (KALBAR / name).read_bytes()


def test_the_shipped_shapes_tile_the_land():
    areas = list(read_shapes(KALBAR / "areas.geojson").values())
    assert shapely.coverage_is_valid(areas)
    assert sum(len(part.interiors) for part in shapely.get_parts(shapely.union_all(areas))) == 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), tolerance=st.sampled_from([20.0, 100.0, 500.0]))
def test_simplified_neighbours_still_share_their_edges_without_gap_or_overlap(seed, tolerance):
    shapes = wavy(seed)
    assert len(shapes) == 4
    simple = [area.shape for area in build(bounds_of(shapes), tolerance).areas]
    assert shapely.coverage_is_valid(simple)
    union = shapely.union_all(simple)
    assert union.geom_type == "Polygon"
    assert len(union.interiors) == 0
    assert sum(each.area for each in simple) == pytest.approx(union.area, rel=1e-9)
    assert shapely.get_num_coordinates(simple).sum() < shapely.get_num_coordinates(shapes).sum()


def test_a_tolerance_moves_an_outline_by_no_more_than_its_order():
    shapes = wavy(1)
    simple = [area.shape for area in build(bounds_of(shapes), 100).areas]
    moved = max(shapely.hausdorff_distance(old, new) for old, new in zip(shapes, simple, strict=True))
    assert moved < 300 * METRES


def test_without_a_tolerance_only_the_sixth_decimal_is_lost():
    shapes = wavy(2)
    for old, new in zip(shapes, (area.shape for area in build(bounds_of(shapes), None).areas), strict=True):
        assert shapely.get_num_coordinates(old) == shapely.get_num_coordinates(new)
        assert shapely.hausdorff_distance(old, new) < 0.00001


def test_an_edge_that_five_decimals_would_break_keeps_more():
    # at five decimals the notch falls through the long edge below it
    thin = [shapely.Polygon([(110, 1), (111, 1.00001), (111, 1.1), (110.2, 1.000004), (110, 1.1)])]
    geometry = build(bounds_of(thin), None)
    assert geometry.decimals == 6
    assert shapely.coverage_is_valid([area.shape for area in geometry.areas])


WEST = shapely.box(110, 1, 110.1, 1.1)
FAULTS = {
    "overlap": ([WEST, shapely.box(110.05, 1, 110.3, 1.1)], "62.01.01 and 62.01.02 overlap"),
    "gap": ([shapely.box(110, 1, 110.3, 1.3) - shapely.box(110.1, 1.1, 110.2, 1.2)], "gap"),
    "narrow gap": ([WEST, shapely.box(110.100005, 1, 110.2, 1.1)], "62.01.01: edge unlike"),
    "crossing itself": ([shapely.Polygon([(110, 1), (110.1, 1.1), (110.1, 1), (110, 1.1)])], "62.01.01"),
}  # fmt: skip


@pytest.mark.parametrize(("shapes", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_a_source_with_a_fault_is_refused_and_never_repaired(shapes, words):
    with pytest.raises(SourceError, match=words):
        build(bounds_of(shapes), None)


def write(path, document):
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


KEYS = Keys("code", "label")


def test_shapes_of_another_level_and_points_are_left_aside(tmp_path):
    document = collection([shapely.box(110, 1, 110.1, 1.1)])
    for geometry, code in ((shapely.box(110, 1, 111, 2), "62.01"), (shapely.Point(110, 1), "62.01.01.2001")):
        document["features"].append({"properties": {"code": code}, "geometry": mapping(geometry)})
    found = read_boundaries([write(tmp_path / "a.geojson", document)], KEYS)
    assert list(found.areas) == ["62.01.01"]
    assert found.left_aside == 2


def test_the_same_district_in_two_files_counts_once_and_two_shapes_are_refused(tmp_path):
    write(tmp_path / "a.geojson", collection([shapely.box(110, 1, 110.1, 1.1)]))
    write(tmp_path / "b.geojson", collection([shapely.box(110, 1, 110.1, 1.1)]))
    assert list(read_boundaries([tmp_path], KEYS).areas) == ["62.01.01"]
    write(tmp_path / "c.geojson", collection([shapely.box(110, 1, 110.1, 1.2)]))
    with pytest.raises(SourceError, match=r"c\.geojson, feature 1: 62\.01\.01"):
        read_boundaries([tmp_path], KEYS)


def test_six_digits_are_read_as_the_dotted_code(tmp_path):
    document = collection([shapely.box(110, 1, 110.1, 1.1)])
    document["features"][0]["properties"]["code"] = 620101
    assert list(read_boundaries([write(tmp_path / "a.geojson", document)], KEYS).areas) == ["62.01.01"]


BAD_SOURCES = {
    "no json": ("{", "GeoJSON"),
    "no collection": ('{"type":"Feature"}', "FeatureCollection"),
    "no geometry": ('{"type":"FeatureCollection","features":[{"properties":{}}]}', "feature 1"),
    "null geometry": (
        '{"type":"FeatureCollection","features":[{"properties":{},"geometry":null}]}', "feature 1",
    ),
    "another key": (json.dumps(collection([WEST])).replace('"code"', '"kode"'), "it has kode"),
    "metres": (json.dumps(collection([shapely.box(500000, 0, 500100, 100)])), "WGS 84"),
    "exchanged coordinates": (json.dumps(collection([shapely.box(1, 110, 1.1, 110.1)])), "longitude first"),
    "nothing": ('{"type":"FeatureCollection","features":[]}', "no kecamatan"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD_SOURCES.values(), ids=BAD_SOURCES.keys())
def test_what_is_no_boundary_source_is_refused_with_the_reason(tmp_path, text, words):
    path = tmp_path / "a.geojson"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=words):
        read_boundaries([path], KEYS)


def test_a_new_province_gets_geometry_and_a_manifest_that_waits_for_its_tables(tmp_path):
    shapes = wavy(3)
    source = write(tmp_path / "a.geojson", collection(shapes, shapely.LineString([(110, 1.2), (110.2, 1.2)])))
    pack = tmp_path / "kalteng"
    options = ["--code-property", "code", "--name-property", "label", "--version", "2026.11"]
    result = CliRunner().invoke(app, ["build", str(source), str(pack), "--tolerance", "50", *options])
    assert result.exit_code == 0, result.output
    assert "admin_kabkota.csv" in result.output
    manifest = read_manifest(pack)
    assert (manifest.name, manifest.province.code, manifest.areas) == ("kalteng", "62", 4)
    assert (manifest.credit, manifest.hash) == ("Made up", None)
    assert len(read_shapes(pack / "areas.geojson")) == 4
    assert read_shapes(pack / "border.geojson")[None].geom_type == "LineString"


def test_a_refused_source_changes_nothing_and_exits_1(tmp_path):
    source = write(tmp_path / "a.geojson", collection(FAULTS["overlap"][0]))
    options = ["--code-property", "code", "--name-property", "label"]
    result = CliRunner().invoke(app, ["build", str(source), str(tmp_path / "new"), *options])
    assert result.exit_code == 1
    assert "overlap" in result.output
    assert not (tmp_path / "new").exists()
