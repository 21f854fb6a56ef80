"""The requests of one group member sent one by one to a real Kafka, as aiokafka 0.14 words them.

Its consumer would never send them in a wrong order, or in the name of a member that is gone: courses do.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient, ConnectionGroup, CoordinationType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import (
    HeartbeatRequest,
    JoinGroupRequest,
    LeaveGroupRequest,
    SyncGroupRequest,
)

from tests.kit.group_answers import FencedError, Joined, MemberIdRequired

_FENCED_INSTANCE_ID: Final = 82
_NOT_YET: Final = (
    errors.GroupCoordinatorNotAvailableError,
    errors.GroupLoadInProgressError,
    errors.NotCoordinatorForGroupError,
)
_PROTOCOL: Final = [("range", RangePartitionAssignor.metadata(["a"]).encode())]


class RealGroup:
    """A group whose members ask over connections of their own."""

    def __init__(self, bootstrap: str, name: str, session_s: float, rebalance_s: float) -> None:
        self._bootstrap = bootstrap
        self._name = name
        self._times = int(session_s * 1000), int(rebalance_s * 1000)
        self._clients: list[AIOKafkaClient] = []
        self._idle: list[AIOKafkaClient] = []
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def start(self) -> None:
        """Connect; a new Kafka needs a moment until any group has a coordinator."""
        await self._admin.start()
        while True:
            with suppress(*_NOT_YET):
                await self.described()
                return

    async def stop(self) -> None:
        """Disconnect; what still waits gets no answer."""
        for client in self._clients:
            await client.close()
        await self._admin.close()

    async def join(self, member_id: str, instance: str | None) -> Joined:
        """Return once the group has everybody, or at once when it need not wait."""
        request = JoinGroupRequest(self._name, *self._times, member_id, instance, "consumer", _PROTOCOL)
        answer = await self._send(request)
        if errors.for_code(answer.error_code) is errors.MemberIdRequired:
            raise MemberIdRequired(answer.member_id)
        _raise(answer.error_code)
        members = {told[0]: None for told in answer.members}
        return Joined(answer.generation_id, answer.member_id, answer.leader_id, members)

    async def sync(
        self, member_id: str, instance: str | None, generation: int, dealt: Mapping[str, bytes]
    ) -> bytes:
        """Return the member's share once the leader has dealt."""
        request = SyncGroupRequest(self._name, generation, member_id, instance, list(dealt.items()))
        answer = await self._send(request)
        _raise(answer.error_code)
        share: bytes = answer.member_assignment
        return share

    async def heartbeat(self, member_id: str, generation: int) -> None:
        """Keep a member from being given up."""
        _raise((await self._send(HeartbeatRequest(self._name, generation, member_id))).error_code)

    async def leave(self, member_id: str) -> None:
        """Let a member go."""
        _raise((await self._send(LeaveGroupRequest(self._name, member_id))).error_code)

    async def commit(self, member_id: str, generation: int, place: TopicPartition, offset: int) -> None:
        """Commit an offset in the name of a member."""
        topics = [(place.topic, [(place.partition, offset, "")])]
        answer = await self._send(OffsetCommitRequest(self._name, generation, member_id, -1, topics))
        [(_, [(_, code)])] = answer.topics
        _raise(code)

    async def described(self) -> tuple[str, int]:
        """Return what the group is about, in Kafka's words, and how many members it has."""
        [answer] = await self._admin.describe_consumer_groups([self._name])
        [(code, _, phase, _, _, members, *_)] = answer.groups
        _raise(code)
        return phase, len(members)

    async def committed(self) -> dict[TopicPartition, int]:
        """Return the group's offsets."""
        found = await self._admin.list_consumer_group_offsets(self._name)
        return {place: one.offset for place, one in found.items()}

    async def _send(self, request: Any) -> Any:
        # The broker reads nothing more from a connection whose last request waits.
        client = self._idle.pop() if self._idle else await self._connected()
        node = await client.coordinator_lookup(CoordinationType.GROUP, self._name)
        answer = await client.send(node, request, group=ConnectionGroup.COORDINATION)
        self._idle.append(client)
        return answer

    async def _connected(self) -> AIOKafkaClient:
        client = AIOKafkaClient(bootstrap_servers=self._bootstrap)
        await client.bootstrap()
        self._clients.append(client)
        return client


def _raise(code: int) -> None:
    if code == _FENCED_INSTANCE_ID:
        raise FencedError
    if code:
        raise errors.for_code(code)
