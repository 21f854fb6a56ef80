"""How an event ended, on its way back to its source (F39)."""

import json

from sinergi_ingest.statuses import Statuses
from sinergi_shared.contracts import topics
from sinergi_shared.contracts.codes import RequestVerb
from sinergi_shared.contracts.status import StatusEvent
from tests.kit.decisions import sample
from tests.unit.test_upkeep import Life, of


async def test_the_source_learns_how_its_event_ended_and_nothing_of_who_ended_it():
    life, statuses = Life(), Statuses()
    statuses.read_to_end("imi-ent.tpi")

    def asked(outgoing):
        told = [(out.key, out.value) for out in of(topics.status("imi-ent.tpi"), outgoing)]
        statuses.heard("imi-ent.tpi", told)
        state = statuses.of("imi-ent.tpi", sample("01")["data"]["eventNumber"])
        return state.state, state.reason, state.outcome

    first = life.send()
    assert asked(first) == ("routed", None, None)
    ended = await life.ask(verb=RequestVerb.RESOLVED, by="IMI-ENT", outcome="rescued")
    assert asked(ended) == ("routed", None, "rescued")
    [status] = of(topics.status("imi-ent.tpi"), ended)
    StatusEvent.model_validate_json(status.value)
    codes = {json.loads(out.value)["data"]["recipient"]["code"] for out in first if "alerts" in out.topic}
    assert codes
    assert not any(code.encode() in status.value for code in codes)
    assert asked(life.send()) == ("merged", "DUPLICATE", "rescued")
    life.restart()
    assert asked(life.send()) == ("merged", "DUPLICATE", "rescued")
    reopened = life.send(id="019cd550-3750-7e84-a16f-91c183b034c9", data={"revision": 2, "msgType": "Update"})
    assert asked(reopened) == ("routed", None, None)
