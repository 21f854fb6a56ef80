"""Packs come into force between two batches, forward only; what cannot be applied changes nothing."""

import asyncio
import json
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from sinergi_router.handlers import RouterLane
from sinergi_router.memory import Threads
from sinergi_router.metrics import RouterMetrics
from sinergi_router.reload import Reload
from sinergi_router.rules import Rules
from sinergi_shared.contracts import examples, topics
from sinergi_shared.contracts.activation import PACK_KEY, Activation, read_activation
from sinergi_shared.contracts.audit import PolicyAuditEvent, PolicyProblem, PolicyStep
from sinergi_shared.contracts.thread import POLICY_KEY
from sinergi_shared.region.activated import PackMissingError
from sinergi_shared.region.tables import PackError
from sinergi_shared.runtime.kafka import TopicsWrongError
from tests.kit.decisions import NOW, kalbar, nothing_kept, sample

LANES = 4


def activation(number):
    hash_ = f"{number:08x}" * 8
    return Activation(activation=number, policyVersion=f"kalbar-2026.11-{hash_[:8]}", hash=hash_)


def policy(number):
    """The Kalbar policy under the name of an activation."""
    return replace(kalbar(), version=activation(number).policyVersion if number else kalbar().version)


async def loaded(wanted):
    return policy(wanted.activation)


def control(one):
    event = examples.CONTROL_PACK
    data = event["data"] | {"value": one.as_control()}
    return SimpleNamespace(key=PACK_KEY, value=json.dumps(event | {"data": data}).encode())


# --- the order of activations ---


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12))
def test_what_is_in_force_only_goes_forward_whatever_comes_and_fails(told):
    good = dict(told)

    async def load(wanted):
        if not good[wanted.activation]:
            raise PackError("cannot be read")
        return policy(wanted.activation)

    async def story():
        rules, seen = Rules(policy(0), load), [0]
        for number, _ in told:
            try:
                await rules.bring(activation(number))
            except PackError:
                assert rules.current.number == seen[-1]
            seen.append(rules.current.number)
        assert seen == sorted(seen)
        assert seen[-1] == max((number for number, _ in told if good[number]), default=0)
        assert rules.current.policy.version == policy(seen[-1]).version

    asyncio.run(story())


def test_an_activation_comes_through_its_record_unchanged():
    assert read_activation(control(activation(7)).value) == activation(7)


@pytest.mark.parametrize(
    "value",
    [
        {"activation": "0"},
        {"activation": "one"},
        {"hash": "5"},
        {"policyVersion": "../../etc-2026.11-5e1f00d1"},
        {"more": "x"},
    ],
    ids=lambda value: next(iter(value)),
)
def test_an_entry_that_names_no_pack_is_no_activation(value):
    event = examples.CONTROL_PACK
    data = event["data"] | {"value": event["data"]["value"] | value}
    with pytest.raises(ValueError, match="validation error"):
        read_activation(json.dumps(event | {"data": data}).encode())


# --- a lane ---


@dataclass
class Story:
    """One lane over a compacted topic, and a process's rules."""

    rules: Rules
    offset: int = 0

    def __post_init__(self):
        self.topic = {}
        self.lane = self.fresh()

    def fresh(self):
        metrics = RouterMetrics(CollectorRegistry(), LANES)
        return RouterLane(0, self.rules, metrics, lambda: NOW, nothing_kept, Threads(100))

    def batch(self, count=2):
        """Let the lane decide so many new events, and return what it publishes."""
        records = [self._event() for _ in range(count)]
        outgoing = list(self.lane.work(records))
        for out in outgoing:
            if out.topic == topics.THREADS:
                self.topic[out.key] = out.value
        return outgoing

    async def restarted(self, rules):
        """Restore the lane from its topic, in another process."""
        self.rules = rules
        self.lane = self.fresh()
        for key, value in self.topic.items():
            self.lane.restore(SimpleNamespace(key=key, value=value, timestamp=0))
        await self.lane.rebuilt()

    def _event(self):
        self.offset += 1
        event = json.loads(json.dumps(sample("01")))
        event["id"] = f"019cd550-3750-7e84-a16f-{self.offset:012x}"
        event["subject"] = event["data"]["eventNumber"] = f"PRS-20260310-{self.offset:04}"
        return SimpleNamespace(
            topic=topics.EVENTS,
            partition=0,
            offset=self.offset,
            timestamp=int(NOW.timestamp() * 1000),
            key=None,
            value=json.dumps(event).encode(),
            headers=(),
        )


def versions(outgoing):
    """The policy versions that the alerts name."""
    return {
        json.loads(out.value)["data"]["policyVersion"]
        for out in outgoing
        if out.topic.startswith(topics.alerts(""))
    }


