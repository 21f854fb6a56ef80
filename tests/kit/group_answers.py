"""What a consumer group answers to a join or a sync: on the real Kafka, and on the simulation's model."""

from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError


class FencedError(KafkaError):  # type: ignore[misc] # aiokafka ships no types
    """Another process has taken this static member's place; aiokafka knows no name for it."""


class MemberIdRequired(KafkaError):  # type: ignore[misc] # noqa: N818 - as aiokafka's own
    """Join again under this id."""

    def __init__(self, member_id: str) -> None:
        super().__init__(member_id)
        self.member_id = member_id


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer to a join; only the leader is told of the members."""

    generation: int
    member_id: str
    leader_id: str
    members: dict[str, Any] = field(default_factory=dict)
