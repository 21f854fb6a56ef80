"""The demo's account: one JSON file for scripts, one table for people."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from statistics import quantiles
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from sinergi_ops.demo.expected import Verdict
from sinergi_ops.demo.outside import Seen
from sinergi_ops.demo.replay import Sent
from sinergi_shared.contracts.base import parse_time
from sinergi_shared.contracts.codes import AlertMsgType, Channel, DeliveryState

Json = dict[str, Any]

_STAGES: Final = {
    "receive_to_decide": "diterima sampai diputuskan / received to decided",
    "decide_to_agency": "diputuskan sampai terbaca instansi / decided to read by the agency",
    "decide_to_email": "diputuskan sampai surat terkirim / decided to e-mail sent",
    "decide_to_webhook": "diputuskan sampai webhook diterima / decided to webhook taken",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the mail sink and the webhook receiver hold: the agencies' side of it."""

    mails: int
    webhooks: int


@dataclass(frozen=True, slots=True)
class Account:
    """All that the demo knows at its end."""

    sent: list[Sent]
    seen: Seen
    verdict: Verdict
    arrived: Arrived
    seconds: Mapping[str, float]

    @property
    def trouble(self) -> tuple[str, ...]:
        """What is wrong, in words; empty when all is as it must be."""
        told = deliveries(self.seen)
        mails, hooks = _arrivals(told, Channel.EMAIL), _arrivals(told, Channel.WEBHOOK)
        unanswered = [one.document["id"] for one in self.sent if one.receipt.unavailable]
        checks = (
            (self.verdict.good, "expected rows: see report.json"),
            (mails == self.arrived.mails, f"e-mails told {mails}, in the mailbox {self.arrived.mails}"),
            (
                hooks == self.arrived.webhooks,
                f"webhooks told {hooks}, at the receiver {self.arrived.webhooks}",
            ),
            (self.seen.delivered(), "some deliveries have not ended"),
            (not unanswered, f"messages without an answer: {len(unanswered)}"),
        )
        return tuple(text for good, text in checks if not good)


def as_json(account: Account) -> Json:
    """Return ``report.json``: shape in the architecture, 7."""
    seen, counts = account.seen, account.seen.outcome_counts()
    return {
        "in": {"total": len(account.sent), **Counter(one.way for one in account.sent)},
        **{state: counts[state] for state in ("routed", "merged", "stopped", "rejected")},
        "rejectedByReason": dict(Counter(data["reason"] for data in seen.rejected)),
        "alerts": {
            "total": len(seen.alerts),
            "byRecipient": dict(sorted(Counter(alert["recipientcode"] for alert, _ in seen.alerts).items())),
        },
        "deliveries": deliveries(seen),
        "arrived": asdict(account.arrived),
        "answers": seen.answers,
        "escalations": sum(alert["data"]["msgType"] == AlertMsgType.ESCALATION for alert, _ in seen.alerts),
        "latencyMs": latency(seen),
        "expected": {
            "rows": account.verdict.rows,
            "met": account.verdict.met,
            "missing": list(account.verdict.missing),
            "extra": list(account.verdict.extra),
        },
        "seconds": dict(account.seconds),
        "trouble": list(account.trouble),
    }


def deliveries(seen: Seen) -> dict[str, dict[str, int]]:
    """Return how many deliveries stand in which state, by channel."""
    found: dict[str, Counter[str]] = {}
    for data in seen.deliveries.values():
        receipt = data["receipt"]
        found.setdefault(receipt["channel"], Counter())[receipt["state"]] += 1
    return {channel: dict(sorted(states.items())) for channel, states in sorted(found.items())}


def latency(seen: Seen) -> dict[str, dict[str, int]]:
    """Return p50 and p99 by stage in milliseconds, for stages with two values or more."""
    decided = {alert["subject"]: parse_time(alert["time"]) for alert, _ in seen.alerts}
    values = {
        "receive_to_decide": [a["data"]["latencyMs"] for a, _ in seen.alerts if "latencyMs" in a["data"]],
        "decide_to_agency": [_ms(decided[alert["subject"]], at) for alert, at in seen.alerts],
        "decide_to_email": _until_told(seen, decided, Channel.EMAIL),
        "decide_to_webhook": _until_told(seen, decided, Channel.WEBHOOK),
    }
    return {stage: _percentiles(found) for stage, found in values.items() if len(found) > 1}


def show(account: Account, console: Console) -> None:
    """Print what a person wants to know, and where to look further."""
    told = as_json(account)
    table = Table("", "", title="Satu hari di perbatasan / One day at the border", show_header=False)
    table.add_row("pesan dikirim / messages sent", _counts(told["in"]))
    table.add_row(
        "hasil / outcomes", _counts({k: told[k] for k in ("routed", "merged", "stopped", "rejected")})
    )
    table.add_row("ditolak karena / rejected for", _counts(told["rejectedByReason"]))
    agencies = len(told["alerts"]["byRecipient"])
    table.add_row("peringatan / alerts", f"{told['alerts']['total']}, {agencies} instansi / agencies")
    for channel, states in told["deliveries"].items():
        table.add_row(f"pengiriman / deliveries: {channel}", _counts(states))
    for stage, values in told["latencyMs"].items():
        table.add_row(_STAGES[stage], f"p50 {values['p50']} ms, p99 {values['p99']} ms")
    expected = told["expected"]
    missed = (
        f", {len(expected['missing'])} missing, {len(expected['extra'])} extra"
        if not account.verdict.good
        else ""
    )
    table.add_row("sesuai harapan / expected rows met", f"{expected['met']} / {expected['rows']}{missed}")
    console.print(table)
    for line in account.trouble:
        console.print(f"[red]MASALAH / TROUBLE:[/] {line}")
    for row in (*account.verdict.missing[:5], *account.verdict.extra[:5]):
        console.print(f"  {row}", markup=False)


def _until_told(seen: Seen, decided: Mapping[str, datetime], channel: Channel) -> list[int]:
    receipts = (data["receipt"] for data in seen.deliveries.values())
    return [
        _ms(decided[receipt["alertNumber"]], parse_time(receipt["at"]))
        for receipt in receipts
        if receipt["channel"] == channel and receipt["state"] in {DeliveryState.SENT, DeliveryState.DELIVERED}
    ]


def _arrivals(told: Mapping[str, Mapping[str, int]], channel: Channel) -> int:
    states = told.get(channel, {})
    return states.get(DeliveryState.SENT, 0) + states.get(DeliveryState.DELIVERED, 0)


def _ms(earlier: datetime, later: datetime) -> int:
    return max(0, round((later - earlier).total_seconds() * 1000))


def _percentiles(values: Iterable[int]) -> dict[str, int]:
    cuts = quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49]), "p99": round(cuts[98])}


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "-"
