"""REQUEST: what each verb does to an open thread: it moves the lead, widens or narrows who knows, ends it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from sinergi_router.policy.facts import Thread
from sinergi_router.policy.followup import resolved
from sinergi_router.policy.lead import MOST_STEPS, is_recalled, province_desk
from sinergi_router.policy.request_facts import Applied, Ask, Case, Tell, Verdict, Words
from sinergi_router.policy.succession import TAKE_OVER, climb, gone, lead_to, rungs_left, successor
from sinergi_shared.contracts.codes import (
    AlertMsgType,
    Level,
    Onward,
    RequestVerb,
    Resolution,
    Role,
    Standing,
)
from sinergi_shared.contracts.reasons import Reason

HANDED_ON: Final = Words(
    "REFER",
    "Dirujuk kepada Anda: jawab sebelum tenggat; kantor perujuk bertanggung jawab sampai Anda ambil alih",
    "Referred to you: answer before the deadline; the referring office stays responsible until you take over",
)
FORGET: Final = Words(
    "RECALL",
    "Peringatan ini ditarik: hapus catatan yang dibuat darinya; tidak perlu tanggapan",
    "This alert is withdrawn: delete what was noted from it; no reply needed",
)


def judge(ask: Ask) -> Verdict:
    """Return what a request comes to; its thread is open and has a lead."""
    return _VERBS[ask.request.verb](ask)


def _escalate(ask: Ask) -> Verdict:
    """Apply the next step when the lead has let its deadline pass; nobody else's is on the ladder."""
    thread, request = ask.thread, ask.request
    overdue = ask.timed and request.by == thread.lead and thread.owner is None
    if ask.exercise or not overdue or request.step != thread.step + 1:
        return Reason.STALE
    climbed = climb(ask, thread, AlertMsgType.ESCALATION)
    return Reason.STALE if climbed.thread == thread else climbed


def _owned(ask: Ask) -> Verdict:
    """Give the lead to who takes over; a second one assists, unless it was handed on to them."""
    thread, by = ask.thread, ask.request.by
    held = thread.informed.get(by)
    if held is None or held.recalled:
        return Reason.STALE
    taken = thread.owner is not None and held.referred_by != thread.owner
    if by == thread.owner or (taken and held.standing is Standing.ASSISTING):
        return Reason.DUPLICATE
    if taken:
        return Applied(_standing(thread, by, Standing.ASSISTING))
    owned = replace(_standing(thread, by, Standing.OWNED), unanswered=False)
    if by == thread.lead:
        return Applied(owned)
    return lead_to(owned, by, Tell(by, AlertMsgType.UPDATE))


def _declined(ask: Ask) -> Verdict:
    """Note who declines; when it is the lead, the next of the ladder leads."""
    thread, request = ask.thread, ask.request
    held = thread.informed.get(request.by)
    if held is None or held.recalled:
        return Reason.STALE
    if held.standing is Standing.DECLINED:
        return Reason.DUPLICATE
    declined = _standing(thread, request.by, Standing.DECLINED)
    if request.by != thread.lead:
        return Applied(declined)
    if request.step not in {None, thread.step + 1}:
        return Reason.STALE
    return climb(ask, declined, AlertMsgType.UPDATE)


def _refer(ask: Ask) -> Verdict:
    """Tell another office at its own level; the lead stays until that one owns."""
    thread, request = ask.thread, ask.request
    by, to = thread.informed.get(request.by), ask.policy.tables.recipients.get(request.to or "")
    if by is None or by.recalled or to is None or to.code in {request.by, thread.lead}:
        return Reason.STALE
    if not to.active or to.cap < Level.L1 or is_recalled(to.code, thread) or _originator_first(ask.case):
        return Reason.NOT_ALLOWED
    known = thread.informed.get(to.code)
    if known is not None and known.referred_by == request.by:
        return Reason.DUPLICATE
    if ask.case is None:
        return gone(ask, thread)
    return Applied(thread, (Tell(to.code, AlertMsgType.UPDATE, HANDED_ON, asked=True),))


