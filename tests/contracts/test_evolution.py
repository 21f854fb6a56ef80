"""Contracts, section 7: what a newer minor may bring, and what a known one may not."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sinergi_shared.contracts.event import EXAMPLE, KNOWN_MINOR, read_event

MADE_UP = st.from_regex(r"\Azz[a-zA-Z]{1,12}\Z")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PLACES = {
    "data": lambda event: event["data"],
    "location": lambda event: event["data"]["location"],
    "people": lambda event: event["data"]["people"],
    "an indicator": lambda event: event["data"]["indicators"][0],
}


def event_of(version):
    event = deepcopy(EXAMPLE)
    event["dataschema"] = f"https://schema.sinergi.example/movement/suspicious/{version}.json"
    return event


@given(place=st.sampled_from(sorted(PLACES)), name=MADE_UP, value=ANYTHING)
def test_a_newer_minors_field_is_passed_over_and_never_in_the_model(place, name, value):
    event = event_of(f"1-{KNOWN_MINOR + 1}-0")
    PLACES[place](event)[name] = value
    known = read_event(event_of(f"1-{KNOWN_MINOR + 1}-0"))
    assert read_event(event) == known


@pytest.mark.parametrize("minor", range(KNOWN_MINOR + 1))
@pytest.mark.parametrize("place", PLACES)
def test_a_known_minors_unknown_field_is_refused(place, minor):
    event = event_of(f"1-{minor}-0")
    PLACES[place](event)["zzNew"] = 1
    with pytest.raises(ValidationError):
        read_event(event)


@pytest.mark.parametrize("place", PLACES)
def test_a_newer_minor_excuses_no_other_fault(place):
    event = event_of(f"1-{KNOWN_MINOR + 1}-0")
    PLACES[place](event)["zzNew"] = 1
    event["data"]["people"]["count"] = 0
    with pytest.raises(ValidationError):
        read_event(event)


def test_an_attribute_that_nobody_knows_is_passed_on():
    event = event_of("1-0-0") | {"extensionofatransport": "opaque"}
    assert read_event(event).model_extra == {"extensionofatransport": "opaque"}


def test_a_word_of_an_open_list_is_kept():
    event = event_of("1-0-0")
    event["data"]["needs"] = ["legal_aid"]
    assert read_event(event).data.needs == ("legal_aid",)
