"""A thread as it stands on ``sinergi.threads.v1``, and back."""

import orjson

from sinergi_router.policy.facts import Informed, Thread
from sinergi_shared.contracts.base import format_time
from sinergi_shared.contracts.thread import Thread as ThreadRecord


def to_record(thread: Thread) -> bytes:
    """Return a thread as it stands on its topic, in the spelling of ``contracts.thread.Thread``."""
    record = {
        "threadId": thread.thread_id,
        "source": thread.source,
        "eventNumber": thread.event_number,
        "status": thread.status,
        "state": thread.state,
        "revision": thread.revision,
        "highestSeverity": thread.highest_severity,
        "lead": thread.lead,
        "step": thread.step or None,
        "led": thread.led or None,
        "unanswered": thread.unanswered or None,
        "informed": {code: _told(one) for code, one in thread.informed.items()},
        "seen": thread.seen,
        "requests": thread.requests or None,
        "event": thread.pointer.model_dump() if thread.pointer else None,
        "carried": thread.carried,
        "eventAt": format_time(thread.event_at) if thread.event_at else None,
        "decidedAt": format_time(thread.decided_at) if thread.decided_at else None,
        "policyVersion": thread.policy_version,
    }
    return orjson.dumps(_present(record))


def _told(one: Informed) -> dict[str, object]:
    record = {
        "role": one.role,
        "level": one.level,
        "alertNumber": one.alert_number,
        "alertRevision": one.alert_revision,
        "ackDueAt": format_time(one.ack_due_at) if one.ack_due_at else None,
        "standing": one.standing,
        "referredBy": one.referred_by,
    }
    return _present(record)


def _present(record: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if value is not None}


def from_record(value: bytes) -> Thread:
    """Return the thread in a record of ours; anything else is a bug and raises."""
    record = ThreadRecord.model_validate_json(value)
    return Thread(
        thread_id=record.threadId,
        source=record.source,
        event_number=record.eventNumber,
        status=record.status,
        state=record.state,
        revision=record.revision,
        highest_severity=record.highestSeverity,
        lead=record.lead,
        informed={
            code: Informed(
                role=one.role,
                level=one.level,
                alert_number=one.alertNumber,
                alert_revision=one.alertRevision,
                ack_due_at=one.ackDueAt,
                standing=one.standing,
                referred_by=one.referredBy,
            )
            for code, one in record.informed.items()
        },
        step=record.step or 0,
        led=record.led or (),
        unanswered=record.unanswered or False,
        seen=record.seen,
        requests=record.requests or (),
        pointer=record.event,
        carried=record.carried,
        event_at=record.eventAt,
        decided_at=record.decidedAt,
        policy_version=record.policyVersion,
    )