async def test_a_lane_takes_a_new_pack_with_its_next_batch_and_remembers_it_with_it():
    story = Story(Rules(policy(0), loaded))
    assert versions(story.batch()) == {policy(0).version}
    assert POLICY_KEY not in story.topic
    await story.rules.bring(activation(3))
    outgoing = story.batch()
    assert versions(outgoing) == {policy(3).version}
    assert json.loads(story.topic[POLICY_KEY]) == activation(3).model_dump()
    [audited] = [PolicyAuditEvent.model_validate_json(out.value) for out in outgoing if _of_policy(out)]
    assert (audited.data.step, audited.data.lane) == (PolicyStep.APPLIED, 0)
    assert not [out for out in story.batch() if out.key == POLICY_KEY or _of_policy(out)]


def _of_policy(out):
    return out.topic == topics.AUDIT and b"audit.policy" in out.value


async def test_a_lane_never_goes_back_though_its_next_owner_is_late():
    story = Story(Rules(policy(0), loaded))
    await story.rules.bring(activation(5))
    story.batch()
    late = Rules(policy(0), loaded)
    waiting = asyncio.create_task(story.restarted(late))
    await asyncio.wait(
        [waiting, asyncio.create_task(late.activations.news.wait())], return_when="FIRST_COMPLETED"
    )
    assert late.activations.wanted == activation(5)
    assert not waiting.done()
    await late.bring(late.activations.wanted)  # what `Reload` does for it
    await waiting
    assert versions(story.batch()) == {policy(5).version}


async def test_a_lane_whose_next_owner_is_ahead_goes_on_with_the_newer_pack():
    story = Story(Rules(policy(0), loaded))
    await story.rules.bring(activation(5))
    story.batch()
    ahead = Rules(policy(0), loaded)
    await ahead.bring(activation(6))
    await story.restarted(ahead)
    assert versions(story.batch()) == {policy(6).version}
    assert json.loads(story.topic[POLICY_KEY])["activation"] == 6


# --- following activations ---


class Following:
    """A `Reload` whose loading fails as told, with what it has told."""

    def __init__(self):
        self.fails = None
        self.audited = []
        self.owned = True
        self.registry = CollectorRegistry()
        self.rules = Rules(policy(0), self._load)
        self.reload = Reload(self.rules, RouterMetrics(self.registry, LANES), self._audit, lambda: NOW, "m1")

    async def _load(self, wanted):
        if self.fails is not None:
            raise self.fails
        return policy(wanted.activation)

    def take(self, record):
        self.rules.activations.take(record)

    async def _audit(self, step):
        if self.owned:
            self.audited.append((step.step, step.activation, step.problem))
        return self.owned

    @property
    def pending(self):
        told = {
            self.registry.get_sample_value("sinergi_policy_pending"),
            self.registry.get_sample_value("sinergi_operator_alert", {"kind": "policy_pending"}),
        }
        [value] = told
        return value


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (PackMissingError("away"), PolicyProblem.PACK_MISSING),
        (PackError("changed"), PolicyProblem.PACK_DAMAGED),
        (TopicsWrongError("none"), PolicyProblem.TOPICS_MISSING),
        (KeyError("a table that nobody expected"), PolicyProblem.PACK_UNUSABLE),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_pack_that_cannot_be_applied_leaves_the_old_one_and_tells_operators_until_it_can(
    error, problem
):
    following = Following()
    following.fails = error
    following.take(control(activation(2)))
    for _ in range(2):
        await following.reload.catch_up()
        assert following.rules.current.number == 0
        assert following.pending == 1
    following.fails = None
    await following.reload.catch_up()
    assert following.rules.current.number == 2
    assert following.pending == 0
    assert following.audited == [(PolicyStep.PENDING, 2, problem), (PolicyStep.RESOLVED, 2, None)]


async def test_an_activation_that_cannot_be_read_is_told_and_ends_with_the_next():
    following = Following()
    following.take(SimpleNamespace(key=PACK_KEY, value=b"{}"))
    await following.reload.catch_up()
    assert following.pending == 1
    following.take(control(activation(1)))
    await following.reload.catch_up()
    assert (following.pending, following.rules.current.number) == (0, 1)
    assert [problem for _, _, problem in following.audited] == [PolicyProblem.RECORD_UNREADABLE, None]


async def test_what_others_switch_is_no_activation():
    following = Following()
    for key, value in ((b"mute/x", b"{}"), (PACK_KEY, None)):
        following.take(SimpleNamespace(key=key, value=value))
    await following.reload.catch_up()
    assert (following.pending, following.rules.current.number) == (0, 0)


async def test_a_step_waits_for_a_lane_that_can_write_it():
    following = Following()
    following.owned, following.fails = False, PackMissingError("away")
    following.take(control(activation(1)))
    await following.reload.catch_up()
    following.owned = True
    await following.reload.catch_up()
    assert following.audited == [(PolicyStep.PENDING, 1, PolicyProblem.PACK_MISSING)]
