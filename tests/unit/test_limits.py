"""The token bucket: no more than the rate in the long run, nobody shut out for one large batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_ingest import patience
from sinergi_ingest.budget import LEAVE_ALONE_S, Budget
from sinergi_ingest.limits import owe, owed_for, take
from sinergi_ingest.patience import Patience
from sinergi_shared.directory import Rate, Source

RATE = Rate(perSecond=10, burst=50)
SOURCE = Source(urn="urn:sinergi:sumber:imi-ent:tpi", rate=RATE)


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 200)), max_size=60))
def test_over_any_time_no_more_is_taken_than_burst_rate_and_one_request(asked):
    bucket, now, taken, largest = None, 0.0, 0, 0
    for pause, events in asked:
        now += pause
        bucket, wait = take(bucket, RATE, events, now)
        if wait == 0:
            taken, largest = taken + events, max(largest, events)
        assert taken <= RATE.burst + RATE.perSecond * now + largest + 1e-6


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_whoever_waits_as_told_is_taken(first, second):
    bucket, _ = take(None, RATE, first, 0.0)
    refused, wait = take(bucket, RATE, second, 0.0)
    if wait > 0:
        _, again = take(refused, RATE, second, wait + 1e-6)
        assert again == 0


def test_what_must_wait_costs_nothing():
    bucket, _ = take(None, RATE, 60, 0.0)
    for _ in range(100):
        bucket, wait = take(bucket, RATE, 60, 0.0)
    assert wait == pytest.approx(1.1)


def test_a_clock_set_back_gives_and_takes_nothing():
    bucket, _ = take(None, RATE, 60, 100.0)
    assert owed_for(owe(bucket, RATE, 0, 50.0), RATE) == pytest.approx(1.1)


class Redis:
    def __init__(self):
        self.fails, self.asked = True, 0

    async def eval(self, *_):
        self.asked += 1
        if self.fails:
            raise TimeoutError
        return b"0.5"


async def test_nobody_is_refused_because_redis_is_away_and_the_rate_still_holds():
    now, redis = [0.0], Redis()
    budget = Budget(redis, lambda: now[0])
    assert [await budget.take(SOURCE, 30) for _ in range(2)] == [0, 0]
    assert await budget.take(SOURCE, 30) == pytest.approx(1.1)
    assert redis.asked == 1  # left alone meanwhile: each try may take a tenth of a second
    assert not budget.shared
    redis.fails, now[0] = False, LEAVE_ALONE_S
    assert await budget.take(SOURCE, 30) == 0.5
    assert budget.shared
    assert budget.shut_for(SOURCE) == pytest.approx(0.5)


def test_guessing_is_slowed_to_a_step_a_try_and_ends_no_later_than_the_longest():
    told = Patience()
    waits = [told.failed("10.0.0.1", 0.0) for _ in range(patience.FREE + 100)]
    assert waits[: patience.FREE] == pytest.approx([0.0] * patience.FREE)
    assert waits[patience.FREE] == pytest.approx(patience.STEP_S)
    assert max(waits) == patience.LONGEST_S
    assert told.failed("10.0.0.2", 0.0) == 0
    assert told.failed("10.0.0.1", 60.0) == 0


def test_a_thousand_addresses_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr(patience, "REMEMBERED", 100)
    told = Patience()
    for number in range(1000):
        told.failed(f"10.0.{number // 256}.{number % 256}", 0.0)
    assert len(told) == 100


def test_a_spray_from_many_addresses_is_answered_at_a_pace_too():
    told = Patience()
    waits = [told.failed(f"10.0.{n // 256}.{n % 256}", 0.0) for n in range(patience.ALL_FREE + 1000)]
    assert waits[: patience.ALL_FREE] == pytest.approx([0.0] * patience.ALL_FREE)
    assert waits[patience.ALL_FREE] == pytest.approx(patience.ALL_STEP_S)
    assert waits == sorted(waits)
    assert waits[-1] == patience.LONGEST_S
    assert told.failed("10.1.0.1", 60.0) == 0


def test_no_more_answers_are_held_back_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(patience, "MOST_HELD", 3)
    told = Patience()
    for _ in range(patience.ALL_FREE):
        told.failed("10.0.0.1", 0.0)
    with told, told:
        assert told.failed("10.0.0.2", 0.0) > 0
        with told:
            assert told.failed("10.0.0.3", 0.0) == 0
        assert told.failed("10.0.0.4", 0.0) > 0
