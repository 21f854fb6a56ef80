"""What ingest looks at each second: the audit keeps each change that operators are told of, once."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from sinergi_ingest.metrics import IngestMetrics
from sinergi_ingest.vigil import Vigil
from sinergi_ingest.watch import Watch
from sinergi_shared.region.activated import Packs
from tests.kit.cap_messages import NOW

KINDS = ("directory", "certificates")
NOWHERE = Packs(Path("nowhere"), Path("nowhere"))


class Files:
    """What is read again at each look, with or without a problem."""

    def __init__(self):
        self.problem = None
        self.current = SimpleNamespace(sources=())

    async def refresh(self, changed):
        changed()


class ListOutbox:
    """Keeps what it is given; while ``away`` nothing, and only the first when ``tears``."""

    def __init__(self):
        self.kept, self.answers, self.tears = [], True, False

    async def publish(self, records):
        taken = records[:1] if self.tears else records
        self.kept += [json.loads(record.value)["data"] for record in taken]
        return [object() if record in taken else None for record in records]


class Story:
    def __init__(self):
        self.files = dict(zip(KINDS, (Files(), Files()), strict=True))
        self.outbox, self.registry = ListOutbox(), CollectorRegistry()
        self.watch = Watch(
            self.files["directory"],
            NOWHERE,
            self.files["certificates"],
            Vigil(0.0),
            self.outbox,
            IngestMetrics(self.registry),
            lanes=4,
            clock=lambda: NOW,
            seconds=lambda: 0.0,
        )

    async def sees(self, kind, *problems):
        for problem in problems:
            self.files[kind].problem = problem
            await self.watch.look()

    @property
    def kept(self):
        return [(one["kind"], one["active"]) for one in self.outbox.kept]

    def alert(self, kind):
        return self.registry.get_sample_value("sinergi_operator_alert", {"kind": kind, "source": "-"})


@pytest.mark.parametrize("kind", KINDS)
async def test_files_that_become_wrong_are_kept_once_and_once_again_when_they_are_right(kind):
    story = Story()
    await story.sees(kind, None, "wrong", "wrong in another way")
    assert (story.kept, story.alert(kind)) == ([(kind, True)], 1)
    await story.sees(kind, None, None, "wrong")
    assert (story.kept, story.alert(kind)) == ([(kind, True), (kind, False), (kind, True)], 1)


async def test_one_kind_of_files_says_nothing_of_the_other():
    story = Story()
    for kind in KINDS:
        await story.sees(kind, "wrong")
    await story.sees("certificates", None)
    assert story.kept == [("directory", True), ("certificates", True), ("certificates", False)]
    assert [story.alert(kind) for kind in KINDS] == [1, 0]


async def test_what_kafka_does_not_take_is_said_again_and_in_its_order():
    story = Story()
    story.outbox.answers = False
    await story.sees("directory", "wrong", None)
    await story.sees("certificates", "wrong")
    assert story.kept == []
    story.outbox.answers = story.outbox.tears = True
    await story.watch.look()
    assert story.kept == [("directory", True)]
    story.outbox.tears = False
    await story.watch.look()
    await story.watch.look()
    assert story.kept == [("directory", True), ("directory", False), ("certificates", True)]