def _recall(ask: Ask) -> Verdict:
    """Take the event back from one holder, or from all; who must still answer for it keeps it."""
    thread, to = ask.thread, ask.request.to
    leaving = [code for code, held in thread.informed.items() if to in {None, code} and not held.recalled]
    after, heir = thread, successor(ask, thread, leaving)
    if thread.lead in leaving and heir is None:
        heir = _who_keeps(ask, leaving)
        leaving.remove(heir)
    if not leaving:
        return (
            Reason.STALE if to is None or is_recalled(to, thread) or to != thread.lead else Reason.NOT_ALLOWED
        )
    for code in leaving:
        after = _standing(after, code, Standing.RECALLED)
    recalls = tuple(Tell(code, AlertMsgType.RECALL, FORGET) for code in leaving)
    if thread.lead not in leaving or heir is None:
        return Applied(after, recalls)
    return Applied(_inherited(ask, after, heir), (*recalls, _heir_is_told(heir)))


def _resolved(ask: Ask) -> Verdict:
    """End the event as its lead says; who only assists or holds a copy cannot end it."""
    if ask.request.outcome is None or ask.request.by != ask.thread.lead:
        return Reason.STALE
    return _ended(ask, ask.request.outcome)


def _false_positive(ask: Ask) -> Verdict:
    """End the event as not confirmed when a primary says so; another primary that owns it decides itself."""
    thread, by = ask.thread, ask.request.by
    held, owner = thread.informed.get(by), thread.owner
    if held is None or held.recalled or held.role is not Role.PRIMARY:
        return Reason.STALE
    if owner not in {None, by} and thread.informed[owner or ""].role is Role.PRIMARY:
        return Reason.STALE
    return _ended(ask, Resolution.NOT_CONFIRMED)


def _ended(ask: Ask, resolution: Resolution) -> Applied:
    # A closed event has no lead, and the newest alert of who led says so.
    lead = Tell(str(ask.thread.lead), AlertMsgType.UPDATE)
    return Applied(resolved(ask.thread, resolution), (lead,))


def _who_keeps(ask: Ask, leaving: list[str]) -> str:
    desk = province_desk(ask.thread.lead, ask.policy).code
    return desk if desk in leaving else str(ask.thread.lead)


def _inherited(ask: Ask, thread: Thread, heir: str) -> Thread:
    on_ladder = heir in {rung.code for rung in rungs_left(ask, ask.thread)}
    step = min(thread.step + 1, MOST_STEPS) if on_ladder else thread.step
    ended = thread.unanswered or not (on_ladder or ask.exercise)
    return lead_to(replace(thread, step=step, unanswered=ended), heir, _heir_is_told(heir)).thread


def _heir_is_told(heir: str) -> Tell:
    return Tell(heir, AlertMsgType.UPDATE, TAKE_OVER, asked=True)


def _later(_ask: Ask) -> Verdict:
    return Reason.TYPE_UNSUPPORTED


def _standing(thread: Thread, code: str, standing: Standing) -> Thread:
    held = thread.informed[code]
    referred_by = held.referred_by if standing is Standing.OWNED else None
    held = held._replace(standing=standing, referred_by=referred_by)
    return replace(thread, informed={**thread.informed, code: held})


def _originator_first(case: Case | None) -> bool:
    handling = case.arrived.event.data.handling if case is not None else None
    return handling is not None and handling.onward is Onward.ASK


_VERBS: Final[Mapping[RequestVerb, Callable[[Ask], Verdict]]] = {
    RequestVerb.ESCALATE: _escalate,
    RequestVerb.OWNED: _owned,
    RequestVerb.DECLINED: _declined,
    RequestVerb.REFER: _refer,
    RequestVerb.RECALL: _recall,
    RequestVerb.RESOLVED: _resolved,
    RequestVerb.FALSE_POSITIVE: _false_positive,
    RequestVerb.ASK: _later,
}
