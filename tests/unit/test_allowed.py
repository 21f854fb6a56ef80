"""A source limited to areas: a point or place that surely lies in another's is refused, nothing else is."""

import csv
import functools

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_ingest.allowed import HANDOVER, PLACE, POINT, outside
from sinergi_ingest.land import Land, read_land
from sinergi_ops.places import PACK
from sinergi_shared.contracts.codes import LocationKind
from sinergi_shared.contracts.event import Location
from sinergi_shared.directory import Source
from sinergi_shared.region.geography import Geography
from sinergi_shared.region.pack import read_pack
from sinergi_shared.region.tables import BORDER, GEOMETRY
from tests.kit import oracle_geo
from tests.kit.packs import PackCopy

URN = "urn:sinergi:sumber:pos-satu:tpi"


def limited(*areas):
    return Source(urn=URN, areas=frozenset(areas))


def at(lon, lat, accuracy=None, kind="inland"):
    return Location(kind=kind, lon=lon, lat=lat, accuracyM=accuracy)


@pytest.fixture(scope="module")
def squares():
    """Three squares of a tenth of a degree, two of them side by side, and a post in each of those two."""
    areas = {
        code: shapely.box(west, 0.0, round(west + 0.1, 1), 0.1)
        for code, west in (("61.01.01", 110.0), ("61.02.01", 110.1), ("61.03.01", 110.3))
    }
    border = shapely.linestrings([(110.0, 0.2), (110.4, 0.2)])
    return Land(Geography(areas, {}, border), {"PLBN-ONE": "61.01.01", "PLBN-TWO": "61.02.01"})


# One degree is 111,195 m: 0.00001 degree 1.11195 m, 0.2 degrees 22,239 m.
@pytest.mark.parametrize(
    ("areas", "place", "is_outside"),
    [
        (["61.01"], at(110.05, 0.05), False),
        (["61.01.01"], at(110.05, 0.05), False),
        (["61"], at(110.35, 0.05), False),
        (["61.01", "61.01.01"], at(110.05, 0.05), False),
        (["61.01"], at(110.15, 0.05), True),
        (["61.01.01"], at(110.15, 0.05), True),
        (["61.01", "61.02.01"], at(110.15, 0.05), False),
        (["61.01", "61.02.01"], at(110.35, 0.05), True),
        (["61.01"], at(110.1, 0.05), False),
        (["61.02"], at(110.1, 0.05), False),
        (["61.01"], at(110.1, 0.1), False),
        (["61.01"], at(110.10001, 0.05), True),
        (["61.01"], at(110.10001, 0.05, 1), True),
        (["61.01"], at(110.10001, 0.05, 2), False),
        (["61.01"], at(110.3, 0.05, 22_238), True),
        (["61.01"], at(110.3, 0.05, 22_239), False),
        (["61.01"], at(110.25, 0.05), False),
        (["61.01"], at(110.25, 0.05, 10), False),
        (["61.01"], at(-110.25, -80.0, kind="abroad"), False),
        (["61.01"], at(110.15, 0.05, kind="abroad"), True),
        (["61.01", "62.01"], at(110.15, 0.05), False),
        (["62.01"], at(110.15, 0.05), False),
        (["61.01"], Location(kind="inland"), False),
        (["61.01"], Location(kind="inland", adminCode="61.02"), False),
        ([], at(110.15, 0.05), False),
    ],
    ids=[
        "inside",
        "inside its only kecamatan",
        "inside a whole province",
        "inside an area that is named as itself and as a part",
        "in another kabupaten",
        "in another kecamatan",
        "in one of two areas",
        "in neither of two areas",
        "on the line, own area first",
        "on the line, own area second",
        "on the corner",
        "a metre over the line",
        "a metre over the line, right to a metre",
        "a metre over the line, right to two",
        "a metre short of the accuracy",
        "at the accuracy exactly",
        "where no area is",
        "where no area is, nor near",
        "abroad",
        "said to be abroad, but in another area",
        "in another area, one of its own is not on the map",
        "in another area, its own is not on the map",
        "no point",
        "no point, another area's code is judged by itself",
        "no limit",
    ],
)
def test_a_point_is_refused_only_when_it_surely_lies_in_another_area(squares, areas, place, is_outside):
    # More than once, for the library answers from an index only from the second question on.
    told = [outside([place], limited(*areas), squares) for _ in range(3)]
    assert told == [[POINT if is_outside else ()]] * 3


def test_nobody_is_refused_by_where_he_was_while_there_is_no_map():
    told = Location(kind="post", lon=110.15, lat=0.05, placeCode="PLBN-TWO")
    assert outside([told], limited("61.01"), None) == [()]


def test_points_of_a_batch_are_each_judged_by_themselves(squares):
    places = [at(110.15, 0.05), Location(kind="inland"), at(110.05, 0.05), at(110.25, 0.05), at(110.35, 0.05)]
    assert outside(places, limited("61.01"), squares) == [POINT, (), (), (), POINT]


