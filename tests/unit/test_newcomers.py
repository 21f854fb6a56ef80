"""Sources that come into the directory: read when their topics are there, and nobody waits for another."""

import pytest
from aiokafka.errors import KafkaConnectionError

from sinergi_ingest.newcomers import Newcomers
from sinergi_shared.contracts import topics
from sinergi_shared.directory import Rate, Source

OLD, NEW, LATE = (Source(urn=f"urn:sinergi:sumber:pos-{name}:tpi") for name in ("lama", "baru", "telat"))


class Kafka:
    def __init__(self, *sources):
        self.away, self.asked = False, 0
        self.sources = list(sources)

    async def counts(self):
        self.asked += 1
        if self.away:
            raise KafkaConnectionError
        names = [one.name for one in self.sources]
        return {topic: 1 for name in names for topic in (topics.submitted(name), topics.status(name))}


class Reader:
    def __init__(self):
        self.sources = []

    async def follow(self, sources):
        self.sources = list(sources)


@pytest.fixture
def kafka():
    return Kafka(OLD)


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def newcomers(kafka, reader):
    return Newcomers([OLD], kafka.counts, [reader.follow])


async def test_who_has_its_topics_is_read_although_another_has_not(newcomers, kafka, reader):
    kafka.sources.append(NEW)
    await newcomers.look([OLD, NEW, LATE])
    assert (reader.sources, newcomers.waiting) == ([OLD, NEW], {LATE.urn})
    kafka.sources.append(LATE)
    await newcomers.look([OLD, NEW, LATE])
    assert (reader.sources, newcomers.waiting) == ([OLD, NEW, LATE], frozenset())


async def test_one_topic_of_two_is_not_enough(reader):
    async def half():
        return {topics.submitted(NEW.name): 1}

    one = Newcomers([OLD], half, [reader.follow])
    await one.look([OLD, NEW])
    assert one.waiting == {NEW.urn}


async def test_kafka_is_not_asked_while_the_directory_stays_the_same(newcomers, kafka):
    await newcomers.look([OLD])
    await newcomers.look([OLD])
    assert kafka.asked == 0


async def test_a_changed_rate_reaches_the_readers(newcomers, kafka, reader):
    slower = OLD.model_copy(update={"rate": Rate(perSecond=1, burst=1)})
    await newcomers.look([slower])
    assert reader.sources == [slower]
    assert kafka.asked == 0


async def test_who_leaves_the_directory_again_is_not_waited_for(newcomers):
    await newcomers.look([OLD, LATE])
    await newcomers.look([OLD])
    assert newcomers.waiting == frozenset()


async def test_a_kafka_that_is_away_changes_nothing(newcomers, kafka, reader):
    kafka.away = True
    with pytest.raises(KafkaConnectionError):
        await newcomers.look([OLD, NEW])
    assert reader.sources == []
    kafka.away, kafka.sources = False, [OLD, NEW]
    await newcomers.look([OLD, NEW])
    assert reader.sources == [OLD, NEW]
