"""The crash-loop breaker blames a record only when it is proved guilty."""

from hypothesis import given
from hypothesis import strategies as st

from sinergi_shared.runtime.breaker import CONVICTING_DEATHS, SUSPICIOUS_DEATHS, Note


def _die(note, *, in_hand):
    """What a process that dies while working leaves beside the offset."""
    if not note.careful:
        return Note.read(str(note.beginning()))
    return Note.read(str(note.taking() if in_hand else note.taking().worked()))


def test_a_killer_is_convicted_after_two_deaths_in_a_batch_and_three_in_hand():
    note, deaths = Note(), 0
    while not note.convicts:
        note, deaths = _die(note, in_hand=True), deaths + 1
    assert deaths == SUSPICIOUS_DEATHS + CONVICTING_DEATHS


@given(st.integers(0, 40))
def test_deaths_while_waiting_for_kafka_convict_nobody(deaths):
    note = Note()
    for _ in range(deaths):
        note = _die(note, in_hand=False)
    assert not note.convicts


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_a_note_is_read_as_it_was_written(begun, hand):
    assert Note.read(str(Note(begun, hand))) == Note(begun, hand)


@given(st.text(max_size=30))
def test_anything_else_beside_an_offset_is_no_note(text):
    assert Note.read(text) in {Note(), Note.read(text)}
    assert Note.read("") == Note()


@given(notes := st.builds(Note, st.integers(0, 9), st.integers(0, 9)), notes)
def test_of_two_notes_the_milder_convicts_only_if_both_do(one, other):
    milder = one.milder(other)
    assert milder.convicts == (one.convicts and other.convicts)
    assert milder.careful == (one.careful and other.careful)
