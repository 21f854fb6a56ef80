"""Is the source alive? A heartbeat's bytes in, who speaks and how often out; and when silence is news.

Source: contracts, sections 1 and 2; two intervals without a word are silence (F08). Any message of a
source counts as life, a refused one too: what is at fault there is told by its refusal.
"""
# ruff: noqa: N815 - a field has one spelling, the one on the wire

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from sinergi_ingest.admit import MAX_AHEAD, Claim, Refused
from sinergi_shared.contracts.base import Contract, Time, UpstreamSource, UuidV7, pointers
from sinergi_shared.contracts.reasons import Reason, Rule, Stage

HEARTBEAT_TYPE: Final = "id.sinergi.source.heartbeat.v1"
SILENT_INTERVALS: Final = 2


class Heartbeat(Contract):
    """How often the source speaks at least, and its own time."""

    intervalS: Annotated[int, Field(strict=True, ge=10, le=86_400, description="seconds")]
    at: Time


class HeartbeatEvent(Contract):
    """A heartbeat as a source sends it; what it leaves out of the envelope means nothing here."""

    model_config = ConfigDict(extra="ignore")

    specversion: Literal["1.0"]
    id: UuidV7
    source: UpstreamSource
    type: Literal["id.sinergi.source.heartbeat.v1"]
    time: Time
    data: Heartbeat


@dataclass(frozen=True, slots=True)
class Beat:
    """A source said that it lives and will speak again within so many seconds."""

    source: str
    interval_s: int
    claim: Claim


def is_heartbeat(refused: Refused) -> bool:
    """Return whether a message is no movement because it is a heartbeat."""
    return refused.claim.type == HEARTBEAT_TYPE


def read_heartbeat(
    body: bytes, refused: Refused, known_sources: Collection[str], now: datetime
) -> Beat | Refused:
    """Return the heartbeat in bytes that ``admit`` could read, or why it is none."""
    claim, hidden = refused.claim, refused.personal_data
    if refused.reason in (Reason.SOURCE_UNKNOWN, Reason.TOO_LARGE) or claim.source not in known_sources:
        return refused
    try:
        event = HeartbeatEvent.model_validate(json.loads(body))
    except ValidationError as error:
        fields = pointers(error)
        return Refused(Reason.SCHEMA_INVALID, Rule.FIELD, Stage.SCHEMA, fields, claim, personal_data=hidden)
    if event.time - now > MAX_AHEAD:
        return Refused(
            Reason.TIME_OUT_OF_RANGE, Rule.FUTURE_TIME, Stage.SCHEMA, ("/time",), claim, personal_data=hidden
        )
    return Beat(event.source, event.data.intervalS, claim)


def silent(last_heard: float, interval_s: float, now: float) -> bool:
    """Return whether a source has been quiet for two intervals; all in seconds of one clock."""
    return now - last_heard >= SILENT_INTERVALS * interval_s
