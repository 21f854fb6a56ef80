"""Who is next (F36, law 10)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sinergi_notifier.queue import Queue, Waiting

NOW = datetime(2026, 3, 10, 1, 15, 31, tzinfo=UTC)


def waiting(name, *, rank=3, due=0, endpoint="a", at_once=1, queued=0):
    return Waiting(
        rank, NOW + timedelta(seconds=due), NOW + timedelta(seconds=queued), name, endpoint, at_once
    )


def drained(queue, now=NOW):
    order = []
    while (one := queue.take(now)) is not None:
        order.append(one.delivery)
        queue.done(one)
    return order


def test_a_critical_one_overtakes_five_hundred_that_waited_longer():
    queue = Queue()
    for number in range(500):
        queue.put(waiting(f"low {number}", queued=number), NOW)
    queue.put(waiting("critical", rank=0, queued=999), NOW)
    assert drained(queue)[0] == "critical"


def test_among_equals_the_one_that_is_due_first_goes_first():
    queue = Queue()
    for name, due in (("late", 900), ("soon", 60), ("later", 3600)):
        queue.put(waiting(name, due=due), NOW)
    assert drained(queue) == ["soon", "late", "later"]


def test_a_busy_endpoint_holds_up_only_what_is_meant_for_itself():
    queue = Queue()
    for name, endpoint in (("s1", "slow"), ("s2", "slow"), ("s3", "slow"), ("f1", "fast")):
        queue.put(waiting(name, endpoint=endpoint, rank=0 if endpoint == "slow" else 3), NOW)
    first, second = queue.take(NOW), queue.take(NOW)
    assert (first.delivery, second.delivery) == ("s1", "f1")
    assert queue.take(NOW) is None
    queue.done(first)
    assert queue.take(NOW).delivery == "s2"


def test_a_retry_waits_for_its_time():
    queue = Queue()
    later = NOW + timedelta(seconds=5)
    queue.put(waiting("retry"), later)
    assert queue.take(NOW) is None
    assert queue.next_time() == later
    assert queue.take(later).delivery == "retry"
    assert queue.next_time() is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99), st.sampled_from("abc")), max_size=60))
def test_everything_in_line_goes_out_exactly_once_gravest_first(items):
    queue = Queue()
    for number, (rank, due, endpoint) in enumerate(items):
        queue.put(waiting(str(number), rank=rank, due=due, endpoint=endpoint, queued=number), NOW)
    order = [int(name) for name in drained(queue)]
    assert sorted(order) == list(range(len(items)))
    assert [items[number][:2] for number in order] == sorted(item[:2] for item in items)


@given(st.lists(st.sampled_from("abc"), max_size=40), st.integers(1, 4))
def test_an_endpoint_never_gets_more_at_once_than_it_bears(endpoints, at_once):
    queue, under_way = Queue(), []
    for number, endpoint in enumerate(endpoints):
        queue.put(waiting(str(number), endpoint=endpoint, at_once=at_once), NOW)
    while (one := queue.take(NOW)) is not None:
        under_way.append(one.endpoint)
    for endpoint in "abc":
        assert under_way.count(endpoint) == min(at_once, endpoints.count(endpoint))