@pytest.mark.parametrize(
    ("limits", "named", "pointers"),
    [
        ({"areas": ["61.01"]}, {"placeCode": "PLBN-ONE"}, ()),
        ({"areas": ["61.01.01"]}, {"placeCode": "PLBN-ONE"}, ()),
        ({"areas": ["61"]}, {"placeCode": "PLBN-TWO", "handoverPlaceCode": "PLBN-ONE"}, ()),
        ({"areas": ["61.01"]}, {"placeCode": "PLBN-TWO"}, (PLACE,)),
        ({"areas": ["61.01"]}, {"handoverPlaceCode": "PLBN-ONE"}, ()),
        ({"areas": ["61.01"]}, {"handoverPlaceCode": "PLBN-TWO"}, (HANDOVER,)),
        (
            {"areas": ["61.03"]},
            {"placeCode": "PLBN-ONE", "handoverPlaceCode": "PLBN-TWO", "lon": 110.05, "lat": 0.05},
            (PLACE, HANDOVER, *POINT),
        ),
        ({"areas": ["61.01"]}, {"placeCode": "PLBN-NEW", "handoverPlaceCode": "PLBN-NEW"}, ()),
        ({"areas": ["61.01"]}, {}, ()),
        ({"areas": ["62.01"]}, {"placeCode": "PLBN-TWO"}, ()),
        ({"areas": ["61.01", "62.01"]}, {"placeCode": "PLBN-TWO"}, ()),
        ({"areas": ["61.01"], "places": ["PLBN-TWO"]}, {"placeCode": "PLBN-TWO"}, ()),
        ({"areas": ["61.01"], "places": ["PLBN-TWO"]}, {"handoverPlaceCode": "PLBN-TWO"}, ()),
        ({"situations": ["SEA_LANDING"]}, {"placeCode": "PLBN-TWO"}, ()),
    ],
    ids=[
        "in its own area",
        "in its only kecamatan",
        "in its whole province",
        "in another area",
        "handover in its own area",
        "handover in another area",
        "all of it in another area",
        "places that the pack does not know",
        "no place",
        "its own area is not on the map",
        "one of its own areas is not on the map",
        "a place that the directory names",
        "a handover place that the directory names",
        "no limit of areas",
    ],
)
@pytest.mark.parametrize("kind", LocationKind)
def test_a_place_is_refused_only_when_it_surely_lies_in_another_area_in_whatever_kind_of_location(
    squares, limits, named, pointers, kind
):
    source = Source.model_validate({"urn": URN} | limits)
    assert outside([Location.model_validate({"kind": kind} | named)], source, squares) == [pointers]


def test_a_place_whose_kecamatan_is_not_on_the_map_is_nobodys(tmp_path):
    pack = PackCopy(tmp_path / "pack")
    pack.edit("places", "PLBN-ENT", kode_kec="61.99.01")
    pack.edit("places", "PLBN-ARK", kode_kec="61.01")  # of a kabupaten nobody can say which part
    pack.seal_unchecked(version="2026.12")
    land = read_land(read_pack(pack.directory))
    told = [
        Location(kind="post", placeCode=code) for code in ("PLBN-ENT", "PLBN-ARK", "PLBN-BDU", "PLBN-SKL")
    ]
    assert outside(told, limited("61.06"), land) == [(), (), (), (PLACE,)]


@functools.cache
def kalbar():
    """The pack's map, and the same read by the oracle."""
    return read_land(read_pack(PACK)), oracle_geo.Geography(PACK / GEOMETRY, PACK / BORDER)


def corners():
    """Where mistakes are: corners of the pack's areas, in units of 0.00001 degree."""
    return [corner for rings in kalbar()[1].rings.values() for ring in rings for corner in ring[::40]]


@st.composite
def places(draw):
    """A point near a line or anywhere around the province, with any accuracy."""
    if draw(st.booleans()):
        x, y = draw(st.sampled_from(corners()))
        x, y = x + draw(st.integers(-900, 900)), y + draw(st.integers(-900, 900))
    else:
        x, y = draw(st.integers(10_850_000, 11_450_000)), draw(st.integers(-320_000, 230_000))
    accuracy = draw(st.none() | st.integers(0, 50) | st.integers(0, 60_000) | st.just(20_000_000))
    return at(round(x / 100_000, 5), round(y / 100_000, 5), accuracy)


@st.composite
def own_areas(draw):
    kecamatan = st.sampled_from(sorted(kalbar()[1].rings))
    return draw(st.sets(kecamatan | kecamatan.map(lambda code: code[:5]), min_size=1, max_size=3))


@settings(max_examples=400, deadline=None)
@given(own_areas(), st.lists(places(), min_size=1, max_size=4))
def test_the_oracle_refuses_the_same_points(own, asked):
    land, oracle = kalbar()
    mine = [code for code in oracle.rings if any(code == area or code[:5] == area for area in own)]

    def expected(place):
        point = oracle_geo.on_lattice(place.lon, place.lat)
        may_be_own = any(oracle.metres_to(code, point) <= (place.accuracyM or 0) for code in mine)
        return POINT if oracle.area_at(point) is not None and not may_be_own else ()

    assert outside(asked, limited(*own), land) == [expected(place) for place in asked]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_point_in_its_own_area_is_never_refused(data):
    land, oracle = kalbar()
    place = data.draw(places())
    area = oracle.area_at(oracle_geo.on_lattice(place.lon, place.lat))
    own = area if area and data.draw(st.booleans()) else (area or "61.03.21")[:5]
    assert outside([place], limited(own), land) == [()]


@functools.cache
def rows():
    """Each place's code and kecamatan, as they stand in the pack."""
    with (PACK / "places.csv").open(encoding="utf-8", newline="") as file:
        return [(row["place_code"], row["kode_kec"]) for row in csv.DictReader(file)]


@settings(max_examples=200, deadline=None)
@given(own_areas(), st.lists(st.sampled_from(rows()), min_size=2, max_size=2), st.sampled_from(LocationKind))
def test_to_name_a_place_is_to_name_its_kecamatan(own, named, kind):
    (place, area), (handover, its_area) = named
    told = Location(kind=kind, placeCode=place, handoverPlaceCode=handover)

    def is_own(code):
        return bool({code, code[:5]} & own)  # a kecamatan of its own, or one in a kabupaten of its own

    expected = ((PLACE, not is_own(area)), (HANDOVER, not is_own(its_area)))
    assert outside([told], limited(*own), kalbar()[0]) == [tuple(at for at, is_so in expected if is_so)]
