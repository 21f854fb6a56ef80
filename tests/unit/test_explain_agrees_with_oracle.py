"""``explain`` held against the oracle: the same answer from two readings of the documents."""

import pytest

from sinergi_ops.explain import explain
from sinergi_ops.places import PACK
from sinergi_router.app import load_policy
from sinergi_shared.region.pack import read_pack
from tests.kit.event_corpus import corpus, decimals, edges, empty_notes
from tests.kit.oracle import Answer, encoded, explain_all, sample_events, sample_sources

NOTICE = ("recipient", "role", "lead", "disclosure", "ackMinutes", "rule")


@pytest.fixture(scope="module")
def policy():
    return load_policy(read_pack(PACK))


def _told(answer: Answer) -> Answer:
    """What both must say alike; of a message that is not routed only its fate."""
    fate = {"outcome": answer["outcome"], "reason": answer["reason"]}
    if answer["outcome"] != "routed":
        return fate
    notices = sorted([alert[name] for name in NOTICE] for alert in answer["alerts"])
    whole = {name: answer[name] for name in ("id", "eventNumber", "area", "severity")}
    return {**fate, **whole, "alerts": notices}


def _disagreements(documents, policy) -> list[tuple[object, Answer, Answer]]:
    bodies = [encoded(document) for document in documents]
    ours = explain(bodies, policy, sample_sources())
    both = zip(documents, explain_all(documents), ours, strict=True)
    return [
        (document, _told(oracle), _told(answer))
        for document, oracle, answer in both
        if _told(oracle) != _told(answer)
    ]


def test_the_samples_in_one_sequence_get_the_same_answers(policy):
    assert _disagreements(sample_events(), policy) == []


@pytest.mark.parametrize("seed", [11, 12])
def test_hard_events_get_the_same_answers(policy, seed):
    assert _disagreements(corpus(seed, 1500), policy)[:3] == []


def test_a_point_exactly_on_a_line_belongs_to_the_lowest_code(policy):
    assert _disagreements(corpus(13, 200, (edges,)), policy)[:3] == []


def test_a_heading_may_have_decimals(policy):
    assert _disagreements(corpus(14, 20, (decimals,)), policy)[:3] == []


def test_a_note_may_be_empty(policy):
    assert _disagreements(corpus(15, 20, (empty_notes,)), policy)[:3] == []
