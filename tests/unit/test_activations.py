"""The newest activation that anybody has named is tried until it is in force, and each outcome told once."""

import asyncio
import json
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from sinergi_shared.contracts import examples
from sinergi_shared.contracts.activation import PACK_KEY, Activation
from sinergi_shared.runtime import activations as room
from sinergi_shared.runtime.activations import Activations


def activation(number):
    hash_ = f"{number:08x}" * 8
    return Activation(activation=number, policyVersion=f"kalbar-2026.11-{hash_[:8]}", hash=hash_)


def record(one):
    event = examples.CONTROL_PACK
    data = event["data"] | {"value": one.as_control()}
    return SimpleNamespace(key=PACK_KEY, value=json.dumps(event | {"data": data}).encode())


UNREADABLE = SimpleNamespace(key=PACK_KEY, value=b"{}")


class Story:
    """What is followed, with what was brought and told; ``fails`` is raised by every try."""

    def __init__(self, **more):
        self.fails, self.tried, self.told = None, [], []
        self.bringing = lambda: None
        self.followed = Activations(self._bring, self._tell, **more)

    async def _bring(self, one):
        self.tried.append(one and one.activation)
        self.bringing()
        if self.fails is not None:
            raise self.fails

    def _tell(self, pending):
        self.told.append(pending and (pending.wanted and pending.wanted.activation, pending.told))

    async def took(self, *records):
        for one in records:
            self.followed.take(one)
        await self.followed.catch_up()


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8))
def test_the_newest_is_the_one_with_the_highest_number_in_whatever_order_they_come(numbers):
    async def story():
        one = Story()
        await one.took(*(record(activation(number)) for number in numbers))
        await one.took(*(record(activation(number)) for number in numbers))
        assert one.tried == [max(numbers)]

    asyncio.run(story())


async def test_what_cannot_be_brought_is_tried_every_time_and_told_once_until_it_is_told_otherwise():
    story = Story()
    story.fails = LookupError("gone")
    await story.took(record(activation(3)))
    await story.took()
    story.fails = LookupError("still gone")
    await story.took()
    story.fails = None
    await story.took()
    await story.took()
    assert story.tried == [3, 3, 3, 3]
    assert story.told == [(3, "LookupError: gone"), (3, "LookupError: still gone"), None]


async def test_a_newer_one_that_cannot_be_brought_either_is_told_too():
    story = Story()
    story.fails = LookupError("gone")
    await story.took(record(activation(3)))
    await story.took(record(activation(4)))
    assert [about for about, _ in story.told] == [3, 4]


async def test_what_is_named_while_another_is_brought_comes_next():
    story = Story()
    story.bringing = lambda: story.followed.want(activation(8))
    await story.took(record(activation(7)))
    await story.took()
    await story.took()
    assert story.tried == [7, 8]


async def test_the_first_pack_is_brought_only_where_it_is_not_in_force():
    lazy, eager = Story(first=True), Story()
    for story in (lazy, eager):
        await story.took()
        await story.took()
    assert (lazy.tried, lazy.told, eager.tried, eager.told) == ([None], [None], [], [])


async def test_a_record_that_holds_none_leaves_the_one_before_and_is_known_until_the_next():
    story = Story()
    await story.took(record(activation(2)), UNREADABLE)
    assert (story.tried, story.followed.unreadable) == ([2], True)
    await story.took(record(activation(2)))
    assert (story.tried, story.followed.unreadable) == ([2], False)


async def test_what_others_switch_is_not_looked_at():
    story = Story()
    await story.took(
        *(SimpleNamespace(key=key, value=value) for key, value in ((b"mute/x", b"{}"), (PACK_KEY, None)))
    )
    assert (story.tried, story.followed.unreadable, story.followed.news.is_set()) == ([], False, False)


async def test_news_is_heard_at_once_and_what_failed_is_tried_again_without_any(monkeypatch):
    monkeypatch.setattr(room, "RETRY_S", 3_600)
    story, tried = Story(), asyncio.Event()
    story.bringing = tried.set
    running = asyncio.create_task(story.followed.run())
    async with asyncio.timeout(10):
        story.followed.take(record(activation(1)))
        await tried.wait()
        monkeypatch.setattr(room, "RETRY_S", 0.001)
        tried.clear()
        story.fails = LookupError("gone")
        story.followed.take(record(activation(2)))
        for _ in range(3):
            await tried.wait()
            tried.clear()
    running.cancel()
    assert story.tried[:4] == [1, 2, 2, 2]
