"""One event's story as messages: an example of each contract, in the order in which they are made.

Published with the schemas and loaded by tests. Invented; no real person, vehicle, document or case.
"""

import base64
import hashlib
from typing import Any, Final

from sinergi_shared.contracts import audit, envelope, event, followup, job, rejected, response, status
from sinergi_shared.contracts.codes import ControlKind, RequestVerb
from sinergi_shared.contracts.control import control_type
from sinergi_shared.contracts.ids import alert_number, delivery_id, derived_uuid, thread_id
from sinergi_shared.contracts.request import request_type

Message = dict[str, Any]

EVENT: Final[Message] = event.EXAMPLE
_EVENT_ID: Final[str] = EVENT["id"]
_SOURCE: Final[str] = EVENT["source"]
_NUMBER: Final[str] = EVENT["subject"]
_THREAD: Final = thread_id(_SOURCE, _NUMBER)
_POLICY: Final = "kalbar-2026.11-1f2e3d4c"
_POLICY_HASH: Final = "1f2e3d4c" + 7 * "5b6a7988"
_DECIDED: Final = "2026-03-10T08:15:31+07:00"
_DUE: Final = "2026-03-10T08:30:31+07:00"
_EXPIRES: Final = "2026-03-13T08:15:31+07:00"


def _ours(service: str, type_: str, noun: str, subject: str, time: str, data: Message) -> Message:
    cause = derived_uuid("cause", type_, subject)
    return {
        "specversion": "1.0",
        "id": derived_uuid(type_, subject, time),
        "source": f"urn:sinergi:{service}",
        "type": type_,
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "dataschema": envelope.schema_uri(noun),
        "partitionkey": _THREAD,
        "correlationid": _THREAD,
        "causationid": cause,
        "data": data,
    }


def _alert(recipient: str, level: str, data: Message) -> Message:
    number = alert_number(_THREAD, _EVENT_ID, recipient)
    common = {
        "alertNumber": number,
        "alertRevision": 1,
        "eventNumber": _NUMBER,
        "eventRevision": 1,
        "msgType": "Alert",
        "status": "Actual",
        "disclosureLevel": level,
        "policyVersion": _POLICY,
        "severity": "tinggi",
        "urgency": "segera",
    }
    made = _ours("layanan:router", "id.sinergi.alert.issued.v1", "alert", number, _DECIDED, common | data)
    return made | {
        "id": derived_uuid("alert", number),
        "causationid": derived_uuid("cause", number),
        "recordedtime": _DECIDED,
        "expirytime": _EXPIRES,
        "dataclassification": "confidential" if level == "L1" else "restricted",
        "recipientcode": recipient,
        "disclosurelevel": level,
    }


ALERT: Final = _alert(
    "IMI-ENT",
    "L3",
    {
        "recipient": {"code": "IMI-ENT", "kind": "IMI", "role": "primary"},
        "lead": True,
        "routing": {"rule": "M001", "areaSource": "post", "adminCode": "61.03.21"},
        "situation": "TPPO_AT_POST",
        "suspicion": "TPPO",
        "certainty": "kemungkinan_besar",
        "headline": "Peringatan Dini: Dugaan TPPO di pos resmi/TPI - Entikong",
        "observedAt": "2026-03-10T08:12:30+07:00",
        "observedPrecision": "second",
        "reportedAt": "2026-03-10T08:15:30+07:00",
        "reportChannel": "petugas_tpi",
        "location": {"kind": "post", "placeCode": "PLBN-ENT", "adminCode": "61.03.21"},
        "people": {"count": 4, "minors": 0},
        "needs": ["pmi"],
        "indicators": [{"code": "COACHED_ANSWERS", "weight": 3, "corroborated": True}],
        "score": 3,
        "action": {
            "id": "Lakukan pemeriksaan lanjutan secara terpisah dan ramah korban; nyatakan ambil alih",
            "en": "Conduct a separate, victim-sensitive secondary check; take ownership",
        },
        "ackDueAt": _DUE,
        "escalatesTo": "IMI-KANWIL",
        "otherRecipients": ["POL-61.03", "BNPP-ENT"],
        "withheld": [],
        "redacted": [],
        "latencyMs": 240,
    },
)

