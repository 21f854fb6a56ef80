"""Laws of the router's memory: however little of it is in memory, it remembers the same."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_router.memory import AT_ONCE, Threads
from sinergi_router.policy.facts import Thread
from sinergi_router.threads import to_record
from sinergi_shared.contracts.codes import Status
from sinergi_shared.contracts.ids import thread_id
from tests.kit.decisions import NOW

SOURCE = "urn:sinergi:sumber:imi-ent:tpi"
NAMES = [f"PRS-20260310-{number:04d}" for number in range(12)]


def made(number, revision=1):
    name = NAMES[number] if number < len(NAMES) else f"PRS-20260310-{number:06d}"
    thread = Thread(thread_id(SOURCE, name), SOURCE, name, Status.ACTUAL, decided_at=NOW, policy_version="p")
    return replace(thread, revision=revision)


def kept(threads, thread, at=0):
    threads.keep(thread.thread_id.encode(), to_record(thread), at)


ids = st.integers(0, len(NAMES) - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), ids, st.integers(1, 99)),
        st.tuples(st.just("forget"), ids, st.none()),
    ),
    max_size=60,
)


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(1, 6))
def test_a_small_memory_remembers_what_an_endless_one_does(taken, cap):
    small, endless = Threads(cap), {}
    for step, number, revision in taken:
        thread = made(number, revision or 1)
        if step == "keep":
            kept(small, thread)
            endless[thread.thread_id] = thread
        else:
            small.keep(thread.thread_id.encode(), None, 0)
            endless.pop(thread.thread_id, None)
        assert len(small) == len(endless)
        assert len(small._near) <= cap
    assert small.of([made(number).thread_id for number in range(len(NAMES))]) == endless


@settings(max_examples=200, deadline=None)
@given(st.lists(ids, max_size=40), st.integers(1, 6), st.integers(0, 45), st.integers(1, 15))
def test_the_oldest_are_those_that_were_written_first(written, cap, before, most):
    threads, last = Threads(cap), {}
    for at, number in enumerate(written):
        kept(threads, made(number), at)
        last.pop(number, None)
        last[number] = at
    due = [made(number).thread_id for number, at in last.items() if at < before]
    assert [thread.thread_id for thread in threads.oldest(before, most)] == due[:most]


def test_what_exceeds_the_cap_is_found_in_the_file():
    threads = Threads(2 * AT_ONCE)
    many = [made(number) for number in range(5 * AT_ONCE)]
    for thread in many:
        kept(threads, thread)
    assert len(threads._near) <= 2 * AT_ONCE
    assert threads.of([one.thread_id for one in many]) == {one.thread_id: one for one in many}
