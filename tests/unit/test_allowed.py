"""A source limited to areas: its point is refused when it surely lies in another's, and never otherwise."""

import functools

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_ingest.allowed import outside
from sinergi_ops.places import PACK
from sinergi_shared.contracts.event import Location
from sinergi_shared.directory import Source
from sinergi_shared.region.geography import Geography, read_geography
from sinergi_shared.region.tables import BORDER, GEOMETRY
from tests.kit import oracle_geo

URN = "urn:sinergi:sumber:pos-satu:tpi"


def limited(*areas):
    return Source(urn=URN, areas=frozenset(areas))


def at(lon, lat, accuracy=None, kind="inland"):
    return Location(kind=kind, lon=lon, lat=lat, accuracyM=accuracy)


@pytest.fixture(scope="module")
def squares():
    """Three squares of a tenth of a degree: two side by side, then one as far again and once more."""
    areas = {
        code: shapely.box(west, 0.0, round(west + 0.1, 1), 0.1)
        for code, west in (("61.01.01", 110.0), ("61.02.01", 110.1), ("61.03.01", 110.3))
    }
    return Geography(areas, {}, shapely.linestrings([(110.0, 0.2), (110.4, 0.2)]))


# One degree is 111,195 m: 0.00001 degree 1.11195 m, 0.2 degrees 22,239 m.
@pytest.mark.parametrize(
    ("areas", "place", "is_outside"),
    [
        (["61.01"], at(110.05, 0.05), False),
        (["61.01.01"], at(110.05, 0.05), False),
        (["61"], at(110.35, 0.05), False),
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
    assert outside([place], limited(*areas), squares) == [is_outside]


def test_nobody_is_refused_by_his_point_while_there_is_no_map():
    assert outside([at(110.15, 0.05)], limited("61.01"), None) == [False]


def test_points_of_a_batch_are_each_judged_by_themselves(squares):
    places = [at(110.15, 0.05), Location(kind="inland"), at(110.05, 0.05), at(110.25, 0.05), at(110.35, 0.05)]
    assert outside(places, limited("61.01"), squares) == [True, False, False, False, True]


@functools.cache
def kalbar():
    """The pack's map, and the same read by the oracle."""
    return read_geography(PACK), oracle_geo.Geography(PACK / GEOMETRY, PACK / BORDER)


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
        return oracle.area_at(point) is not None and not may_be_own

    assert outside(asked, limited(*own), land) == [expected(place) for place in asked]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_point_in_its_own_area_is_never_refused(data):
    land, oracle = kalbar()
    place = data.draw(places())
    area = oracle.area_at(oracle_geo.on_lattice(place.lon, place.lat))
    own = area if area and data.draw(st.booleans()) else (area or "61.03.21")[:5]
    assert outside([place], limited(own), land) == [False]