ALERT_L1: Final = _alert(
    "BNPP-ENT",
    "L1",
    {
        "recipient": {"code": "BNPP-ENT", "kind": "BNPP", "role": "support"},
        "lead": False,
        "routing": {"rule": "M007", "areaSource": "post", "adminCode": "61.03.21"},
        "situation": "PEMERIKSAAN_POS",
        "headline": "Peringatan Dini: Pemeriksaan di pos - Entikong",
        "observedAt": "2026-03-10T08:00:00+07:00",
        "observedPrecision": "15min",
        "location": {"kind": "post", "placeCode": "PLBN-ENT", "adminCode": "61.03.21"},
        "people": {"count": 4},
        "action": {
            "id": "Sediakan ruang pemeriksaan yang tertutup dan koordinasi CIQS",
            "en": "Provide a private room and coordinate the post agencies",
        },
        "ackDueAt": "2026-03-10T09:15:31+07:00",
        "withheld": [{"group": "indicators", "askDesk": "IMI-KANWIL"}],
        "redacted": ["suspicion", "certainty", "movement", "people.minors", "needs", "indicators", "note"],
    },
)

JOB: Final = _ours(
    "layanan:router",
    job.JOB_TYPE,
    "job",
    _THREAD,
    _DECIDED,
    {
        "threadId": _THREAD,
        "eventId": _EVENT_ID,
        "status": "Actual",
        "severity": "tinggi",
        "decidedAt": _DECIDED,
        "receivedAt": "2026-03-10T08:15:31+07:00",
        "entries": [{"recipient": "BNPP-ENT", "full": ALERT_L1, "thin": ALERT_L1}],
    },
)

TOTALS: Final[Message] = {
    "position": 208,
    "outcomes": {"routed": 196, "merged": 5, "stopped": 3, "rejected": 4},
}

THREAD: Final[Message] = {
    "threadId": _THREAD,
    "source": _SOURCE,
    "eventNumber": _NUMBER,
    "status": "Actual",
    "state": "open",
    "revision": 1,
    "highestSeverity": "tinggi",
    "lead": "IMI-ENT",
    "informed": {
        "IMI-ENT": {
            "role": "primary",
            "level": "L3",
            "alertNumber": ALERT["subject"],
            "alertRevision": 1,
            "ackDueAt": _DUE,
        }
    },
    "seen": {_EVENT_ID: hashlib.sha256(_EVENT_ID.encode()).hexdigest()},
    "event": {"partition": 2, "offset": 4711},
    "decidedAt": _DECIDED,
    "policyVersion": _POLICY,
}

_RECEIPT: Final[Message] = {
    "alertNumber": ALERT["subject"],
    "eventNumber": _NUMBER,
    "recipient": "IMI-ENT",
    "channel": "webhook",
    "attempt": 2,
    "state": "delivered",
    "at": "2026-03-10T08:15:40+07:00",
    "httpStatus": 204,
}

RECEIPT: Final = _ours(
    "layanan:notifier", followup.RECEIPT_TYPE, "receipt", ALERT["subject"], _RECEIPT["at"], _RECEIPT
)

FOLLOWUP: Final = _ours(
    "layanan:notifier",
    followup.RECEIPT_TYPE,
    "followup",
    ALERT["subject"],
    _RECEIPT["at"],
    {
        "threadId": _THREAD,
        "deliveryId": delivery_id(ALERT["subject"], "webhook", "imi-ent-siaga"),
        "status": "Actual",
        "severity": "tinggi",
        "msgType": "Alert",
        "alertRevision": 1,
        "receipt": _RECEIPT,
        "possibleRepeat": True,
        "contact": "imi-ent-siaga",
        "job": {"id": JOB["id"], "partition": 2, "offset": 1234},
        "ackDueAt": _DUE,
        "expiresAt": _EXPIRES,
    },
)

RESPONSE: Final = _ours(
    "instansi:imi-ent",
    response.RESPONSE_TYPE,
    "response",
    ALERT["subject"],
    "2026-03-10T08:19:00+07:00",
    {
        "alertNumber": ALERT["subject"],
        "eventNumber": _NUMBER,
        "responder": "IMI-ENT",
        "action": "own",
        "at": "2026-03-10T08:19:00+07:00",
        "onTime": True,
        "etaMinutes": 5,
        "unitRef": "REGU-2",
    },
)

