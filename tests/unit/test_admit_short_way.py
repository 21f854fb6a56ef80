"""The short way of admission held against the careful one: what it takes, that takes just so."""

import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sinergi_ingest import admit
from sinergi_ingest.admit import Admitted
from sinergi_ingest.fields import EVENT
from sinergi_ingest.patterns import personal_data
from sinergi_ingest.screen import nothing_to_find, personal_findings
from sinergi_shared.contracts.event import (
    EXAMPLE,
    KNOWN_MAJOR,
    KNOWN_MINOR,
    SuspiciousMovementEvent,
    schema_version,
)
from sinergi_shared.contracts.strict_json import UnreadableError, parse_object
from tests.kit import event_corpus, hostile
from tests.kit.notes import ordinary, planted
from tests.kit.oracle import encoded

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
KNOWN = frozenset({EXAMPLE["source"]})

WHOLE = copy.deepcopy(EXAMPLE) | {
    "recordedtime": "2026-03-10T08:16:00+07:00",
    "correlationid": "PRS-20260310-0001",
    "causationid": "019cd550-3750-7e84-a16f-91c183b034a6",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=b",
}
WHOLE["data"] |= {
    "location": {"kind": "post", "placeCode": "PLBN-ENT", "handoverPlaceCode": "X", "lat": 0.9, "lon": 110.3},
    "movement": {"direction": "menuju_sarawak", "mode": "bus", "headingDeg": 12.5, "speedKmh": 40},
    "needs": ["ppa", "pmi"],
    "interpreterLanguage": "ms-MY",
    "vehicles": [{"ref": "veh_JKQAE7GQFMNKLR5S", "kind": "bus"}],
    "recruiterRefs": [{"listId": "BP3MI-2026", "ref": "rec_JKQAE7GQFMNKLR5S"}],
    "note": {"text": "Empat orang, jam 08.30, dua koper.", "lang": "id", "screened": True},
    "references": ["019cd550-3750-7e84-a16f-91c183b034a6"],
    "implicatedUnits": ["POL-61.03"],
    "handling": {"onward": "ask", "basis": "consent"},
    "group": {"homeProvinces": {"61": 1, "35": 1}, "needCounts": {"medical": 1}},
    "evidence": [{"uri": "https://bukti.example/a/1", "sha256": "0" * 64}],
    "documentRefs": [{"ref": "doc_JKQAE7GQFMNKLR5S"}],
    "safeContactRef": "saf_JKQAE7GQFMNKLR5S",
    "caseRef": "cas_JKQAE7GQFMNKLR5S",
    "danger": True,
    "reliability": "A",
    "accuracy": "1",
    "pass": "plb_in_zone",
}  # fmt: skip
PLACES = hostile.places(WHOLE)
SECRETS = [text for _, _, text in planted(3, 3_000)] + list(ordinary(3, 300))
CODES = ["a081234567890", "A6171012345670001", "KB1234AB", "B-1234-XYZ", "6171012345670001", "081234567890"]
VALUES = st.one_of(
    st.sampled_from(SECRETS),
    st.sampled_from(CODES),
    st.sampled_from([6171012345670001, 6281234567890, 812345678, True, None, 1.5, [], {}]),
    st.text(max_size=20),
    st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,31}\Z"),
    st.from_regex(r"\Aid\.sinergi\.[a-z]{1,9}\.[0-9a-z_]{1,16}\.v1\Z"),
).map(copy.copy)  # the empty ones are written into, and must not be the same in two places


@st.composite
def documents(draw):
    """An event with every field, some of them holding something else, some keys new."""
    document = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PLACES))
        here = document
        try:
            for step in parents:
                here = here[step]
            if isinstance(here, dict) and draw(st.integers(0, 5)) == 0:
                last = draw(st.sampled_from([*SECRETS[:50], *CODES, "nama", "35", "b6281234567890"]))
            here[last] = draw(st.sampled_from([1, 2]) | VALUES) if draw(st.booleans()) else draw(VALUES)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier one took its place away
    return document


