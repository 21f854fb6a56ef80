"""Lanes on the model of Kafka: whom the crash-loop breaker convicts, whatever becomes of its notes."""

import asyncio
from random import Random

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.protocol.commit import OffsetCommitRequest

from sinergi_shared.runtime.breaker import CONVICTING_DEATHS, SUSPICIOUS_DEATHS
from tests.chaos.sim.network import BROKEN_S, REQUEST_TIMEOUT_S, Mischief, Sender
from tests.chaos.sim.schedule import SENDS_FOR_S, Schedule, judged
from tests.chaos.sim.works import LANES, Counting, CountingLane, Killing

ALL_DEATHS = SUSPICIOUS_DEATHS + CONVICTING_DEATHS
MANY = 4 * ALL_DEATHS


def judged_of(work, plan, seed=0, *, static=True, sends_for_s=SENDS_FOR_S):
    draw = Random(seed)  # noqa: S311 - the same each time
    return judged(Schedule(seed, draw, work, plan, static=static, sends_for_s=sends_for_s))


def befalls_notes(times, sender, arrives_after_s=0.0, waits_s=BROKEN_S):
    return [Mischief(0.0, OffsetCommitRequest, arrives_after_s, sender, waits_s) for _ in range(times)]


@pytest.mark.parametrize("static", [True, False], ids=["static", "dynamic"])
@pytest.mark.parametrize("waits_s", [BROKEN_S, REQUEST_TIMEOUT_S], ids="waited {} s".format)
@pytest.mark.parametrize("arrives_after_s", [None, 0.0, 0.5, 2.0], ids="arrives after {}".format)
def test_notes_whose_answers_are_lost_convict_nobody(arrives_after_s, waits_s, static):
    plan = befalls_notes(MANY, Sender.WAITS, arrives_after_s, waits_s)
    verdict = judged_of(Counting(), plan, static=static)
    assert verdict.faults == MANY
    assert verdict.ok, "\n".join(verdict.trace)


@pytest.mark.parametrize("seed", range(12))
def test_a_deadly_record_is_convicted_and_no_other_of_either_input(seed):
    verdict = judged_of(Killing(Random(seed)), [], seed)  # noqa: S311 - the same each time
    assert verdict.ok, "\n".join(verdict.trace)


@pytest.mark.parametrize("deadly", range(LANES))
def test_no_record_is_convicted_because_a_deadly_one_of_another_lane_kills_while_it_is_in_hand(deadly):
    work = AllLookedUp(Random(0))  # noqa: S311 - the same each time
    first = next(one for one in work.sent if one.lane == deadly and one.topic == work.events_topic)
    work.deadly = first.value
    verdict = judged_of(work, [], sends_for_s=0.0)
    assert verdict.ok, "\n".join(verdict.trace)


class AllLookedUp(Killing):
    """Every record is long in hand, the deadly one shorter: others are in hand when it kills."""

    def lane(self, number, now):
        lane = super().lane(number, now)

        async def prepare(records):
            await asyncio.sleep(0.25 if any(one.value == self.deadly for one in records) else 0.5)

        lane.prepare = prepare
        return lane


@pytest.mark.parametrize("seed", range(4))
def test_a_deadly_record_is_convicted_alone_though_the_answers_to_notes_are_lost(seed):
    plan = befalls_notes(ALL_DEATHS, Sender.WAITS)
    verdict = judged_of(Killing(Random(seed)), plan, seed)  # noqa: S311 - the same each time
    assert verdict.ok, "\n".join(verdict.trace)


class Away:
    """What a lane looks up is away for some time."""

    def __init__(self, times):
        self.times = times

    def lane(self, number):
        lane = CountingLane(number)
        lane.prepare = self.prepare
        return lane

    async def prepare(self, _records):
        if self.times:
            self.times -= 1
            raise KafkaTimeoutError


def test_deaths_while_kafka_is_asked_what_a_record_points_to_convict_nobody():
    work, away = OneLane(), Away(MANY)
    work.lane = lambda number, _now: away.lane(number)
    verdict = judged_of(work, [])
    assert away.times == 0
    assert verdict.ok, "\n".join(verdict.trace)


class OneLane(Counting):
    """All records in one lane, so that every note is about its first."""

    def __init__(self):
        super().__init__()
        self.sent = [one for one in self.sent if one.lane == 0]


@pytest.mark.parametrize("killed", [ALL_DEATHS - 1, ALL_DEATHS])
def test_the_known_limit_is_a_process_killed_from_outside_as_often_with_one_record_in_hand(killed):
    """Who kills it cannot be told from Kafka: no other deaths are counted than these, in a row."""
    verdict = judged_of(OneLane(), befalls_notes(killed, Sender.DIES))
    assert any("convicted" in line for line in verdict.trace) == (killed == ALL_DEATHS)