REQUEST: Final = _ours(
    "layanan:notifier",
    request_type(RequestVerb.OWNED),
    "request",
    _THREAD,
    "2026-03-10T08:19:01+07:00",
    {"threadId": _THREAD, "verb": "owned", "step": 1, "by": "IMI-ENT", "at": "2026-03-10T08:19:00+07:00"},
)

STATUS: Final = _ours(
    "layanan:router",
    status.STATUS_TYPE,
    "status",
    _NUMBER,
    _DECIDED,
    {
        "eventId": _EVENT_ID,
        "eventNumber": _NUMBER,
        "revision": 1,
        "state": "routed",
        "fields": [],
        "noteWithheld": False,
        "at": _DECIDED,
    },
)

AUDIT: Final = _ours(
    "layanan:router",
    audit.AUDIT_TYPE,
    "audit",
    _EVENT_ID,
    _DECIDED,
    {
        "threadId": _THREAD,
        "eventId": _EVENT_ID,
        "outcome": "routed",
        "areaSource": "post",
        "adminCode": "61.03.21",
        "areaConflict": False,
        "late": False,
        "lead": "IMI-ENT",
        "told": [
            {
                "recipient": "IMI-ENT",
                "role": "primary",
                "level": "L3",
                "rule": "M001",
                "alertNumber": ALERT["subject"],
                "alertRevision": 1,
            }
        ],
        "event": {"partition": 2, "offset": 4711},
        "decidedAt": _DECIDED,
        "policyVersion": _POLICY,
    },
)

CONTROL: Final = _ours(
    "layanan:ops",
    control_type(ControlKind.MUTE),
    "control",
    "mute/imi-skw-email",
    "2026-03-10T07:00:00+07:00",
    {
        "kind": "mute",
        "id": "imi-skw-email",
        "actor": "operator-1",
        "reason": "Server surel diperbarui; saluran lain tetap jalan",
        "value": {"channel": "email"},
        "startsAt": "2026-03-10T07:00:00+07:00",
        "endsAt": "2026-03-10T09:00:00+07:00",
    },
)

ACTIVATION: Final = {"activation": 3, "policyVersion": _POLICY, "hash": _POLICY_HASH}

CONTROL_PACK: Final = _ours(
    "layanan:ops",
    control_type(ControlKind.PACK),
    "control",
    "pack/active",
    "2026-03-10T07:00:00+07:00",
    {
        "kind": "pack",
        "id": "active",
        "actor": "operator-1",
        "reason": "Kantor baru di Entikong",
        "value": {"activation": "3", "policyVersion": _POLICY, "hash": _POLICY_HASH},
        "startsAt": "2026-03-10T07:00:00+07:00",
    },
)

AUDIT_POLICY: Final = _ours(
    "layanan:router",
    audit.POLICY_AUDIT_TYPE,
    "audit-policy",
    _POLICY,
    "2026-03-10T07:00:01+07:00",
    {
        "step": "pending",
        "activation": 3,
        "wanted": _POLICY,
        "policyVersion": "kalbar-2026.02-5e1f00d1",
        "member": "0",
        "problem": "TOPICS_MISSING",
        "decidedAt": "2026-03-10T07:00:01+07:00",
    },
)

_REFUSED: Final = b'{"specversion":"1.0","id":"019cd557-0198-7f18-848a-9ecf6e2d3ba1"'

REJECTED: Final = _ours(
    "layanan:ingest",
    rejected.REJECTED_TYPE,
    "rejected",
    rejected.UNREAD,
    "2026-03-10T08:31:44+07:00",
    {
        "rejectedId": rejected.UNREAD,
        "rejectedSource": "urn:sinergi:sumber:imi-sbs:tpi",
        "rejectedType": rejected.UNREAD,
        "reason": "SCHEMA_INVALID",
        "stage": "schema",
        "fields": [],
        "rule": "JSON",
        "retryable": False,
        "payload": base64.b64encode(_REFUSED).decode(),
        "headers": {"content-type": envelope.CONTENT_TYPE},
        "attempts": 1,
        "firstSeen": "2026-03-10T08:31:44+07:00",
        "payloadSha256": hashlib.sha256(_REFUSED).hexdigest(),
        "payloadKept": True,
        "topic": "sinergi.submitted.v1.imi-sbs.tpi",
        "partition": 0,
        "offset": 18231,
        "action": {
            "id": "Kirim satu dokumen JSON yang utuh, dengan id baru",
            "en": "Send one whole JSON document, with a new id",
        },
    },
)
