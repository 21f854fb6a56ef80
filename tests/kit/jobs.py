"""Jobs for the notifier: one made by hand, field by field, and those that the real router makes."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sinergi_ingest.admit import Admitted, admit
from sinergi_router.app import load_policy
from sinergi_router.decide import decide
from sinergi_router.outbox.decisions import of_decision
from sinergi_router.policy.facts import Arrived
from sinergi_shared.contracts.alert import ALERT_TYPES
from sinergi_shared.contracts.base import format_time
from sinergi_shared.contracts.codes import AlertMsgType
from sinergi_shared.contracts.ids import alert_number, derived_uuid, thread_id
from sinergi_shared.contracts.job import JobEvent
from sinergi_shared.contracts.strict_json import body_digest
from sinergi_shared.contracts.topics import JOBS
from sinergi_shared.region.pack import read_pack

ROOT = Path(__file__).parents[2]
KALBAR = ROOT / "deploy" / "regions" / "kalbar"
DAY = ROOT / "deploy" / "samples" / "day_events.jsonl"
NOW = datetime(2026, 3, 10, 1, 15, 31, tzinfo=UTC)

SECRETS = {
    "note": {"text": "CANARY-NOTE empat orang", "lang": "id", "screened": True},
    "situation": "MINOR_AT_RISK",
    "suspicion": "TPPO",
    "certainty": "kemungkinan_besar",
    "caseRef": "cas_CANARYCANARYCANA",
    "safeContactRef": "saf_CANARYCANARYCANA",
    "interpreterLanguage": "ms-MY",
    "otherRecipients": ["POL-61.03", "BP3MI"],
    "needs": ["medical"],
}
"""Fields of a full alert that no mailbox may ever see."""


def event_number(number):
    """Return an event number; ``number`` is an integer or the last part itself."""
    return f"PRS-20260310-{number:04d}" if isinstance(number, int) else f"PRS-20260310-{number}"


def thread_of(number):
    """Return the thread of an event number."""
    return thread_id("urn:sinergi:sumber:imi-ent:tpi", event_number(number))


def alert(recipient="IMI-ENT", *, number=1, revision=1, level="L1", expires=None, blind=False, **fields):
    """Return an alert as a document; ``fields`` replace those of ``data``."""
    thread = thread_of(number)
    name = alert_number(thread, str(revision), recipient)
    msg_type = AlertMsgType(fields.get("msgType", "Alert"))
    data = {
        "alertNumber": name,
        "alertRevision": revision,
        "eventNumber": event_number(number),
        "eventRevision": revision,
        "msgType": msg_type,
        "status": "Actual",
        "recipient": {"code": recipient, "kind": "IMI", "role": "primary"},
        "lead": False,
        "disclosureLevel": level,
        "policyVersion": "kalbar-2026.11-test",
        "routing": {"rule": "M001", "areaSource": "post", "adminCode": "61.03.21"},
        "situation": "PEMERIKSAAN_POS",
        "severity": "tinggi",
        "urgency": "segera",
        "headline": "Peringatan Dini: Pemeriksaan di pos - Entikong",
        "observedAt": "2026-03-10T08:00:00+07:00",
        "observedPrecision": "15min",
        "location": {"kind": "post", "adminCode": "61.03.21", "placeCode": "PLBN-ENT"},
        "people": {"count": 4, "countEstimated": False},
        "action": {"id": "Sediakan ruang pemeriksaan", "en": "Provide a private room"},
        "ackDueAt": "2026-03-10T08:30:31+07:00",
        "withheld": [],
        "redacted": [],
        **fields,
    }
    data = {key: value for key, value in data.items() if value is not None}
    event = {
        "specversion": "1.0",
        "id": derived_uuid("alert", name),
        "source": "urn:sinergi:layanan:router",
        "type": ALERT_TYPES[msg_type],
        "subject": name,
        "time": "2026-03-10T08:15:31+07:00",
        "datacontenttype": "application/json",
        "dataschema": "https://schema.sinergi.example/alert/1-0-0.json",
        "partitionkey": thread,
        "correlationid": thread,
        "dataclassification": "confidential" if level == "L1" else "restricted",
        "recipientcode": recipient,
        "disclosurelevel": level,
        "data": data,
    }
    if expires is not None:
        event["expirytime"] = format_time(expires)
    if blind:
        event["correlationid"] = event["partitionkey"] = "A" * 26
    return event


def job(*recipients, number=1, revision=1, severity="tinggi", status="Actual", now=NOW, **more):
    """Return a job event with one entry per recipient: full at L3 with secrets, thin at L1."""
    recipients = recipients or ("IMI-ENT",)
    thread = thread_of(number)
    common = {"number": number, "revision": revision, "severity": severity, "status": status, **more}
    # A full alert carries what a thin one must not.
    entries = [
        {
            "recipient": code,
            "full": alert(code, level="L3", **{**common, **SECRETS}),
            "thin": alert(code, **common),
        }
        for code in recipients
    ]
    return JobEvent.model_validate(
        {
            "specversion": "1.0",
            "id": derived_uuid("job", thread, str(revision), *recipients),
            "source": "urn:sinergi:layanan:router",
            "type": "id.sinergi.job.queued.v1",
            "subject": f"{number}",
            "time": format_time(now),
            "dataschema": "https://schema.sinergi.example/job/1-0-0.json",
            "partitionkey": thread,
            "correlationid": thread,
            "causationid": derived_uuid("event", thread),
            "data": {
                "threadId": thread,
                "eventId": derived_uuid("event", thread),
                "status": status,
                "severity": severity,
                "decidedAt": format_time(now),
                "receivedAt": format_time(now - timedelta(seconds=1)),
                "entries": entries,
            },
        }
    )


def encoded(event):
    """Return a job event's bytes as the router writes them."""
    return event.model_dump_json(by_alias=True, exclude_none=True).encode()


def sample_jobs(limit=200):
    """Return the jobs that the real admission and router make of the sample day."""
    policy, threads, jobs = load_policy(read_pack(KALBAR)), {}, []
    for body in DAY.read_bytes().splitlines()[:limit]:
        document = json.loads(body)
        now = datetime.fromisoformat(document["data"].get("reportedAt", document["time"]))
        verdict = admit(body, {document["source"]}, now)
        if not isinstance(verdict, Admitted):
            continue
        digest = body_digest(verdict.document)
        arrived = Arrived(verdict.thread_id, verdict.event, verdict.document, digest)
        [decision] = decide([arrived], threads, policy, now)
        threads[verdict.thread_id] = decision.thread or threads.get(verdict.thread_id)
        jobs += [
            JobEvent.model_validate_json(out.value) for out in of_decision(decision, 0) if out.topic == JOBS
        ]
    return jobs


def leaves(value, path=""):
    """Yield every path and scalar in a document."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, f"{path}/{key}")
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member, path)
    else:
        yield path, value


def key_of(text):
    """Return a ``whsec_`` secret that is always the same for the same text."""

    return "whsec_" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
