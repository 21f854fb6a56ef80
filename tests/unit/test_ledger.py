"""The running totals of a lane: no record without an outcome, and a stop when everything is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_router.ledger import FLOOD, FloodError, Ledger
from sinergi_shared.contracts.reasons import Outcome

OUTCOMES = st.lists(st.sampled_from(Outcome), max_size=30)


@given(st.lists(OUTCOMES, max_size=8))
def test_totals_that_count_every_record_reconcile_after_any_restart(batches):
    ledger, position = Ledger(), 0
    for batch in batches:
        position += len(batch)
        ledger.count(batch, position)
        written = ledger.record(3)
        ledger = Ledger()
        ledger.restore(written.value)
        assert ledger.unreconciled == 0
    assert position == sum(len(batch) for batch in batches)


def test_a_record_without_an_outcome_is_seen():
    ledger = Ledger()
    ledger.count([Outcome.ROUTED, Outcome.MERGED], 3)
    assert ledger.unreconciled == 1


def test_totals_go_into_the_lanes_own_partition_under_a_key_of_their_own():
    ledger = Ledger()
    ledger.count([Outcome.ROUTED], 1)
    out = ledger.record(3)
    assert (out.topic, out.key, out.partition) == ("sinergi.threads.v1", b"totals", 3)
    assert json.loads(out.value) == {"position": 1, "outcomes": {"routed": 1}}


def test_a_flood_of_rejections_stops_the_service_and_one_good_record_ends_it():
    ledger = Ledger()
    ledger.count([Outcome.REJECTED] * FLOOD, FLOOD)
    ledger.count([Outcome.ROUTED], FLOOD + 1)
    ledger.count([Outcome.REJECTED] * FLOOD, 2 * FLOOD + 1)
    with pytest.raises(FloodError):
        ledger.count([Outcome.REJECTED], 2 * FLOOD + 2)
