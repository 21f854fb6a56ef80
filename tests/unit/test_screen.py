"""Laws of the screen: personal data is found wherever it stands, ordinary notes pass."""

import copy
import random

import pytest

from sinergi_ingest import digit_runs, screen
from sinergi_ingest.fields import EVENT
from sinergi_ingest.patterns import personal_data
from sinergi_ingest.screen import (
    FORBIDDEN_KEYS,
    forbidden_profiles,
    person_at_risk,
    personal_findings,
    plain_pointer,
)
from sinergi_shared.contracts.event import EXAMPLE, SuspiciousMovementEvent
from sinergi_shared.contracts.reasons import Rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("NIK 6171012345670001", Rule.NATIONAL_ID),
        ("6171 0123 4567 0001", Rule.NATIONAL_ID),
        ("61.71.01.2345.67.0001", Rule.NATIONAL_ID),
        ("6171-0123-4567-0001", Rule.NATIONAL_ID),
        ("6 1 7 1 0 1 2 3 4 5 6 7 0 0 0 1", Rule.NATIONAL_ID),
        (
            "\uff16\uff11\uff17\uff11\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff10\uff10\uff10\uff11",
            Rule.NATIONAL_ID,
        ),
        ("٦١٧١٠١٢٣٤٥٦٧٠٠٠١", Rule.NATIONAL_ID),
        ("6171\u20130123\u20134567\u20130001", Rule.NATIONAL_ID),
        ("617101\u00ad2345670001", Rule.NATIONAL_ID),
        ("KK:6171012345670001.", Rule.NATIONAL_ID),
        ("paspor A1234567", Rule.PASSPORT),
        ("paspor C 123 4567", Rule.PASSPORT),
        ("ic a1234567", Rule.PASSPORT),
        ("AB123456", Rule.PASSPORT),
        ("AB-123-456", Rule.PASSPORT),
        ("081234567890", Rule.PHONE),
        ("0812 3456 7890", Rule.PHONE),
        ("0812 - 3456 - 7890", Rule.PHONE),
        ("0812.3456.7890", Rule.PHONE),
        ("+62 812-3456-7890", Rule.PHONE),
        ("62 812 3456 7890", Rule.PHONE),
        ("(0561) 734567", Rule.PHONE),
        ("+60 12-345 6789", Rule.PHONE),
        ("012-345 6789", Rule.PHONE),
        ("082-412345", Rule.PHONE),
        ("WA081234567890", Rule.PHONE),
        ("budi@example.com", Rule.EMAIL),
        ("surel: budi.s+x@mail.example.co.id,", Rule.EMAIL),
        ("KB 1234 AB", Rule.PLATE),
        ("KB1234AB", Rule.PLATE),
        ("mobil KB 1234", Rule.PLATE),
        ("B 1234 XYZ", Rule.PLATE),
        ("QAA 1234 X", Rule.PLATE),
        ("QS 88", Rule.PLATE),
    ],
)
def test_personal_data_is_found(text, rule):
    assert personal_data(text) is rule


ORDINARY = [
    "",
    "di 3 pos",
    "KM 12 ke",
    "KM 123.456 dari Pontianak",
    "Empat orang, dokumen dipegang satu orang, jawaban seragam tentang tempat kerja.",
    "Hubungi 0811 tidak boleh",
    "bayar Rp 1.500.000 per orang",
    "Rp1.500.000 atau RM 500000",
    "L300 hitam, blok B 12, RT 001 RW 002, JL 28",
    "NO 123456",
    "titik 0.98352, 110.34812 jam 08.12",
    "titik 0.98352 110.34812 jam 08.12 WIB",
    "-0.15070 109.40400 08.12.30",
    "E110.34812 N0.98352",
    "10-03-2026 08.12 s.d. 09.30",
    "2026-03-10T08:12:30+07:00",
    "jam 08.12 09.30 10.15 11.20",
    "lihat PRS-20260310-0000012345 dan cas_7RFVGYN3OMPABT23",
    "019cd550-3750-7e84-a16f-91c183b034a5",
    "usia 13-17, 0-12; 4 dewasa 2 anak",
    "kb 1234 ab",
    "SMPN 3, PK 10.30, P4MI, BP3MI",
    "rombongan 12 orang, 2 minibus, 15 km dari pos, 3 kali minggu ini",
]


def grouped(chance):
    """Digits of a phone number, a licence or nothing, in whatever groups, with one gap or several."""
    start = chance.choice(
        ["0812", "08", "62812", "60123", "653", "0062812", "00653", "812", "850101131", "61", ""]
    )
    digits = (start + "".join(chance.choices("0123456789", k=15)))[: chance.randint(8, 15)]
    gaps = [chance.choice([" ", ".", "-", "  ", " - "])] * 3 + [chance.choice([" ", ".", "-"])]
    sizes = chance.choice(["1", "2", "4", "624", "446", "c1", ""])
    run, at, count = "", 0, 0
    while at < len(digits):
        size = int(sizes[count % len(sizes)], 16) if sizes else chance.randint(1, 10)
        run, at, count = run + digits[at : at + size] + chance.choice(gaps), at + size, count + 1
    return run.strip(" .-"), digits


