"""Events as the router meets them, for laws on its pure core."""

import functools
import json

from sinergi_ingest.admit import Admitted, admit
from sinergi_ops.places import PACK, SAMPLES
from sinergi_router.app import load_policy
from sinergi_router.decide import decide
from sinergi_router.policy.facts import Arrived
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.strict_json import body_digest
from sinergi_shared.region.pack import read_pack
from tests.kit.event_corpus import corpus
from tests.kit.oracle import encoded, sample_sources

NOW = parse_time("2026-03-10T23:59:00+07:00")


@functools.cache
def kalbar():
    """The policy of the Kalbar pack."""
    return load_policy(read_pack(PACK))


def arrived(document) -> Arrived | None:
    """A document as ingest would admit it, or nothing."""
    verdict = admit(encoded(document), sample_sources(), NOW)
    if not isinstance(verdict, Admitted):
        return None
    return Arrived(verdict.thread_id, verdict.event, verdict.document, body_digest(verdict.document))


@functools.cache
def hard_events(seed=21, n=600) -> tuple[Arrived, ...]:
    """Admitted events of the generated corpus, follow-ups and repeats among them."""
    return tuple(one for document in corpus(seed, n) if (one := arrived(document)) is not None)


@functools.cache
def sample(name) -> dict:
    """One of the eight scenarios by the beginning of its file's name."""
    return json.loads(next(SAMPLES.glob(f"{name}*.json")).read_bytes())


def decided(events, threads=None, policy=None, now=NOW):
    """Decide a batch and remember it in ``threads``."""
    known = {} if threads is None else threads
    decisions = decide(events, known, policy or kalbar(), now)
    for one in decisions:
        if one.thread is not None:
            known[one.thread.thread_id] = one.thread
    return decisions


async def nothing_kept(_partition, _offset):
    """A topic that keeps no event any more, for lanes that are asked nothing."""
