"""The walk of ``make chaos S=router-scale`` is the one that was asked for, whatever is drawn."""

import random

import pytest

from tests.chaos.scenarios.router_scale import FEWEST, MOST, Change, walk

CHANGES = 50


@pytest.mark.parametrize("seed", range(200))
def test_a_walk_visits_every_size_and_half_of_it_are_kills(seed):
    changes = list(walk(random.Random(seed), CHANGES))  # noqa: S311 - the same walks each time
    sizes = [FEWEST]
    for change in changes:
        grown = {Change.JOIN: 1, Change.LEAVE: -1, Change.KILL: -1, Change.CRASH: 0}[change]
        sizes.append(sizes[-1] + grown)
    assert set(sizes) == set(range(FEWEST, MOST + 1))
    assert len(changes) == CHANGES
    assert sum(change in {Change.KILL, Change.CRASH} for change in changes) == CHANGES // 2