def test_a_short_run_that_is_passed_by_at_a_glance_holds_no_number():
    chance, held = random.Random(11), 0  # noqa: S311 - a repeatable test
    for _ in range(30_000):
        run, digits = grouped(chance)
        if run != digits and digit_runs._Run(run, digits).number(abroad=False):
            held += 1
            assert digit_runs._MAY_HOLD.search(run), run
    assert held > 3_000


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_notes_pass(text):
    assert personal_data(text) is None


def test_false_alarms_on_notes_with_places_and_times_are_rare():
    chance = random.Random(7)  # noqa: S311 - a repeatable test
    alarms = 0
    for _ in range(5000):
        lat, lon = chance.uniform(-3, 2.2), chance.uniform(108, 114.2)
        hour, minute = chance.randrange(24), chance.randrange(60)
        note = (
            f"{chance.randint(1, 40)} orang, {chance.randint(1, 6)} motor, titik {lat:.5f} {lon:.5f} "
            f"jam {hour:02}.{minute:02} tanggal {chance.randint(1, 28)}-{chance.randint(1, 12)}-2026, "
            f"KM {chance.randint(1, 300)}, bayar Rp {chance.randint(1, 9)}.{chance.randint(100, 999)}.000"
        )
        alarms += personal_data(note) is not None
    assert alarms / 5000 < 0.001


@pytest.mark.parametrize("key", sorted(FORBIDDEN_KEYS))
def test_a_forbidden_key_is_found_in_any_case_at_any_depth(key):
    document = copy.deepcopy(EXAMPLE)
    document["data"]["deep"] = [{"er": {key.upper(): 1, "tanggal_Lahir": 2}}]
    found = {finding.pointer: finding.rule for finding in personal_findings(document)}
    assert found == {
        f"/data/deep/0/er/{key.upper()}": Rule.KEY_FORBIDDEN,
        "/data/deep/0/er/tanggal_Lahir": Rule.KEY_FORBIDDEN,
    }


def strings(value, path=()):
    if isinstance(value, str):
        yield path
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, member in members:
        yield from strings(member, (*path, step))


@pytest.mark.parametrize("path", list(strings(EXAMPLE)), ids=str)
def test_a_number_of_a_person_is_found_in_every_string(path):
    document = copy.deepcopy(EXAMPLE)
    here = document
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = "6171012345670001"
    pointer = "/" + "/".join(map(str, path))
    assert [finding.pointer for finding in personal_findings(document)] == [pointer]


def test_a_code_or_an_unknown_field_cannot_hide_a_number():
    document = copy.deepcopy(EXAMPLE)
    document["data"]["needs"] = ["nik_6171012345670001"]
    document["data"]["later"] = {"0812-3456-7890": ["081234567890"]}
    found = {finding.pointer for finding in personal_findings(document)}
    assert found == {"/data/needs/0", "/data/later", "/data/later/0"}


def test_valid_values_of_a_field_are_not_screened():
    document = copy.deepcopy(EXAMPLE)
    document["traceparent"] = "00-12345678901234567890123456789012-1234567890123456-01"
    document["data"] |= {
        "caseRef": "cas_2345672345672345",
        "evidence": [{"uri": "https://x.example/081234567890", "sha256": "1" * 64}],
        "references": ["01234567-0123-7012-8012-012345678901"],
        "interpreterLanguage": "ms-Latn-MY",
        "recruiterRefs": [{"listId": "LP123456", "ref": "rec_2345672345672345"}],
    }
    SuspiciousMovementEvent.model_validate(document)
    assert personal_findings(document) == ()


@pytest.mark.parametrize("code", ["FORBIDDEN_PROFILE", "ETHNICITY_MALAY", "SPEAKS_LANGUAGE", "AGAMA_X"])
def test_an_indicator_about_who_somebody_is_goes_to_a_person(code):
    document = copy.deepcopy(EXAMPLE)
    document["data"]["indicators"].append({"code": code, "corroborated": False})
    assert forbidden_profiles(document) == ("/data/indicators/1/code",)


def test_an_ordinary_indicator_is_no_profile():
    document = copy.deepcopy(EXAMPLE)
    document["data"]["indicators"] = [{"code": "TRACE_OF_DEBT"}, {"code": 7}, "x", {"code": "GRASP"}]
    assert forbidden_profiles(document) == ()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"danger": True},
        {"danger": False},
        {"people": {"count": 3, "minors": 2}},
        {"needs": ["ppa", "unknown"]},
        {"needs": ["pmi"]},
        {"situation": "MINOR_AT_RISK"},
    ],
    ids=str,
)
def test_risk_is_judged_as_the_contract_does(data):
    document = copy.deepcopy(EXAMPLE)
    document["data"] |= data
    event = SuspiciousMovementEvent.model_validate(document)
    assert person_at_risk(document) == event.data.person_at_risk


@pytest.mark.parametrize("data", [None, [], {"people": 1, "needs": 2, "danger": "yes"}, {"needs": [[]]}])
def test_risk_of_a_malformed_event_is_no_error(data):
    assert person_at_risk({"data": data}) is False


def _keys_of_the_contract(field=EVENT):
    for key, member in field.members.items():
        yield key
        yield from _keys_of_the_contract(member)


def test_no_key_of_the_contract_needs_to_be_looked_into():
    for key in set(_keys_of_the_contract()) - {"*"}:
        assert not screen._forbidden(key)
        assert plain_pointer("", key) == f"/{key}"
