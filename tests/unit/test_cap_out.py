"""CAP 1.2 out: valid by the OASIS schema, read by a stranger, no more than its level, and back again."""

import functools
import hashlib
import json

import capparser
import pytest
from lxml import etree
from typer.testing import CliRunner

from sinergi_ingest.admit import admit
from sinergi_ingest.cap import words as backwards
from sinergi_ingest.cap.admission import admit_cap
from sinergi_ingest.cap.area import read_place
from sinergi_ingest.cap.chain import read_chain
from sinergi_ingest.cap.tree import read_tree
from sinergi_ops.cap import as_cap
from sinergi_ops.cli import app
from sinergi_ops.places import PACK, ROOT, SAMPLES
from sinergi_router.policy.facts import Arrived
from sinergi_shared.cap.words import read_words
from sinergi_shared.cap.write import NAMESPACE, Earlier, write_cap
from sinergi_shared.contracts.alert import AlertEvent
from sinergi_shared.contracts.codes import AlertMsgType, MsgType
from sinergi_shared.region.pack import read_pack
from tests.kit.decisions import NOW, decided, hard_events, sample

SCHEMA = ROOT / "tests" / "fixtures" / "cap" / "CAP-v1.2.xsd"
DOMAIN = "sinergi.example"
CAP = {"c": NAMESPACE}


@functools.cache
def pack_words():
    pack = read_pack(PACK)
    return read_words(pack.directory, pack.tables, pack.province_name)


@functools.cache
def schema():
    return etree.XMLSchema(etree.parse(SCHEMA))


@functools.cache
def alerts():
    """Every alert of the hard corpus, in the order in which they are issued."""
    bodies = [
        json.dumps(alert.full).encode()
        for decision in decided(hard_events(n=300))
        for alert in decision.alerts
    ]
    assert len(bodies) > 1_000
    return tuple(AlertEvent.model_validate_json(body) for body in bodies)


@functools.cache
def messages():
    bodies = [alert.model_dump_json(by_alias=True, exclude_none=True).encode() for alert in alerts()]
    return tuple(as_cap(bodies, pack_words(), DOMAIN))


def texts(message, path):
    return [node.text for node in etree.fromstring(message).findall(path, CAP)]


def test_the_schema_is_the_unmodified_one():
    digest = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()
    assert digest == "b7798ef25868b068c97b268bda02d067c7d4ba9373adc5638bf37105804ee723"


def test_every_alert_of_the_corpus_is_valid_cap():
    for message in messages():
        schema().assertValid(etree.fromstring(message))


def test_the_schema_would_see_a_fault():
    damaged = etree.fromstring(messages()[0].replace(b"<scope>Private</scope>", b""))
    assert not schema().validate(damaged)


def test_no_element_is_empty_and_no_value_has_blanks_around_it():
    for message in messages():
        for node in etree.fromstring(message).iter():
            assert len(node) or (node.text and node.text == node.text.strip())


def test_a_foreign_reader_reads_what_was_written():
    for alert, message in list(zip(alerts(), messages(), strict=True))[::11]:  # it takes its time
        read = capparser.parse(stringXML=message.decode())
        assert read.identifier[0] == alert.data.alertNumber
        assert (read.scope[0], read.addresses[0]) == ("Private", alert.recipientcode)
        assert read.incidents[0] == alert.data.eventNumber
        indonesian, english = read.info[0]
        assert (indonesian.language[0], english.language[0]) == ("id", "en")
        assert indonesian.headline[0] == alert.data.headline
        assert english.instruction[0] == alert.data.action.en.strip()


def test_out_and_in_again_keeps_what_both_know():
    for alert, message in zip(alerts(), messages(), strict=True):
        tree = read_tree(message)
        assert backwards.STATUS[tree.required("status")] == alert.data.status
        for info in tree.nodes("info"):
            assert backwards.SEVERITY[info.required("severity")] == alert.data.severity
            assert backwards.URGENCY[info.required("urgency")] == alert.data.urgency
            certainty = backwards.CERTAINTY.get(info.required("certainty"))
            assert certainty == alert.data.certainty
            _same_place(alert, read_place(info))


def _same_place(alert, place):
    assert place.get("adminCode") == alert.data.routing.adminCode
    told = alert.data.location
    if alert.data.disclosureLevel == "L3" and told is not None and told.lat is not None:
        assert (place["lat"], place["lon"]) == (told.lat, told.lon)
        assert place["accuracyM"] == (told.accuracyM or 0)
    else:
        assert "lat" not in place


def test_references_lead_back_to_the_first_alert_of_the_same_recipient():
    first = {}
    followed = 0
    for alert, message in zip(alerts(), messages(), strict=True):
        thread = (alert.recipientcode, alert.partitionkey)
        earlier = first.setdefault(thread, alert)
        if earlier is alert:
            assert texts(message, "c:references") == []
            continue
        followed += 1
        [told] = texts(message, "c:references")
        sender, identifier, sent = told.split()[0].split(",")
        assert (sender, identifier) == (texts(message, "c:sender")[0], earlier.data.alertNumber)
        assert sent == texts(write_cap(earlier, pack_words(), DOMAIN), "c:sent")[0]
    assert followed > 50


