"""A thread as it stands on ``sinergi.threads.v1``, and back."""

import orjson

from sinergi_router.policy.facts import Informed, Thread
from sinergi_shared.contracts.base import clock
from sinergi_shared.contracts.thread import Thread as ThreadRecord


def to_record(thread: Thread) -> bytes:
    """Return a thread as it stands on its topic, in the spelling of ``contracts.thread.Thread``.

    Written by hand: codes, numbers, ids and times need no escape.
    """
    informed = ",".join([f'"{code}":{_told(one)}' for code, one in thread.informed.items()])
    seen = ",".join([f'"{event}":"{digest}"' for event, digest in thread.seen.items()])
    pointer = thread.pointer
    optional = {
        "highestSeverity": thread.highest_severity,
        "lead": thread.lead,
        "step": thread.step or None,
        "led": thread.led or None,
        "unanswered": thread.unanswered or None,
        "resolution": thread.resolution,
        "requests": thread.requests or None,
        "event": {"partition": pointer.partition, "offset": pointer.offset} if pointer else None,
        "carried": thread.carried,
        "eventAt": thread.event_at,
        "decidedAt": thread.decided_at,
    }
    told = {name: value for name, value in optional.items() if value is not None}
    # The encoder spells a time as ``format_time`` does.
    more = orjson.dumps(told, option=orjson.OPT_UTC_Z)[1:].decode()
    return (
        f'{{"threadId":"{thread.thread_id}","source":"{thread.source}","eventNumber":"{thread.event_number}",'
        f'"status":"{thread.status}","state":"{thread.state}","revision":{thread.revision},'
        f'"policyVersion":"{thread.policy_version}","informed":{{{informed}}},"seen":{{{seen}}},'
        f"{more}"
    ).encode()


def _told(one: Informed) -> str:
    told = (
        f'{{"role":"{one.role}","level":"{one.level}","alertNumber":"{one.alert_number}",'
        f'"alertRevision":{one.alert_revision}'
    )
    if one.ack_due_at is not None:
        told += f',"ackDueAt":"{clock(one.ack_due_at)}"'
    if one.standing is not None:
        told += f',"standing":"{one.standing}"'
    if one.referred_by is not None:
        told += f',"referredBy":"{one.referred_by}"'
    return told + "}"


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
        resolution=record.resolution,
        seen=record.seen,
        requests=record.requests or (),
        pointer=record.event,
        carried=record.carried,
        event_at=record.eventAt,
        decided_at=record.decidedAt,
        policy_version=record.policyVersion,
    )
