"""CAP 1.2 in: which event a message stands for, and what a sender is told of one that is none."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest.admit import Admitted, Refused
from sinergi_ingest.problem import refused
from sinergi_shared.contracts.reasons import Reason
from tests.kit import pace
from tests.kit.cap_messages import AREA, NAMESPACE, NOW, PARAMETERS, SOURCE, info, judged, message, parameter

FIRST = "cap@bpbd.kalbar.example,lapor-17,2026-03-10T08:15:30+07:00"
SECOND = "cap@bpbd.kalbar.example,lapor-18,2026-03-10T08:20:30+07:00"


def admitted(body, **how):
    verdict = judged(body, **how)
    assert isinstance(verdict, Admitted), verdict
    return verdict


def data_of(body):
    return admitted(body).document["data"]


def follow_up(kind="Update", references=FIRST, sent="2026-03-10T08:25:31+07:00", **given):
    return message(identifier="lapor-19", msgType=kind, references=references, sent=sent, **given)


def told(body, **how):
    verdict = judged(body, **how)
    assert isinstance(verdict, Refused), verdict
    return verdict.reason, verdict.rule, verdict.fields


def test_every_word_of_the_mapping_is_read_backwards():
    data = data_of(message())
    assert (data["severity"], data["urgency"]) == ("tinggi", "segera")
    assert data["certainty"] == "kemungkinan_besar"
    assert data["situation"] == "TPPO_AT_POST"
    assert data["observedAt"] == "2026-03-10T08:12:30+07:00"
    assert data["location"] == {
        "kind": "post", "placeCode": "PLBN-ENT", "adminCode": "61.03.21",
        "lat": 0.9835, "lon": 110.348, "accuracyM": 100,
    }  # fmt: skip
    assert data["people"] == {"count": 4, "minors": 0}
    assert data["indicators"] == [{"code": "COACHED_ANSWERS", "corroborated": True}]


@pytest.mark.parametrize(
    ("cap", "ours"),
    [("Extreme", "kritis"), ("Severe", "tinggi"), ("Moderate", "sedang"), ("Minor", "rendah")],
)
def test_severity_is_the_senders_own(cap, ours):
    assert data_of(message([info(severity=cap)]))["severity"] == ours


@pytest.mark.parametrize("status", ["Actual", "Exercise", "Test"])
def test_an_exercise_and_a_test_stay_what_they_are(status):
    assert data_of(message(status=status))["status"] == status


def test_a_repeat_gives_the_same_event_to_the_byte():
    assert admitted(message()).document == admitted(message(), now=NOW + timedelta(hours=9)).document


def test_the_same_message_of_another_source_is_another_event():
    other = admitted(message(), source="urn:sinergi:sumber:lain:cap")
    assert other.event.id != admitted(message()).event.id


@pytest.mark.parametrize("references", [FIRST, f"{FIRST} {SECOND}", f"{SECOND} {FIRST}"])
@pytest.mark.parametrize("kind", ["Update", "Cancel"])
def test_a_follow_up_belongs_to_the_event_of_the_first_message_and_rises_above_it(kind, references):
    first, later = admitted(message()), admitted(follow_up(kind, references))
    assert later.thread_id == first.thread_id
    assert (first.event.data.revision, later.event.data.revision) == (1, 602)
    assert later.event.data.msgType == kind
    assert str(first.event.id) in later.document["data"]["references"]


def test_a_reference_in_another_offset_is_the_same_message():
    utc = "cap@bpbd.kalbar.example,lapor-17,2026-03-10T01:15:30-00:00"
    assert admitted(follow_up(references=utc)).thread_id == admitted(message()).thread_id


@pytest.mark.parametrize("references", ["lapor-17", f"{FIRST},more", SECOND.replace("08:20", "09:20")])
def test_references_that_lead_nowhere_are_told(references):
    reason, rule, fields = told(follow_up(references=references))
    assert (reason, rule) == ("SCHEMA_INVALID", "REFERENCES")
    assert fields[0] == "/alert/references"


def test_a_follow_up_without_references_is_told_what_is_missing():
    assert told(follow_up(references=None)) == ("SCHEMA_INVALID", "FIELD_MISSING", ("/alert/references",))


def test_a_sender_may_bring_its_own_event_number():
    assert data_of(message(incidents="PRS-20260310-LAPOR17"))["eventNumber"] == "PRS-20260310-LAPOR17"
    assert data_of(message(incidents="gempa-3"))["eventNumber"] != "gempa-3"


def test_the_indonesian_block_speaks_else_the_first():
    english = info("en-US", parameters=PARAMETERS + parameter("sinergi.note", "Four people"))
    indonesian = info("id-ID", parameters=PARAMETERS + parameter("sinergi.note", "Empat orang"))
    assert data_of(message([english, indonesian]))["note"] == {
        "text": "Empat orang", "lang": "id-ID", "screened": True,
    }  # fmt: skip
    assert data_of(message([english]))["note"]["lang"] == "en-US"


@pytest.mark.parametrize(
    ("second", "place"),
    [
        (info("en", severity="Minor"), "/alert/info[2]/severity"),
        (info("en", urgency="Future"), "/alert/info[2]/urgency"),
        (info("en", situation="SEA_LANDING"), "/alert/info[2]/eventCode"),
        (info("id"), "/alert/info[2]/language"),
    ],
)
def test_one_message_is_one_event(second, place):
    assert told(message([info(), second])) == ("SCHEMA_INVALID", "FIELD", (place,))


def area(shapes, codes=()):
    named = "".join(
        f"<geocode><valueName>kemendagri</valueName><value>{code}</value></geocode>" for code in codes
    )
    return f"<area><areaDesc>wilayah</areaDesc>{shapes}{named}</area>"


def test_a_polygon_becomes_its_middle_and_reaches_its_corners():
    ring = "<polygon>0.9,110.3 1.1,110.3 1.1,110.5 0.9,110.5 0.9,110.3</polygon>"
    place = data_of(message([info(area=area(ring))]))["location"]
    assert (place["lat"], place["lon"]) == (1.0, 110.4)
    # Half the diagonal of 0.2 by 0.2 degrees at the equator.
    assert place["accuracyM"] == pytest.approx(15_724, abs=10)


def test_several_areas_are_somewhere_in_all_of_them():
    areas = area("<circle>1.0,110.0 2</circle>", ["61.03.21"]) + area(
        "<circle>1.0,110.2 3</circle>", ["61.03.07"]
    )
    place = data_of(message([info(area=areas)]))["location"]
    assert (place["lat"], place["lon"], place["adminCode"]) == (1.0, 110.1, "61.03")
    assert place["accuracyM"] == pytest.approx(14_118, abs=5)


def test_an_area_that_is_only_described_is_no_reason_to_refuse():
    assert "lat" not in data_of(message([info(area=area(""))]))["location"]


@pytest.mark.parametrize(
    "shape",
    [
        "<circle>110.348,0.9835 0.1</circle>",
        "<circle>0.98,110.3</circle>",
        "<circle>0.98,110.3 -1</circle>",
        "<circle>NaN,110.3 1</circle>",
        "<circle>0.98 110.3 1</circle>",
        "<polygon>0,110 1,110 1,111</polygon>",
        "<polygon>0,110 1,110 1,111 0,111</polygon>",
        "<polygon>110,0 110,1 111,1 110,0</polygon>",
    ],
)
def test_a_shape_is_never_turned_round_or_guessed(shape):
    name = shape[1 : shape.index(">")]
    place = f"/alert/info[1]/area[1]/{name}[1]"
    assert told(message([info(area=area(shape))])) == ("SCHEMA_INVALID", "FIELD", (place,))


def test_an_expired_message_is_refused_but_never_a_cancel():
    past = "<expires>2026-03-10T08:59:59+07:00</expires>"
    expired = [info(times=past)]
    assert told(message(expired))[:2] == ("TIME_OUT_OF_RANGE", "PAST_TIME")
    assert data_of(follow_up("Cancel", infos=expired))["msgType"] == "Cancel"


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ({"status": "Draft"}, ("/alert/status",)),
        ({"status": "System"}, ("/alert/status",)),
        ({"msgType": "Ack"}, ("/alert/msgType",)),
        ({"msgType": "Error"}, ("/alert/msgType",)),
        ({"scope": "Secret"}, ("/alert/scope",)),
        ({"addresses": None}, ("/alert/addresses",)),
        ({"addresses": " "}, ("/alert/addresses",)),
        ({"scope": "Restricted"}, ("/alert/restriction",)),
        ({"sent": "2026-03-10T08:15:30Z"}, ("/alert/sent",)),
        ({"sent": "2026-02-30T08:15:30+07:00"}, ("/alert/sent",)),
        ({"sent": "0001-01-01T00:00:00+14:00"}, ("/alert/sent",)),
        ({"identifier": "a,b"}, ("/alert/identifier",)),
        ({"sender": None}, ("/alert/sender",)),
        ({"infos": []}, ("/alert/info",)),
        ({"infos": [info(severity="Unknown")]}, ("/alert/info[1]/severity",)),
        ({"infos": [info(urgency="Past")]}, ("/alert/info[1]/urgency",)),
        ({"infos": [info(certainty="Unlikely")]}, ("/alert/info[1]/certainty",)),
        ({"infos": [info(situation="GEMPA")]}, ("/alert/info[1]/eventCode[1]/value",)),
        ({"infos": [info(parameters=PARAMETERS + parameter("sinergi.baru", "1"))]},
         ("/alert/info[1]/parameter[7]/valueName",)),
        ({"infos": [info(parameters="")]},
         ("/alert/info/parameter[valueName='sinergi.suspicion']",
          "/alert/info/parameter[valueName='sinergi.locationKind']",
          "/alert/info/parameter[valueName='peopleCount']",
          "/alert/info/parameter[valueName='sinergi.indicator']")),
        ({"infos": [info(parameters=PARAMETERS.replace(">4<", ">empat<"))]},
         ("/alert/info[1]/parameter[4]/value",)),
    ],
    ids=str,
)  # fmt: skip
def test_a_refusal_names_the_place_in_the_xml(given, places):
    reason, _, fields = told(message(**given))
    assert (reason, fields) == ("SCHEMA_INVALID", places)


def test_the_words_of_other_systems_are_passed_over():
    more = PARAMETERS + parameter("magnitude", "4.7")
    texts = "<headline>h</headline><description>d</description><contact>0812 3456 7890</contact>"
    document = admitted(message([info(parameters=more, texts=texts)])).document
    assert "0812" not in str(document)
    assert "4.7" not in str(document)


def test_personal_data_in_what_is_carried_is_refused_and_the_message_not_kept():
    note = PARAMETERS + parameter("sinergi.note", "NIK 6171012345670001")
    verdict = judged(message([info(parameters=note)]))
    assert (verdict.reason, verdict.fields) == ("PII_DETECTED", ("/alert/info[1]/parameter[7]/value",))
    assert not verdict.payload_kept


def test_a_refused_message_is_not_kept_for_personal_data_in_text_that_nobody_carries():
    texts = "<description>NIK 6171012345670001</description>"
    verdict = judged(message([info(severity="Unknown", texts=texts)], sender="gempa.kalbar"))
    assert not verdict.payload_kept


def test_prefixed_tags_and_blanks_around_values_are_read():
    plain = message().decode()
    prefixed = plain.replace("<", "<c:").replace("<c:/", "</c:").replace("<c:?", "<?")
    prefixed = prefixed.replace("xmlns=", "xmlns:c=").replace(">Severe<", ">\n  Severe\t<")
    assert admitted(prefixed.encode()).document == admitted(plain.encode()).document


BOMB = "<!DOCTYPE a [<!ENTITY a0 'LOL'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
)
HOSTILE = {
    "billion laughs": (BOMB + "]><alert>&a9;</alert>").encode(),
    "external entity": (
        f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        f'<alert xmlns="{NAMESPACE}"><identifier>&x;</identifier></alert>'
    ).encode(),
    "external dtd": b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><alert/>',
    "undeclared entity": message(identifier="&x;"),
    "lower-case doctype": b"<!doctype a><alert/>",
    "utf-16 doctype": BOMB.encode("utf-16"),
    "utf-16": message().decode().encode("utf-16"),
    "utf-32": message().decode().encode("utf-32"),
    "latin-1": message(identifier="é").decode().encode("latin-1"),
    "utf-7 declared": b'<?xml version="1.0" encoding="UTF-7"?><alert/>',
    "deep": b"<a>" * 20_000,
    "deep and closed": b"<alert>" * 4_000 + b"</alert>" * 4_000,
    "deep in the namespace": f'<alert xmlns="{NAMESPACE}">'.encode() + b"<info>" * 200,
    "elements where they may not be": message([f"<info>{info()}</info>"]),
    "wide": f'<alert xmlns="{NAMESPACE}">'.encode() + b"<code/>" * 9_000 + b"</alert>",
    "many attributes": b"<alert " + b" ".join(b"a%d='1'" % n for n in range(5_000)) + b"/>",
    "xinclude": b'<alert xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></alert>',
    "stylesheet": b'<?xml-stylesheet href="http://127.0.0.1:9/"?><a/>',
    "cdata in the root": f'<alert xmlns="{NAMESPACE}"><![CDATA[<info>]]></alert>'.encode(),
    "nul": b"<alert>\x00</alert>",
    "control character": message(identifier="a\x01b"),
    "empty": b"",
    "blank": b" \n",
    "json": b'{"specversion":"1.0"}',
    "html": b"<html><body>503</body></html>",
    "no namespace": message().replace(f' xmlns="{NAMESPACE}"'.encode(), b""),
    "wrong namespace": message().replace(b"cap:1.2", b"edxl:1.0"),
    "cap 1.1": message().replace(b"cap:1.2", b"cap:1.1"),
    "cut off": message()[:-20],
    "two roots": message() + message()[message().index(b"<alert") :],
    "huge": b"<alert>" + b" " * 70_000 + b"</alert>",
    "foreign element": message().replace(b"<status>", b'<x xmlns="urn:x"/><status>'),
    "element twice": message().replace(b"<status>", b"<status>Test</status><status>"),
    "a message in a parameter": message([info(parameters=parameter("sinergi.note", "<b>x</b>"))]),
}  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_gets_its_reason_at_once(body):
    verdict = judged(body)
    assert isinstance(verdict, Refused)
    assert refused(verdict).status in (400, 413, 422)
    assert pace.told(lambda: judged(body)) < 0.1  # B85


@pytest.mark.parametrize(
    ("name", "reason", "rule"),
    [
        ("billion laughs", "SCHEMA_INVALID", "DOCTYPE"),
        ("external entity", "SCHEMA_INVALID", "DOCTYPE"),
        ("undeclared entity", "SCHEMA_INVALID", "XML"),
        ("utf-16", "SCHEMA_INVALID", "XML"),
        ("no namespace", "SCHEMA_INVALID", "XML"),
        ("cap 1.1", "VERSION_UNKNOWN", "MAJOR"),
        ("huge", "TOO_LARGE", "SIZE"),
        ("element twice", "SCHEMA_INVALID", "FIELD"),
    ],
)
def test_the_reason_fits_the_fault(name, reason, rule):
    assert told(HOSTILE[name])[:2] == (reason, rule)
    assert judged(HOSTILE[name]).retryable is (reason == Reason.VERSION_UNKNOWN)


@given(st.data())
def test_no_damage_to_a_message_is_more_than_a_refusal(data):
    body = bytearray(message())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        kind = data.draw(st.sampled_from(["drop", "set", "double"]))
        if kind == "drop":
            del body[at : at + data.draw(st.integers(1, 40))]
        elif kind == "set":
            body[at] = data.draw(st.integers(0, 255))
        else:
            body[at:at] = body[at : at + data.draw(st.integers(1, 200))]
        if not body:
            break
    assert isinstance(judged(bytes(body)), Admitted | Refused)


@given(st.text(max_size=300))
def test_no_text_anywhere_is_more_than_a_refusal(text):
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "")
    for body in (
        message(identifier=escaped),
        message(sent=escaped),
        follow_up(references=escaped),
        message([info(parameters=PARAMETERS + parameter("sinergi.note", escaped))]),
        message([info(area=AREA.replace("0.9835,110.348 0.1", escaped))]),
    ):
        verdict = judged(body.decode().encode("utf-8", "surrogatepass"))
        assert isinstance(verdict, Admitted | Refused)


def test_the_source_is_the_one_who_is_signed_in():
    assert admitted(message(source="urn:sinergi:sumber:imi-ent:tpi")).event.source == SOURCE


def false_positive(kind, value):
    told = info(parameters=PARAMETERS + parameter("sinergi.falsePositive", value))
    return message([told]) if kind == "Alert" else follow_up(kind, infos=[told])


def test_a_cancel_may_say_that_the_suspicion_was_wrong():
    found = admitted(false_positive("Cancel", "true"))
    assert found.event.data.msgType == "FalsePositive"
    assert found.thread_id == admitted(message()).thread_id
    assert found.event.data.revision == 602
    assert data_of(false_positive("Cancel", "false"))["msgType"] == "Cancel"


@pytest.mark.parametrize(("kind", "value"), [("Alert", "true"), ("Update", "true"), ("Cancel", "ya")])
def test_nothing_but_a_cancel_says_so(kind, value):
    fields = ("/alert/info[1]/parameter[7]/value",)
    assert told(false_positive(kind, value)) == ("SCHEMA_INVALID", "FIELD", fields)


def test_a_false_positive_is_heard_after_its_message_has_expired():
    parameters = PARAMETERS + parameter("sinergi.falsePositive", "true")
    times = "<expires>2026-03-10T08:30:00+07:00</expires>"
    assert data_of(follow_up("Cancel", infos=[info(parameters=parameters, times=times)]))
