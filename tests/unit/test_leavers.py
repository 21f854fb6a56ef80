"""An office that has left is owed the end of what it was told, and nothing else."""

import json
from datetime import timedelta

import pytest

from sinergi_router.app import load_policy
from sinergi_router.decide import case_of
from sinergi_router.policy.requests import apply_request
from sinergi_shared.contracts.codes import RequestVerb
from sinergi_shared.contracts.ids import derived_uuid
from sinergi_shared.contracts.request import Request
from sinergi_shared.region.pack import read_pack
from tests.kit.decisions import NOW, arrived, decided, kalbar, sample
from tests.kit.packs import PackCopy

LEFT = "P4MI-SGU"


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """Return the Kalbar policy after an office has left."""
    pack = PackCopy(tmp_path_factory.mktemp("left") / "pack")
    pack.edit("recipients", LEFT, active="tidak")
    pack.seal_unchecked(version="2026.12")
    return load_policy(read_pack(pack.directory))


@pytest.fixture
def threads():
    """Return a thread of which the office was told under the pack of before."""
    known = {}
    [first] = decided([arrived(sample("01"))], known)
    assert LEFT in told(first)
    return known


def told(decision):
    return {alert.notice.recipient.code: alert.full["data"]["msgType"] for alert in decision.alerts}


def follow_up(msg_type):
    document = json.loads(json.dumps(sample("01")))
    document["id"] = "019cd550-3750-7e84-a16f-91c183b0bbb1"
    document["data"] |= {"revision": 2, "msgType": msg_type}
    return arrived(document)


@pytest.mark.parametrize("msg_type", ["Cancel", "FalsePositive"])
def test_who_left_is_told_that_it_is_over(threads, without, msg_type):
    [end] = decided([follow_up(msg_type)], threads, without)
    assert told(end)[LEFT] == msg_type
    assert end.policy_version == without.version != kalbar().version


def test_who_left_is_told_of_no_update(threads, without):
    [update] = decided([follow_up("Update")], threads, without)
    assert LEFT not in told(update)
    assert "IMI-ENT" in told(update)


def test_who_left_is_recalled(threads, without):
    [thread] = threads.values()
    request = Request(threadId=thread.thread_id, verb=RequestVerb.RECALL, by="IMI-ENT", to=LEFT, at=NOW)
    case = case_of(arrived(sample("01")), without)
    done = apply_request(request, derived_uuid("recall"), thread, case, without, NOW + timedelta(minutes=1))
    assert told(done) == {LEFT: "Recall"}


def test_who_left_is_not_told_that_it_leads_no_more(threads, tmp_path):
    [thread] = threads.values()
    pack = PackCopy(tmp_path / "pack")
    pack.edit("recipients", thread.lead, active="tidak")
    pack.seal_unchecked(version="2026.12.2")
    policy = load_policy(read_pack(pack.directory))
    request = Request(threadId=thread.thread_id, verb=RequestVerb.ESCALATE, by=thread.lead, step=1, at=NOW)
    case = case_of(arrived(sample("01")), policy)
    done = apply_request(request, derived_uuid("up"), thread, case, policy, NOW + timedelta(minutes=20))
    assert list(told(done).values()) == ["Escalation"]
    assert thread.lead not in told(done)


def test_a_reload_tells_nobody_anything(threads, without):
    before = dict(threads)
    [again] = decided([arrived(sample("01"))], threads, without)
    assert again.alerts == ()
    assert threads == before
