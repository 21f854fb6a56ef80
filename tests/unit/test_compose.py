"""What a person reads: laws of the letters, on alerts made by hand and on those of the real router."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_notifier.clock import clocks, told
from sinergi_notifier.compose import composer, subject
from sinergi_notifier.forms import CeilingError, Thin
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.region.labels import read_labels
from sinergi_shared.region.tables import read_tables
from tests.kit.jobs import KALBAR, SECRETS, alert, job, leaves, sample_jobs

LABELS = read_labels(KALBAR, read_tables(KALBAR))
COMPOSER = composer(LABELS, None)


def thin(*args, **fields):
    return Thin(AlertEvent.model_validate(alert(*args, **fields)))


def letter(*args, possible_repeat=False, **fields):
    return COMPOSER.letter(thin(*args, **fields), possible_repeat=possible_repeat)


def texts(event):
    document = event.model_dump(mode="json", exclude_none=True)
    return {value for _, value in leaves(document) if isinstance(value, str)}


class _Text(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_data(self, data):
        self.found.append(data)


def seen(html):
    """Return what a reader of the HTML sees."""
    parser = _Text()
    parser.feed(html)
    return " ".join("".join(parser.found).split())


def test_a_letter_tells_what_to_do_where_when_how_many_and_by_when_in_indonesian_then_english():
    text = letter().text
    said = [
        "Peringatan dini",
        "Sediakan ruang pemeriksaan",
        "Tenggat tanggapan: 10 Maret 2026 pukul 08.30 WIB",
        "Kategori: Pemeriksaan di pos",
        "Tingkat keparahan: Tinggi",
        "Tingkat kedesakan: Segera",
        "Kecamatan Entikong, Kabupaten Sanggau (PLBN Entikong)",
        "sekitar 10 Maret 2026 pukul 08.00 WIB",
        "Jumlah orang: 4 orang",
        "Nomor notifikasi: NTF-",
        "Kantor Imigrasi Entikong",
        "ENGLISH",
        "Early warning",
        "Provide a private room",
        "Answer due by: 10 March 2026, 08:30 WIB",
        "Category: Check at a post",
        "Entikong district, Sanggau regency",
        "4 people",
    ]
    places = [text.find(part) for part in said]
    assert -1 not in places, [part for part, place in zip(said, places, strict=True) if place < 0]
    assert places[said.index("ENGLISH")] > places[said.index("Kantor Imigrasi Entikong")]


def test_plain_text_and_html_say_the_same():
    both = letter()
    html = seen(both.html)
    for line in both.text.splitlines():
        for part in line.split(": ", 1):
            word = part.strip().strip("*- ")
            if word and word.upper() not in {"TINDAKAN", "ACTION"}:
                assert " ".join(word.split()) in html


@pytest.mark.parametrize(
    "situation",
    ["MINOR_AT_RISK", "VICTIM_DISCLOSURE", "TPPO_AT_POST"],
    ids=["minor", "victim", "trafficking"],
)
def test_a_situation_that_is_not_coarse_is_never_spelled_out(situation):
    both = letter(situation=situation)
    label = LABELS.situations[situation]
    assert "Kategori: Peristiwa\n" in both.text
    assert label.id not in both.text + both.html
    assert label.en not in both.text + both.html


def test_an_alert_above_l1_cannot_become_thin():
    with pytest.raises(CeilingError):
        Thin(AlertEvent.model_validate(alert(level="L2")))


def test_fields_above_l1_in_a_thin_alert_by_mistake_stay_out_of_the_letter():
    leaky = {key: value for key, value in SECRETS.items() if key != "situation"}
    leaky |= {"vehicles": [{"ref": "veh_CANARYCANARYCANA", "kind": "bus"}], "danger": True}
    clean, planted = letter(), letter(**leaky)
    assert planted == clean


def test_the_exact_minute_is_never_told():
    text = letter(observedAt="2026-03-10T08:12:30+07:00").text
    assert "08.00 WIB" in text
    assert "08.12" not in text


def test_a_place_that_is_no_official_post_is_not_named():
    text = letter(location={"kind": "land", "adminCode": "61.03.21", "placeCode": "JLR-ENT"}).text
    assert "Kecamatan Entikong, Kabupaten Sanggau (darat)" in text


def test_no_mail_of_the_sample_day_tells_a_value_that_only_the_full_alert_holds():
    jobs = sample_jobs()
    assert len(jobs) > 100
    looked_at = 0
    for event in jobs:
        for entry in event.data.entries:
            full = texts(entry.full)
            # A word inside the action is L1: the action asks for it in so many words.
            allowed = "\n".join(texts(entry.thin))
            mail = COMPOSER.letter(Thin(entry.thin), possible_repeat=False)
            shown = f"{mail.subject}\n{mail.text}\n{seen(mail.html)}"
            for value in full:
                if len(value) > 4 and value not in allowed:
                    looked_at += 1
                    assert value not in shown
    assert looked_at > 1000


SUBJECTS = {
    "Alert": "Peringatan dini NTF-{} (Early warning)",
    "Update": "Pemutakhiran peringatan NTF-{} (Update of an early warning)",
    "Cancel": "DIBATALKAN NTF-{} (CANCELLED)",
    "FalsePositive": "DIBATALKAN: bukan ancaman NTF-{} (CANCELLED: not a threat)",
    "Escalation": "Eskalasi peringatan NTF-{} (Escalated early warning)",
    "Recall": "DITARIK NTF-{} (RECALLED)",
}


@pytest.mark.parametrize("msg_type", SUBJECTS, ids=str.lower)
@pytest.mark.parametrize("status", ["Actual", "Exercise"])
def test_a_subject_tells_the_kind_of_message_and_the_number_and_nothing_else(msg_type, status):
    data = thin(msgType=msg_type, status=status).alert.data
    wanted = SUBJECTS[msg_type].format(data.alertNumber.removeprefix("NTF-"))
    prefix = "LATIHAN / EXERCISE: " if status == "Exercise" else ""
    assert subject(data, possible_repeat=False) == prefix + wanted


def test_a_subject_is_the_same_whatever_the_event_holds():
    plain = letter().subject
    other = {
        "severity": "kritis",
        "people": {"count": 99},
        "location": {"kind": "sea"},
        "headline": "Entikong!",
    }
    assert letter(**other).subject == plain


def test_an_exercise_says_so_in_every_part_and_a_real_alert_nowhere():
    drill, real = letter(status="Exercise"), letter()
    for part in (drill.subject, drill.text, drill.html):
        assert "LATIHAN" in part
        assert "EXERCISE" in part
    for part in (real.subject, real.text, real.html):
        assert "LATIHAN" not in part.upper()
        assert "EXERCISE" not in part.upper()


@pytest.mark.parametrize("msg_type", ["Cancel", "FalsePositive", "Recall"])
def test_a_message_that_ends_a_task_never_looks_like_an_alert(msg_type):
    ended, begun = letter(msgType=msg_type, ackDueAt=None), letter()
    for part in (ended.subject, ended.text, ended.html):
        assert "Peringatan dini" not in part
        assert "Early warning" not in part
    assert "Tingkat keparahan" not in ended.text
    assert "Tenggat" not in ended.text
    band = re.search(r"background:(#[0-9a-f]{6});color:#ffffff", begun.html).group(1)
    assert band not in ended.html


def test_the_reader_abroad_sees_their_own_clock_first_and_wib_beside_it():
    text = letter("KJRI-KCH", observedAt="2026-03-10T10:30:00+08:00", eventNumber=None, blind=True).text
    assert "sekitar 10 Maret 2026 pukul 10.30 MYT (09.30 WIB)" in text
    assert "about 10 March 2026, 10:30 MYT (09:30 WIB)" in text
    assert "Nomor peristiwa" not in text


def test_an_event_abroad_shows_the_sarawak_clock_to_everybody():
    text = letter(observedAt="2026-03-10T10:30:00+08:00", location={"kind": "abroad"}).text
    assert "10.30 MYT (09.30 WIB)" in text


@pytest.mark.parametrize(
    ("time", "wanted"),
    [
        ("2026-03-10T16:30:00Z", "11 Maret 2026 pukul 00.30 MYT (10 Maret 2026 23.30 WIB)"),
        ("2026-12-31T23:59:00+07:00", "1 Januari 2027 pukul 00.59 MYT (31 Desember 2026 23.59 WIB)"),
    ],
    ids=["midnight between the clocks", "new year between the clocks"],
)
def test_two_dates_are_told_when_midnight_lies_between_the_clocks(time, wanted):
    assert told(parse_time(time), clocks("Asia/Kuching", abroad=True)).id == wanted


def test_an_unmapped_area_and_an_unknown_office_still_make_a_letter():
    routing = {"rule": "M001", "areaSource": "province"}
    text = letter("XYZ-NEW", routing=routing, location={"kind": "land"}).text
    assert "Belum terpetakan (tingkat provinsi)" in text
    assert "Untuk: XYZ-NEW" in text


def test_values_are_shown_as_typed_in_text_and_escaped_once_in_html():
    typed = "Ma'un > Entikong & Balai"
    both = letter(action={"id": typed, "en": typed})
    assert typed in both.text
    assert typed in seen(both.html)
    assert "&amp;amp;" not in both.html
    assert "Entikong & Balai" not in both.html


@pytest.mark.parametrize(
    "text",
    [
        "{{7*7}}",
        "{% for x in range(9**9) %}x{% endfor %}",
        "${7*7}",
        "%n",
        "{0.__class__}",
        "<script>alert(1)</script>",
    ],
    ids=["braces", "loop", "dollar", "percent", "format", "script"],
)
def test_text_of_a_message_is_never_run(text):
    both = letter(action={"id": text, "en": text})
    assert text in both.text
    assert text in seen(both.html) or "script" in text
    assert "49" not in both.text.replace(text, "").split("Nomor notifikasi")[0]
    assert "<script" not in both.html


@settings(max_examples=60)
@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200)
)
def test_any_action_text_reaches_the_reader_unchanged(text):
    assert text.strip() in letter(action={"id": text, "en": "x"}).text or not text.strip()


def test_a_link_is_promised_only_when_there_is_a_page_to_open():
    linked = composer(LABELS, "https://sinergi.example").letter(thin(), possible_repeat=False)
    number = thin().alert.data.alertNumber
    assert f"https://sinergi.example/a/{number}" in linked.text
    assert f'href="https://sinergi.example/a/{number}"' in linked.html
    assert "http" not in letter().text


def test_a_possible_repeat_says_so_in_the_subject_and_the_text():
    both = letter(possible_repeat=True)
    assert both.subject.startswith("[mungkin berulang] ")
    assert "mungkin berulang" in both.text
    assert "berulang" not in letter().text


def test_every_recipient_and_area_of_the_pack_has_a_name():
    assert LABELS.area("61.03.21").id == "Kecamatan Entikong, Kabupaten Sanggau"
    assert LABELS.area("61.71").en == "Pontianak city"
    assert LABELS.area("61") is None
    assert LABELS.area(None) is None
    assert len(LABELS.kecamatan) == 174


def test_a_job_of_the_kit_carries_secrets_only_in_its_full_form():
    entry = job().data.entries[0]
    assert entry.full.data.note is not None
    assert entry.thin.data.note is None
