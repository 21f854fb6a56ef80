"""The published document against the running service, by schemathesis: it says neither less nor more."""

import asyncio
import hashlib

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode, checks

from tests.real.test_ingest_service import LINES, ONE, Sender, ingest, make_topics

CHECKED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
BATCH = "application/cloudevents-batch+json"
EXAMPLES = 25  # of each operation and media type, valid and invalid


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


class Senders(Sender):
    """A source that may do everything; beside it one with hardly any rate, and one that may only check."""

    def __init__(self):
        super().__init__()
        self.slow, self.checker = Sender(), Sender()

    def directory(self, folder):
        path = folder / "directory.yaml"
        sources = [entry(self), entry(self.slow), entry(self.checker, scopes=["check"])]
        sources[1]["rate"] = {"perSecond": 0.001, "burst": 1}
        path.write_text(yaml.safe_dump({"sources": sources, "recipients": {}}))
        return path


def entry(sender, **more):
    key = {"id": "t", "sha256": hashlib.sha256(sender.key.encode()).hexdigest()}
    return {"urn": sender.urn, "keys": [key | more]}


@pytest.fixture(scope="module")
async def service(kafka, tmp_path_factory):
    senders = Senders()
    for sender in (senders, senders.slow, senders.checker):
        await make_topics(kafka, sender)
    async with ingest(kafka, senders, tmp_path_factory.mktemp("openapi")) as running:
        yield running


async def published(service):
    schema = schemathesis.openapi.from_dict((await service.client.get("/openapi.json")).json())
    schema.config.update(base_url=service.url)
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
async def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(service, mode):
    told = set()
    for operation in await published(service):
        asks_something = len(operation.body) > 0 or any(operation.iter_parameters())
        if mode is GenerationMode.NEGATIVE and not asks_something:
            continue  # nothing to get wrong

        @seed(5)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case):
            key = {"Authorization": f"Bearer {service.sender.key}"}
            answer = case.call_and_validate(headers=key, checks=CHECKED)
            told.add(answer.status_code)

        await asyncio.to_thread(ask)
    assert told, "nothing was asked"
    assert max(told) < 500


async def test_each_answer_of_the_document_but_503_is_given_and_is_as_it_says(service):
    """Drawn requests never name an event that is there, nor a key that may not: so these are made.

    503 needs a Kafka that is away, and others use this one.
    """
    operations = {(one.method.upper(), one.path): one for one in await published(service)}
    told = set()
    for (method, path), asks in answers(service.sender).items():
        for key, ask, more in asks:
            case = operations[method, path].Case(**ask)
            headers = {"Authorization": f"Bearer {key}"} | more
            answer = await asyncio.to_thread(case.call_and_validate, headers=headers, checks=CHECKED)
            told.add((method, path, answer.status_code))
    documented = {
        (method, path, int(status))
        for (method, path), operation in operations.items()
        for status in operation.definition.raw["responses"]
    }
    assert {one for one in documented if one[2] != 503} == told


def answers(sender):
    """Return for each operation what is asked, in this order: key, request, more headers."""
    key, one, number = sender.key, {"media_type": ONE}, "PRS-20260310-ABCD"
    posts = [
        (key, one | {"body": sender.event(number)}, {}),
        (key, {"media_type": BATCH, "body": [sender.event(), sender.event(severity="x"), {}]}, {}),
        (key, {"media_type": LINES, "body": "{}\n[]"}, {}),
        (key, one | {"body": {}}, {}),
        ("nobody", one | {"body": {}}, {}),
        (key, one | {"body": Sender().event()}, {}),
        (key, one | {"body": sender.event(note={"text": "x" * 70_000, "lang": "id", "screened": True})}, {}),
        (key, one | {"body": sender.event()}, {"Content-Type": "text/plain"}),
        (key, one | {"body": sender.event(severity="x")}, {}),
        *[(sender.slow.key, one | {"body": sender.slow.event()}, {})] * 2,
    ]
    state = {"path_parameters": {"source": sender.name, "number": number}}
    none = {"path_parameters": {"source": sender.name, "number": "PRS-20260310-ZZZZ"}}
    states = [
        (key, state, {}),
        (key, none, {}),
        ("nobody", state, {}),
        (sender.checker.key, state, {}),
        (sender.slow.key, state, {}),
    ]
    return {
        ("POST", "/v1/events"): posts,
        ("POST", "/v1/events:check"): posts,
        ("GET", "/v1/events/{source}/{number}"): states,
        ("GET", "/v1/receipts/keys"): [(key, {}, {})],
    }
