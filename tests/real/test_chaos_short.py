"""Two short forms of ``make chaos`` on one Kafka: what a kill and a poisoned lane must not do."""

import pytest

from tests.chaos.scenarios import poison, router_kill
from tests.chaos.world import Options, one_node


@pytest.fixture(scope="module")
async def world(tmp_path_factory):
    async with one_node(Options(quick=True, seed=4), tmp_path_factory.mktemp("chaos")) as found:
        yield found


async def test_kills_lose_nothing_and_double_nothing(world):
    result = await router_kill.run(world)
    assert result.problems == []


async def test_records_that_nobody_can_bear_are_refused_once_and_stop_nobody_else(world):
    result = await poison.run(world)
    assert result.problems == []
