"""A model of one consumer group: Kafka's classic protocol, as aiokafka 0.14 words its requests.

Heartbeats and commits carry no instance, so only a join or a sync is told ``FencedError``. All members
ask for the same topics by the same assignor, so nobody joins with news. ``tests/real/test_sim_group.py``
holds it against the real one.
"""

from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from aiokafka.errors import (
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from tests.kit.group_answers import FencedError, Joined, MemberIdRequired

SESSION_S: Final = 6.0
REBALANCE_S: Final = 6.0

_T = TypeVar("_T")


class Phase(Enum):
    """What the group is about, in the words of Kafka's own description of a group."""

    EMPTY = "Empty"
    JOINING = "PreparingRebalance"
    SYNCING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(slots=True)
class Member:
    """A member; ``joining`` and ``syncing`` are its requests that wait for others."""

    id: str
    instance: str | None
    topics: Any
    heard_at: float
    joining: Future[Joined] | None = None
    syncing: Future[Any] | None = None
    dealt: Any = None


class Group:
    """The one group; ``now`` gives seconds, ``elect`` chooses a leader (Kafka takes anyone)."""

    def __init__(
        self, now: Callable[[], float], elect: Callable[[list[str]], str] = lambda joined: joined[0]
    ) -> None:
        self._now = now
        self._elect = elect
        self.members: dict[str, Member] = {}
        self.phase = Phase.EMPTY
        self.generation = 0
        self._leader: str | None = None
        self._expected: dict[str, float] = {}  # ids given out under which nobody has joined yet, and when
        self._not_synced: set[str] = set()
        self._phase_since = 0.0  # of joining, then of what follows it
        self._ids = 0

    # --- requests: an answer that waits for others is a future

    def join(self, member_id: str, instance: str | None, topics: Any) -> Future[Joined]:
        """Take a member in, or in again; one with the instance of another takes its place."""
        if not member_id and instance is None:
            self._expected[new := self._new_id("m")] = self._now()
            raise MemberIdRequired(new)
        if not member_id:
            return self._join_static(Member(self._new_id(instance), instance, topics, self._now()))
        if member_id in self._expected:
            del self._expected[member_id]
            return self._wait_for_all(Member(member_id, instance, topics, self._now()))
        member = self._known(member_id, instance)
        if self.phase is Phase.SYNCING or (self.phase is Phase.STABLE and member_id != self._leader):
            return _at_once(self._joined(member))  # its last answer was lost
        return self._wait_for_all(member)

    def sync(
        self, member_id: str, instance: str | None, generation: int, dealt: Mapping[str, Any]
    ) -> Future[Any]:
        """Give a member its share once the leader has dealt."""
        member = self._known(member_id, instance, generation)
        if self.phase is Phase.JOINING:
            raise RebalanceInProgressError
        member.heard_at = self._now()
        self._not_synced.discard(member_id)
        if self.phase is Phase.STABLE:
            return _at_once(member.dealt)
        member.syncing = waiting = get_running_loop().create_future()
        if member_id == self._leader:
            self._deal(dealt)
        return waiting

    def heartbeat(self, member_id: str, generation: int) -> None:
        """Keep a member from being given up."""
        self._known(member_id, None, generation).heard_at = self._now()
        if self.phase is Phase.JOINING:
            raise RebalanceInProgressError

    def leave(self, member_id: str) -> None:
        """Let a member go."""
        if self._expected.pop(member_id, None) is None:
            self._remove([self._known(member_id, None)])
        else:
            self._complete_join()

    def check_commit(self, member_id: str, generation: int) -> None:
        """Refuse who may not commit offsets."""
        member = self._known(member_id, None, generation)
        if self.phase is Phase.SYNCING:
            raise RebalanceInProgressError
        member.heard_at = self._now()

    def tick(self) -> None:
        """Give up who is not heard of, and go on without who is late."""
        for expected in [one for one, since in self._expected.items() if self._past(since, SESSION_S)]:
            del self._expected[expected]
            self._complete_join()
        self._remove(
            member
            for member in list(self.members.values())
            if not (member.joining or member.syncing) and self._past(member.heard_at, SESSION_S)
        )
        if self._past(self._phase_since, REBALANCE_S):
            if self.phase is Phase.JOINING:
                self._go_on_without_the_late()
            else:
                self._remove([self.members[late] for late in self._not_synced if late in self.members])

    # --- what they come to

    def _new_id(self, stem: str | None) -> str:
        self._ids += 1
        return f"{stem}-{self._ids}"

    def _past(self, since: float, limit_s: float) -> bool:
        return self._now() - since > limit_s

    def _known(self, member_id: str, instance: str | None, generation: int | None = None) -> Member:
        member = self._of_instance(instance) if instance is not None else self.members.get(member_id)
        if member is None:
            raise UnknownMemberIdError
        if member.id != member_id:
            raise FencedError
        if generation not in {None, self.generation}:
            raise IllegalGenerationError
        return member

    def _of_instance(self, instance: str | None) -> Member | None:
        return next((member for member in self.members.values() if member.instance == instance), None)

    def _join_static(self, member: Member) -> Future[Joined]:
        before = self._of_instance(member.instance)
        if before is None:
            return self._wait_for_all(member)
        del self.members[before.id]
        for waiting in (before.joining, before.syncing):
            _refuse(waiting, FencedError())
        self.members[member.id], member.dealt = member, before.dealt
        if self.phase is Phase.STABLE:  # no rebalance, and nobody need deal
            answer = Joined(self.generation, member.id, self._leader or "")
        if self._leader == before.id:
            self._leader = member.id
        return _at_once(answer) if self.phase is Phase.STABLE else self._wait_for_all(member)

    def _wait_for_all(self, member: Member) -> Future[Joined]:
        self.members[member.id] = member
        member.joining = waiting = get_running_loop().create_future()
        if self.phase is Phase.EMPTY:  # whoever comes first waits for nobody
            self._go_on_without_the_late()
        else:
            self._begin_joining()
            self._complete_join()
        return waiting

    def _begin_joining(self) -> None:
        if self.phase is Phase.JOINING:
            return
        self.phase, self._phase_since = Phase.JOINING, self._now()
        for member in self.members.values():
            _refuse(member.syncing, RebalanceInProgressError())
            member.syncing = None

    def _complete_join(self) -> None:
        everybody = all(member.joining for member in self.members.values()) and not self._expected
        if self.phase is Phase.JOINING and everybody:
            self._go_on_without_the_late()

    def _go_on_without_the_late(self) -> None:
        # A static member that is late stays: it is perhaps only being started again.
        self.members = {
            one: member for one, member in self.members.items() if member.joining or member.instance
        }
        joined = [member for member in self.members.values() if member.joining]
        self._phase_since = self._now()
        if self.members and not joined:
            return
        self.generation += 1
        self.phase = Phase.SYNCING if joined else Phase.EMPTY
        self._not_synced = set(self.members)
        if self._leader not in {member.id for member in joined}:
            self._leader = self._elect([member.id for member in joined]) if joined else None
        for member in self.members.values():
            member.heard_at = self._now()
            _answer(member.joining, self._joined(member))
            member.joining = None

    def _joined(self, member: Member) -> Joined:
        told = {one.id: one.topics for one in self.members.values()} if member.id == self._leader else {}
        return Joined(self.generation, member.id, self._leader or "", told)

    def _deal(self, dealt: Mapping[str, Any]) -> None:
        self.phase = Phase.STABLE
        for member in self.members.values():
            member.dealt = dealt.get(member.id)
            if member.syncing:
                member.heard_at = self._now()
                _answer(member.syncing, member.dealt)
                member.syncing = None

    def _remove(self, members: Iterable[Member]) -> None:
        for member in members:
            del self.members[member.id]
            self._not_synced.discard(member.id)
            _refuse(member.joining, UnknownMemberIdError())
            self._begin_joining()
            self._complete_join()


def _at_once(answer: _T) -> Future[_T]:
    future = get_running_loop().create_future()
    future.set_result(answer)
    return future


def _answer(waiting: Future[_T] | None, answer: _T) -> None:
    if waiting is not None and not waiting.done():  # else nobody waits for it any more
        waiting.set_result(answer)


def _refuse(waiting: Future[_T] | None, error: KafkaError) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_exception(error)
