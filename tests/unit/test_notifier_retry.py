"""When a failed delivery is tried again (B56)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinergi_notifier.retry import SCHEDULE, next_try, wait_asked

NOW = datetime(2026, 3, 10, 1, 15, 31, tzinfo=UTC)
DUE = NOW + timedelta(minutes=15)


def wait(attempt=1, asked=None, ack_due=DUE, delivery="D" * 26):
    again = next_try(delivery=delivery, attempt=attempt, asked=asked, ack_due=ack_due, now=NOW)
    return None if again is None else (again - NOW).total_seconds()


@pytest.mark.parametrize("asked", ["7", "Tue, 10 Mar 2026 01:15:38 GMT"], ids=["seconds", "date"])
def test_an_endpoint_is_not_called_before_the_wait_it_asked_for(asked):
    assert wait(asked=asked) == 7


@pytest.mark.parametrize(
    "asked",
    ["-5", "abc", "", "7.5", "٣", "Tue, 10 Mar 2020 01:15:38 GMT", "Tue, 99 Mar 2026 01:15:38 GMT"],
    ids=["negative", "word", "empty", "fraction", "other digits", "past", "no date"],
)
def test_a_wait_that_says_nothing_leaves_our_own(asked):
    assert wait(asked=asked) == wait()
    assert 2 <= wait() <= 4


@pytest.mark.parametrize(
    "asked", ["86400", "9" * 400, "Fri, 10 Mar 2096 01:15:38 GMT"], ids=["day", "huge", "far"]
)
def test_a_long_wait_ends_before_the_answer_is_due(asked):
    assert wait(asked=asked) == 450
    assert wait(asked=asked, ack_due=None) == SCHEDULE.longest.total_seconds()
    assert wait(asked=asked, ack_due=NOW - timedelta(hours=1)) == SCHEDULE.longest.total_seconds()


def test_waits_grow_and_then_the_failure_is_for_good():
    tries = len(SCHEDULE.waits)
    waits = [wait(attempt, ack_due=None) for attempt in range(1, tries + 1)]
    assert waits == sorted(waits)
    assert wait(tries + 1) is None


def test_deliveries_that_failed_together_are_spread():
    assert len({wait(delivery=f"{number:026d}") for number in range(50)}) == 50


@given(st.text(max_size=40), st.integers(1, 5), st.integers(-3600, 86_400))
def test_whatever_is_asked_the_next_try_is_ahead_and_bounded(asked, attempt, due_in):
    due = NOW + timedelta(seconds=due_in)
    seconds = wait(attempt, asked, due)
    assert 1 <= seconds <= SCHEDULE.longest.total_seconds()
    if due_in > 2:
        assert seconds < due_in


def test_both_forms_of_retry_after_are_read():
    assert wait_asked(" 30 ", NOW) == timedelta(seconds=30)
    assert wait_asked("Tue, 10 Mar 2026 01:16:31 GMT", NOW) == timedelta(minutes=1)
    assert wait_asked("Tue, 10 Mar 2026 01:16:31", NOW) is None
    assert wait_asked(None, NOW) is None
