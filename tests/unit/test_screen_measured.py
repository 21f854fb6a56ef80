"""How well the screen tells a note from a number of somebody: measured, as the brief of issue 5 asks."""

from collections import Counter

import pytest

from sinergi_ingest.patterns import personal_data
from sinergi_ingest.screen import holds_personal_data, personal_findings
from sinergi_shared.contracts.event import EXAMPLE
from sinergi_shared.contracts.reasons import Rule
from tests.kit.notes import DISGUISES, HAND_WRITTEN, KINDS, measured, ordinary, planted

NOTES = 12_000
MOST_FALSE_ALARMS = 0.003
MOST_MISSES = 0.01
# One way may be worse than all together: digits under gaps of several kinds look like clock times.
MOST_MISSES_OF_A_WAY = 0.2


@pytest.fixture(scope="module")
def found():
    return measured(lambda note: personal_data(note) is not None, seed=11, count=NOTES)


def test_ordinary_notes_are_rarely_stopped(found):
    alarms, _ = found
    assert len(alarms) / NOTES < MOST_FALSE_ALARMS, alarms[:5]


@pytest.mark.parametrize("note", HAND_WRITTEN)
def test_a_note_written_by_hand_passes(note):
    assert personal_data(note) is None


def test_planted_personal_data_is_rarely_missed(found):
    _, misses = found
    assert misses.total() / NOTES < MOST_MISSES, misses.most_common(5)


def test_no_kind_in_no_disguise_is_missed_as_a_rule(found):
    _, misses = found
    sent = Counter((kind, name) for kind, name, _ in planted(11, NOTES))
    assert {way for way, number in misses.items() if number > MOST_MISSES_OF_A_WAY * sent[way]} == set()


def test_the_measure_holds_every_kind_every_disguise_and_the_longest_notes():
    ways = {(kind, name) for kind, name, _ in planted(1, 2_000)}
    assert {kind for kind, _ in ways} == set(KINDS)
    assert {name for _, name in ways} == set(DISGUISES)
    assert max(map(len, ordinary(1, 2_000))) == 280


@pytest.mark.parametrize(
    "body",
    [
        b'{"x":"6171\\u0030123456\\u00370001"',
        b'{"\\u006eik":"x"',
        '{"n\u0430ma":"x"'.encode(),
        '{"x":"6171012345670001"'.encode("utf-16"),
        b'{"x":"6171\x000123\x004567\x000001"',
        '{"n\u200bik" : 1'.encode(),
    ],
    ids=["escapes", "escaped key", "Cyrillic key", "UTF-16", "control characters", "invisible joint"],
)
def test_broken_bytes_cannot_hide_personal_data_from_the_screen(body):
    assert holds_personal_data(body)


def test_a_number_of_a_person_is_found_as_a_number_in_a_field_that_nobody_knows():
    document = EXAMPLE | {
        "data": EXAMPLE["data"] | {"later": [6171011503900001, 6281234567890, 1773105150000]}
    }
    assert {(one.pointer, one.rule) for one in personal_findings(document)} == {
        ("/data/later/0", Rule.NATIONAL_ID),
        ("/data/later/1", Rule.PHONE),
    }