def test_our_own_reader_finds_the_chain_of_a_follow_up():
    alert = alerts()[0]
    later = alert.model_copy(update={"time": alert.time.replace(second=59)})
    message = write_cap(later, pack_words(), DOMAIN, (Earlier("NTF-AAAAAAAAAAAAAAAA", alert.time),))
    chain = read_chain(read_tree(message), MsgType.UPDATE)
    assert chain.event_number == alert.data.eventNumber
    assert chain.earlier[0].identifier == "NTF-AAAAAAAAAAAAAAAA"


@pytest.mark.parametrize("level", ["L1", "L2", "L3"])
def test_a_message_tells_no_more_than_its_level(level):
    found = [pair for pair in zip(alerts(), messages(), strict=True) if pair[0].disclosurelevel == level]
    assert found
    for alert, message in found:
        told = message.decode()
        assert "_" not in told.replace(alert.data.situation, "")  # no token, no code word but the situation's
        if alert.data.note is not None:
            assert alert.data.note.text not in told
        assert texts(message, "c:info/c:parameter/c:valueName").count("disclosureLevel") == 2
        if level != "L3":
            assert "<circle>" not in told
        if level == "L1":
            assert set(texts(message, "c:info/c:certainty")) == {"Unknown"}
            assert {
                value for value in texts(message, "c:info/c:onset") if value[14:16] not in QUARTERS
            } == set()


QUARTERS = ("00", "15", "30", "45")


def test_a_coarse_category_tells_by_no_class_what_it_stands_for():
    tables = read_pack(PACK).tables
    for row in tables.situations.values():
        kind = pack_words().kinds[row.l1_category]
        alike = [other for other in tables.situations.values() if other.l1_category == row.l1_category]
        assert {other.cap_category for other in alike} == {kind.category} or kind.category == "Other"
        assert kind.response is None or {other.cap_response_type for other in alike} == {kind.response}


def test_what_expires_before_it_is_sent_names_no_end():
    alert = alerts()[0].model_copy(update={"expirytime": alerts()[0].time})
    assert texts(write_cap(alert, pack_words(), DOMAIN), "c:info/c:expires") == []


def test_a_recall_names_no_situation_and_is_a_cancel():
    data = alerts()[0].data.model_copy(update={"situation": "TANPA_ISI", "msgType": AlertMsgType.RECALL})
    earlier = Earlier(alerts()[0].data.alertNumber, alerts()[0].time)
    message = write_cap(alerts()[0].model_copy(update={"data": data}), pack_words(), DOMAIN, (earlier,))
    schema().assertValid(etree.fromstring(message))
    assert texts(message, "c:msgType") == ["Cancel"]
    assert texts(message, "c:info/c:event") == ["Peringatan", "Alert"]


def test_special_characters_survive():
    name = 'Titik <3> & "dua"'
    data = alerts()[0].data.model_copy(update={"headline": name})
    message = write_cap(alerts()[0].model_copy(update={"data": data}), pack_words(), DOMAIN)
    assert texts(message, "c:info/c:headline")[0] == name
    schema().assertValid(etree.fromstring(message))


def test_the_example_for_senders_is_valid_and_routed_like_its_json_twin():
    example = (SAMPLES / "cap" / "01_tppo_pos_entikong.xml").read_bytes()
    schema().assertValid(etree.fromstring(example))
    twin = sample("01")
    read = admit_cap(example, twin["source"], {twin["source"]}, NOW)
    told = [
        [(alert.notice.recipient.code, alert.notice.role, alert.notice.level) for alert in decision.alerts]
        for event in (read, admit(json.dumps(twin).encode(), {twin["source"]}, NOW))
        for decision in decided([Arrived(event.thread_id, event.event, event.document, "d")])
    ]
    assert told[0] == told[1] != []


def test_the_command_takes_what_explain_prints():
    event = ROOT / "deploy" / "samples" / "01_tppo_pos_entikong.json"
    explained = CliRunner().invoke(app, ["explain", "--json", str(event)]).output
    told = CliRunner().invoke(app, ["cap", "-"], input=explained)
    assert told.exit_code == 0, told.output
    written = told.stdout.split("<?xml")[1:]
    assert len(written) == len(json.loads(explained)["alerts"])
    for message in written:
        schema().assertValid(etree.fromstring(f"<?xml{message}".encode()))


def test_the_command_says_what_is_no_alert_and_quotes_nothing(tmp_path):
    file = tmp_path / "peristiwa.json"
    file.write_text(json.dumps(sample("01")))
    told = CliRunner().invoke(app, ["cap", str(file)])
    assert told.exit_code == 2
    assert "Empat orang" not in told.output
