"""The published document against the running service, by schemathesis: it says neither less nor more."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode, checks

from tests.real.test_ingest_service import Sender, ingest, make_topics

CHECKED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES = 25  # of each operation and media type, valid and invalid


@schemathesis.serializer("application/x-ndjson")
def as_lines(_context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
async def service(kafka, tmp_path_factory):
    sender = Sender()
    await make_topics(kafka, sender)
    async with ingest(kafka, sender, tmp_path_factory.mktemp("openapi")) as running:
        yield running


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
async def test_whatever_the_document_allows_or_forbids_is_answered_as_it_says(service, mode):
    document = (await service.client.get("/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=service.url)
    told = set()
    for found in schema.get_all_operations():
        operation = found.ok()
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
