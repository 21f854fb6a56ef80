"""The verdict where packs change: each event exactly as one pack says, and along a lane no pack comes back.

Who must be told is what the oracle says for the pack that the event's alerts name. Nothing here
comes from a counter of ours.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.ids import alert_number
from sinergi_shared.region.pack import read_pack
from tests.chaos import checker
from tests.chaos.checker import Findings, Offsets
from tests.chaos.templates import Sent, Template, made, templates
from tests.kit.oracle import Oracle, Tables, kalbar, sample_sources
from tests.kit.packs import KALBAR

Key = tuple[str, str]
"""Topic and subject of a record."""

Told = tuple[str, str]
"""Role and disclosure level."""


@dataclass(slots=True)
class ByPolicy:
    """What each pack says, and what was found; numbers are those of activations, 0 the settings' pack."""

    numbers: dict[str, int] = field(default_factory=dict)
    said: dict[str, dict[Template, dict[str, Told]]] = field(default_factory=dict)
    decided: Counter = field(default_factory=Counter)  # events by activation
    otherwise: list[str] = field(default_factory=list)
    flips: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.knows(KALBAR, 0)

    def knows(self, pack: Path, number: int) -> str:
        """Ask the oracle what this pack says, and return its policy version."""
        version = read_pack(pack).policy_version
        self.numbers[version] = number
        self.said[version] = said(Oracle(Tables(pack, kalbar().geo), sample_sources()))
        return version

    @property
    def figures(self) -> dict[str, Any]:
        """Return how many records were compared with what."""
        return {"packs": len(self.numbers), "told_otherwise": len(self.otherwise), "flips": len(self.flips)}

    async def check(self, bootstrap: list[str], since: Offsets, acked: Iterable[Sent]) -> Findings:
        """Compare all records after ``since`` with what the acknowledged events must have caused."""
        findings = Findings()
        seen: dict[Key, list[tuple[str, Told]]] = defaultdict(list)
        named: dict[str, str] = {}  # event to the version that its job names
        latest: dict[int, int] = defaultdict(int)  # lane to the highest activation so far
        async for record in checker.records(bootstrap, since, findings):
            event = orjson.loads(record.value)
            if record.topic == topics.REJECTED:
                findings.refused.append(event["data"])
            elif record.topic == topics.JOBS:
                seen[record.topic, event["subject"]].append(("", ("", "")))
                named[event["subject"]] = self._job(record, event, latest)
            else:
                seen[record.topic, event["subject"]].append(_alert(event["data"]))
        self._compare(list(acked), named, seen, findings)
        return findings

    def _job(self, record: Any, event: dict[str, Any], latest: dict[int, int]) -> str:
        versions = {entry["full"]["data"]["policyVersion"] for entry in event["data"]["entries"]}
        if len(versions) > 1:
            self.otherwise.append(f"{event['subject']} names {sorted(versions)}")
        version = min(versions)
        number = self.numbers.get(version, -1)
        self.decided[number] += 1
        if number < latest[record.partition]:
            self.flips.append(
                f"lane {record.partition}, offset {record.offset}: {number} after {latest[record.partition]}"
            )
        latest[record.partition] = max(number, latest[record.partition])
        return version

    def _compare(
        self,
        acked: list[Sent],
        named: dict[str, str],
        seen: dict[Key, list[tuple[str, Told]]],
        findings: Findings,
    ) -> None:
        wanted: dict[Key, tuple[str, Told]] = {}
        for one in acked:
            version = named.get(one.event_id)
            wanted[topics.JOBS, one.event_id] = ("", ("", ""))
            if version is None or version not in self.said:
                continue  # without a job it is lost anyway
            name = topics.drills if one.template.exercise else topics.alerts
            for code, told in self.said[version][one.template].items():
                number = alert_number(one.thread, one.event_id, code)
                wanted[name(code), number] = (version, told)
        findings.expected = len(wanted)
        findings.lost = Counter({key: 1 for key in wanted if key not in seen})
        findings.extra = Counter({key: len(found) for key, found in seen.items() if key not in wanted})
        findings.duplicated = Counter({key: len(found) for key, found in seen.items() if len(found) > 1})
        self.otherwise += [
            f"{key[0]} {key[1]}: {found[0]} instead of {wanted[key]}"
            for key, found in seen.items()
            if key in wanted and found[0] != wanted[key]
        ]


def _alert(data: dict[str, Any]) -> tuple[str, Told]:
    return data["policyVersion"], (data["recipient"]["role"], data["disclosureLevel"])


def said(oracle: Oracle) -> dict[Template, dict[str, Told]]:
    """Return whom each template tells by an oracle's pack, and how."""
    told = {}
    for number, template in enumerate(templates()):
        answer = oracle.explain(template.event(made(template, "0000", number, 1)))
        assert answer["outcome"] == "routed", answer
        told[template] = {
            alert["recipient"]: (alert["role"], alert["disclosure"]) for alert in answer["alerts"]
        }
    return told
