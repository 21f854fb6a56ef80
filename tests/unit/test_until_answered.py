"""Who starts asks Kafka again while a question stays without an answer, for as long as it may wait."""

import asyncio

import pytest
from aiokafka import errors

from sinergi_shared.runtime import kafka

PATIENT, HASTY = 3_600.0, 0.0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(kafka.random, "uniform", lambda _low, _high: 0.0)


class Broker:
    """Leaves some questions without an answer, each in its way."""

    def __init__(self, *failures):
        self.failures, self.asked, self.waited = list(failures), 0, []

    async def ask(self):
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)

    async def answered(self, within_s):
        await kafka.until_answered(["one:1"], self.ask, within_s, self.waited.append)


async def test_whatever_leaves_a_question_without_an_answer_it_is_asked_again():
    broker = Broker(
        errors.KafkaConnectionError(),
        errors.KafkaTimeoutError(),
        errors.NodeNotReadyError(),
        ConnectionResetError(),
        TimeoutError(),
        asyncio.CancelledError(),  # as a client ends a request that it gave up
    )
    await broker.answered(PATIENT)
    assert (broker.asked, len(broker.waited)) == (7, 6)


async def test_who_has_waited_for_so_long_is_told_of_whom_and_why():
    with pytest.raises(kafka.KafkaAwayError, match=r"no Kafka at one:1 after 0 s: NodeNotReadyError"):
        await Broker(errors.NodeNotReadyError()).answered(HASTY)


@pytest.mark.parametrize("error", [kafka.TopicsWrongError("none"), KeyError("a bug")], ids=repr)
async def test_an_answer_that_is_wrong_and_a_bug_are_not_waited_out(error):
    broker = Broker(error)
    with pytest.raises(type(error)):
        await broker.answered(PATIENT)
    assert broker.asked == 1


async def test_who_is_told_to_stop_stops():
    asked = asyncio.Event()

    async def silent():
        asked.set()
        await asyncio.Event().wait()

    waiting = asyncio.create_task(kafka.until_answered(["one:1"], silent, PATIENT))
    await asked.wait()
    waiting.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([waiting])
    assert waiting.cancelled()
