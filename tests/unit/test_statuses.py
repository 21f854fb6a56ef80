"""What a sender learns of its event: the last word of the topic, ``accepted`` until there is one."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from sinergi_ingest.statuses import MAX_WAITING, BehindError, Statuses
from sinergi_shared.contracts.envelope import schema_uri
from sinergi_shared.contracts.event import EXAMPLE, SuspiciousMovementEvent, read_event
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.reasons import Outcome
from sinergi_shared.contracts.status import STATUS_TYPE, EventStatus, StatusEvent

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
NUMBER, MINE = EXAMPLE["data"]["eventNumber"], "imi-ent.tpi"


def event(**data) -> SuspiciousMovementEvent:
    return read_event(EXAMPLE | {"data": EXAMPLE["data"] | data})


def record(number=NUMBER, event_id=EXAMPLE["id"], **told):
    data = {"eventId": event_id, "eventNumber": number, "revision": 1, "state": Outcome.ROUTED, "at": NOW}
    status = StatusEvent(
        id=derived_uuid("status", number),
        source="urn:sinergi:layanan:router",
        type=STATUS_TYPE,
        subject=number,
        time=NOW,
        dataschema=schema_uri("status"),
        partitionkey="p",
        data=EventStatus(**data | told),
    )
    return number.encode(), status.model_dump_json(exclude_none=True).encode()


@pytest.fixture
def statuses():
    made = Statuses()
    made.read_to_end(MINE)
    yield made
    made.close()


def test_until_the_router_has_decided_the_event_is_accepted(statuses):
    statuses.accepted(event(), NOW)
    assert statuses.of(MINE, NUMBER).state == "accepted"
    statuses.heard(MINE, [record()])
    assert statuses.of(MINE, NUMBER).state == "routed"


def test_a_router_faster_than_our_own_note_is_believed(statuses):
    statuses.heard(MINE, [record()])
    statuses.accepted(event(), NOW)
    assert statuses.of(MINE, NUMBER).state == "routed"


def test_a_new_revision_is_accepted_while_the_first_is_routed(statuses):
    statuses.heard(MINE, [record(event_id="019cd550-3750-7e84-a16f-91c183b034a6")])
    statuses.accepted(event(revision=2), NOW)
    told = statuses.of(MINE, NUMBER)
    assert (told.state, told.revision) == ("accepted", 2)


def test_the_last_word_counts_and_a_tombstone_ends_it(statuses):
    statuses.heard(MINE, [record(), record(outcome="rescued")])
    assert statuses.of(MINE, NUMBER).outcome == "rescued"
    statuses.heard(MINE, [(NUMBER.encode(), None)])
    assert statuses.of(MINE, NUMBER) is None


def test_the_same_number_of_another_source_is_another_event(statuses):
    statuses.heard("desa.laporan", [record()])
    assert statuses.of(MINE, NUMBER) is None


def test_unknown_is_not_said_before_the_topics_are_read():
    statuses = Statuses()
    with pytest.raises(BehindError):
        statuses.of(MINE, NUMBER)
    statuses.heard(MINE, [record()])
    assert statuses.of(MINE, NUMBER).state == "routed"


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"\xff", b'{"data": []}', b'{"data": {"eventId": 1}}'])
def test_a_record_that_is_no_status_tells_nothing_and_stops_nothing(statuses, value):
    statuses.accepted(event(), NOW)
    statuses.heard(MINE, [(NUMBER.encode(), value), (None, value), (b"\xff", value)])
    assert statuses.of(MINE, NUMBER).state == "accepted"


def test_memory_does_not_grow_with_the_number_of_events(statuses):
    tracemalloc.start()
    template = event()
    for number in range(MAX_WAITING + 5_000):
        data = template.data.model_copy(update={"eventNumber": f"PRS-20260310-{number:06}"})
        statuses.accepted(template.model_copy(update={"data": data}), NOW + timedelta(seconds=number))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 16_000_000
    assert statuses.of(MINE, "PRS-20260310-000000") is None  # Kafka is asked instead
    assert statuses.of(MINE, f"PRS-20260310-{MAX_WAITING:06}").state == "accepted"