def follows_the_contract(document):
    try:
        return not SuspiciousMovementEvent.model_validate(document).model_extra
    except ValidationError:
        return False


def test_the_event_with_every_field_follows_the_contract_and_hides_nothing():
    assert follows_the_contract(WHOLE)
    assert personal_findings(WHOLE) == ()
    assert nothing_to_find(WHOLE)
    assert WHOLE.keys() == EVENT.members.keys()
    assert WHOLE["data"].keys() == EVENT.members["data"].members.keys()


@given(documents())
@settings(max_examples=1_500, deadline=None)
def test_where_the_short_screen_finds_nothing_the_whole_screen_finds_nothing_either(document):
    if follows_the_contract(document):
        assert nothing_to_find(document) == (personal_findings(document) == ())


@pytest.mark.parametrize("place", [place for place in PLACES if place], ids=str)
def test_what_the_contract_lets_stand_anywhere_is_screened_there(place):
    """Each field in turn takes each secret that its own pattern lets pass."""
    for secret in [*SECRETS[:400], *CODES]:
        document = copy.deepcopy(WHOLE)
        *parents, last = place
        here = document
        for step in parents:
            here = here[step]
        if isinstance(here[last], str):
            here[last] = secret
            if follows_the_contract(document):
                assert nothing_to_find(document) == (personal_findings(document) == ())


@pytest.mark.parametrize("secret", ["6171012345670001", "081234567890", "budi@example.com", "KB 1234 AB"])
@pytest.mark.parametrize("name", ["correlationid", "causationid", "tracestate", "partitionkey"])
def test_an_attribute_in_which_anything_may_stand_is_looked_into(name, secret):
    document = WHOLE | {name: secret}
    assert follows_the_contract(document)
    assert personal_data(secret)
    assert not nothing_to_find(document)


@pytest.mark.parametrize("thread", ["DILJBH5O2667552633BTRE5JDR", "BYR33S7DP3YO7O2527Q2CRNM3R"])
def test_a_thread_id_is_a_partition_key_whatever_its_digits(thread):
    """Some thread ids look like a telephone number; a sender may partition by them (contracts, 1)."""
    document = WHOLE | {"partitionkey": thread}
    assert personal_data(thread)
    assert nothing_to_find(document)
    assert personal_findings(document) == ()
    assert not nothing_to_find(WHOLE | {"correlationid": thread})


def _both_ways(document):
    short = admit._faultless(document, KNOWN, NOW)
    return short, admit._judge(document, KNOWN, NOW)


@given(documents())
@settings(max_examples=800, deadline=None)
def test_what_the_short_way_takes_the_careful_way_takes_just_so(document):
    short, careful = _both_ways(document)
    assert short in (None, careful)


def test_the_short_way_takes_every_event_without_a_fault():
    events = [
        json.loads(encoded(one)) for one in event_corpus.corpus(17, 2_000) if not isinstance(one, bytes)
    ]
    events = [
        event for event in events if isinstance(admit._judge(event, {event.get("source")}, NOW), Admitted)
    ]
    assert len(events) > 500
    for event in events:
        short = admit._faultless(event, {event["source"]}, NOW)
        careful = admit._judge(event, {event["source"]}, NOW)
        if careful.note_withheld is None and not careful.event.model_extra and short is None:
            # A newer minor with fields that we do not know is the careful way's.
            assert schema_version(event["dataschema"]) > (KNOWN_MAJOR, KNOWN_MINOR)
        assert short in (None, careful)


def test_hostile_bodies_are_taken_by_both_ways_or_refused():
    for _, body in hostile.corpus(EXAMPLE, 1_500, 5):
        try:
            document = parse_object(body)
        except UnreadableError:
            continue
        short, careful = _both_ways(document)
        assert short in (None, careful)
