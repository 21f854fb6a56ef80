"""SUCCESSION: who leads after the one who leads, step by step up the ladder, or away from it.

The ladder ends after 8 steps at the latest; its last step is told to operators too. Wherever the
lead goes, the one who had it is told so: of the newest alerts of an open event, one says ``lead``.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from sinergi_router.policy.facts import Thread
from sinergi_router.policy.followup import one_owner
from sinergi_router.policy.lead import MOST_STEPS, is_recalled, ladder, province_desk
from sinergi_router.policy.request_facts import Applied, Ask, Tell, Words
from sinergi_shared.contracts.codes import AlertMsgType, Standing
from sinergi_shared.region.tables import Recipient

TAKE_OVER: Final = Words(
    "ESCALATE",
    "Kantor sebelumnya tidak mengambil alih: jawab sebelum tenggat, ambil alih atau rujuk",
    "The office before you has not taken over: answer before the deadline, take over or refer",
)
EVENT_GONE: Final = Words(
    "ESCALATE",
    "Isi kejadian tidak terbaca lagi: minta sumber mengirim ulang, lalu tentukan kantor pemimpin",
    "The event can no longer be read: ask its source to send it again, then settle who leads",
)


def climb(ask: Ask, thread: Thread, msg_type: AlertMsgType) -> Applied:
    """Move the lead one step up; at the end it stays where it is, and operators are told."""
    if ask.case is None:
        return gone(ask, thread)
    left = rungs_left(ask, thread)
    if not left:
        return Applied(replace(thread, unanswered=_alarmed(ask, thread)))
    last = len(left) == 1 or thread.step + 1 >= MOST_STEPS
    target = left[-1] if last else left[0]
    stepped = replace(
        thread, step=thread.step + 1, unanswered=thread.unanswered or (last and not ask.exercise)
    )
    return lead_to(stepped, target.code, Tell(target.code, msg_type, TAKE_OVER, asked=True))


def gone(ask: Ask, thread: Thread) -> Applied:
    """Hand what cannot be read any more to the province's desk, and tell operators.

    A desk that was told to forget the event is not asked again: the lead keeps it.
    """
    desk = province_desk(thread.lead, ask.policy).code
    if thread.unanswered and desk == thread.lead:
        return Applied(thread)
    ended = replace(thread, unanswered=_alarmed(ask, thread))
    if is_recalled(desk, thread):
        return Applied(ended)
    return lead_to(ended, desk, Tell(desk, AlertMsgType.ESCALATION, EVENT_GONE, asked=True))


def lead_to(thread: Thread, code: str, tell: Tell) -> Applied:
    """Give the lead to somebody; who had it is told, and assists if it was the owner."""
    before = thread.lead
    if before is None or before == code:
        return Applied(thread, (tell,))
    led = thread.led if before in thread.led else (*thread.led, before)
    moved = replace(thread, lead=code, led=led, informed=one_owner(thread.informed, code))
    return Applied(moved, (tell, Tell(before, AlertMsgType.UPDATE)))


def rungs_left(ask: Ask, thread: Thread) -> list[Recipient]:
    """Return who has not had the lead yet and may have it, in order; nobody after the last step."""
    if thread.step >= MOST_STEPS:
        return []
    passed = {*thread.led, thread.lead}
    return [rung for rung in _ladder(ask) if rung.code not in passed and not _is_out(thread, rung.code)]


def successor(ask: Ask, thread: Thread, leaving: Collection[str]) -> str | None:
    """Return who leads when these leave: the ladder's next, the desk, then whoever holds an alert."""
    for code in _candidates(ask, thread):
        if code not in leaving and not is_recalled(code, thread):
            return code
    return None


def _candidates(ask: Ask, thread: Thread) -> Iterator[str]:
    yield from (rung.code for rung in rungs_left(ask, thread))
    if not ask.exercise:
        yield province_desk(thread.lead, ask.policy).code
    yield from (rung.code for rung in _ladder(ask))
    yield from thread.informed


def _ladder(ask: Ask) -> list[Recipient]:
    primaries = ask.primaries()
    # An exercise never escalates: it stays among those who are primary anyway.
    return [match.recipient for match in primaries] if ask.exercise else ladder(primaries, ask.policy)


def _is_out(thread: Thread, code: str) -> bool:
    held = thread.informed.get(code)
    return held is not None and held.standing in {Standing.DECLINED, Standing.RECALLED}


def _alarmed(ask: Ask, thread: Thread) -> bool:
    return thread.unanswered or not ask.exercise
