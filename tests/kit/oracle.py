"""An oracle of routing: what the documents say must happen to each message, decided one by one.

Written from the contracts and the pack's tables alone; it shares no code with the services, so that
``sinergi explain`` can be held against it. Slow and plain on purpose. ``python -m tests.kit.oracle
FILE`` prints one JSON line per message (one event, an array, or JSON lines).
"""

import csv
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests.kit.oracle_admission import admit, time_of
from tests.kit.oracle_geo import Geography, Point, along, on_lattice

ROOT: Final = Path(__file__).resolve().parents[2]
PACK: Final = ROOT / "deploy" / "regions" / "kalbar"
SAMPLES: Final = ROOT / "deploy" / "samples"
SEVERITIES: Final = ("rendah", "sedang", "tinggi", "kritis")
ROLES: Final = ("primary", "protection", "escalation", "support")
LATE: Final = timedelta(hours=72)
POST_COLUMN: Final = {"IMI": "kanim", "BC": "kppbc", "BNPP": "bnpp", "BKK": "bkk"}
NOT_DIGESTED: Final = ("traceparent", "tracestate", "recordedtime", "partitionkey")

Event = dict[str, Any]
Answer = dict[str, Any]
Clock = Callable[[Event], datetime | None]


@dataclass(frozen=True, slots=True)
class Area:
    """Where an event is: the settled code, if any, and what settled it."""

    code: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Row:
    """One reason to tell one recipient."""

    order: int
    recipient: str
    kind: str
    scope: str
    role: str
    level: str
    ack: tuple[int, ...]  # rendah, sedang, tinggi, kritis
    rule: str


@dataclass(slots=True)
class Thread:
    """What the messages of one event have come to."""

    status: str
    revision: int = 0
    closed: bool = False
    highest: int = -1
    lead: str | None = None
    holders: dict[str, tuple[str, str]] = field(default_factory=dict)  # recipient: role, level
    seen: dict[str, str] = field(default_factory=dict)  # id: digest


class Tables:
    """The pack's CSV files as they are read by a person."""

    def __init__(self, pack: Path, geography: Geography) -> None:
        self.geo = geography
        self.places = {row["place_code"]: row for row in _csv(pack / "places.csv")}
        self.recipients = {row["code"]: row for row in _csv(pack / "recipients.csv")}
        self.mandates = list(_csv(pack / "mandates.csv"))
        self.border = {row["kode_kec"] for row in _csv(pack / "border_kecamatan.csv")}
        kabupaten = list(_csv(pack / "admin_kabkota.csv"))
        self.kabupaten = {row["kode"] for row in kabupaten}
        self.coastal = {row["kode"] for row in kabupaten if row["berpesisir"] == "ya"}
        self.parameters = {
            (row["rule"], row["parameter"]): row["value"] for row in _csv(pack / "routing_rules.csv")
        }
        self.longest = cache(self._longest)
        self.territory = cache(self._territory)

    def number(self, rule: str, parameter: str) -> float:
        """Return a numeric parameter."""
        return float(self.parameters[rule, parameter])

    def ack(self, rule: str) -> tuple[int, ...]:
        """Return a geometric rule's deadlines, mildest severity first."""
        return tuple(int(part) for part in reversed(self.parameters[rule, "ack"].split(";")))

    def of_kind(self, kind: str) -> list[str]:
        """Return the active recipients of a kind."""
        return [
            code for code, row in self.recipients.items() if row["kind"] == kind and row["active"] == "ya"
        ]

    def _longest(self, kind: str, area: str) -> str | None:
        """Return the recipient of the kind whose jurisdiction matches with the longest code."""
        found = [
            (len(code), recipient)
            for recipient in self.of_kind(kind)
            for code in self.recipients[recipient]["jurisdiction"].split(",")
            if area == code or area.startswith(code + ".")
        ]
        return max(found)[1] if found else None

    def _territory(self, kind: str, recipient: str) -> frozenset[str]:
        """Return the kecamatan that are this recipient's; all of the province for a province desk."""
        own = frozenset(code for code in self.geo.rings if self.longest(kind, code) == recipient)
        return own or frozenset(self.geo.rings)


class Oracle:
    """Decides messages in order; keeps the threads."""

    def __init__(self, tables: Tables, sources: frozenset[str], now: Clock | None = None) -> None:
        self.tables = tables
        self.geo = tables.geo
        self.sources = sources
        self.now = now or reported_at
        self.threads: dict[tuple[str, str], Thread] = {}

    def explain(self, raw: bytes) -> Answer:
        """Return outcome, reason, area, severity and alerts of the next message."""
        admission = admit(raw, self.sources, self.now)
        event = admission.document
        if event is None or admission.reason is not None:
            return _answer(event, "rejected", admission.reason)
        # The digest is of the message as it was sent, also when its note was withheld.
        return self._follow(event, _digest(json.loads(raw)))

    def _follow(self, event: Event, digest: str) -> Answer:
        data = event["data"]
        if data["status"] == "Test":
            return _answer(event, "stopped", "TEST_STOP")
        key = event["source"], data["eventNumber"]
        thread = self.threads.get(key)
        if thread is not None and event["id"] in thread.seen:
            same = thread.seen[event["id"]] == digest
            return _answer(event, "merged", "DUPLICATE") if same else _answer(event, "rejected", "ID_REUSED")
        if thread is not None and data["revision"] <= thread.revision:
            thread.seen[event["id"]] = digest
            return _answer(event, "merged", "STALE")
        if thread is not None and data["status"] != thread.status:
            return _answer(event, "rejected", "SCHEMA_INVALID")
        thread = self.threads.setdefault(key, Thread(data["status"]))
        thread.seen[event["id"]] = digest
        answer = self._closed(event, thread) if _closes(data) else self._routed(event, thread)
        thread.revision = data["revision"]
        return answer

    def _closed(self, event: Event, thread: Thread) -> Answer:
        rule = "CANCEL" if event["data"]["msgType"] == "Cancel" else "FALSE_POSITIVE"
        thread.closed, thread.lead = True, None
        alerts = [_alert(code, role, "L1", None, rule) for code, (role, _) in thread.holders.items()]
        return _answer(event, "routed", None, self.area(event["data"]), alerts)

    def _routed(self, event: Event, thread: Thread) -> Answer:
        data = event["data"]
        area = self.area(data)
        matching = merge(self.rows(data, area), self.tables)
        afresh = thread.revision == 0 or thread.closed
        severity = SEVERITIES.index(data["severity"])
        risen = afresh or severity > thread.highest
        on_time = not self._late(event)
        alerts = []
        for code, (row, level) in matching.items():
            timed = on_time and (risen or code not in thread.holders)
            alerts.append(_alert(code, row.role, level, row.ack[severity] if timed else None, row.rule))
        for code, (role, level) in thread.holders.items():
            if code not in matching:
                alerts.append(_alert(code, role, level, None, "PREVIOUS"))
        thread.lead = self._lead(data, area, matching, None if afresh else thread.lead)
        thread.highest = severity if afresh else max(severity, thread.highest)
        thread.closed = False
        thread.holders |= {alert["recipient"]: (alert["role"], alert["disclosure"]) for alert in alerts}
        for alert in alerts:
            alert["lead"] = alert["recipient"] == thread.lead
        return _answer(event, "routed", None, area, alerts)

    def _late(self, event: Event) -> bool:
        now, happened = self.now(event), time_of(event["time"])
        return now is not None and happened is not None and now - happened > LATE

    # --- where ---

    def area(self, data: Event) -> Area:
        """Settle the area in the order of ``GEO_ORDER``."""
        place = data["location"]
        if place["kind"] == "abroad":
            handover = self.tables.places.get(place.get("handoverPlaceCode"))
            return Area(handover["kode_kec"], "handover") if handover else Area(None, "province")
        if self.official_post(data):
            return Area(self.tables.places[place["placeCode"]]["kode_kec"], "post")
        point = point_of(data)
        if point and (inside := self.geo.area_at(point)):
            return Area(inside, "polygon")
        code = place.get("adminCode")
        if code in self.geo.rings or code in self.tables.kabupaten:
            return Area(code, "admin_code")
        return self._snapped(point, place["kind"]) if point else Area(None, "province")

    def _snapped(self, point: Point, kind: str) -> Area:
        land = self.geo.nearest(self.geo.rings, point, self.tables.number("LAND_SNAP", "max_distance"))
        if land:
            return Area(land, "land_snap")
        coast = {code for code in self.geo.rings if code[:5] in self.tables.coastal}
        sea = self.geo.nearest(coast, point, self.tables.number("SEA_SNAP", "max_distance"))
        return Area(sea, "sea_snap") if sea and kind == "sea" else Area(None, "province")

    def official_post(self, data: Event) -> bool:
        """Tell whether the event is at an official post."""
        place = self.tables.places.get(data["location"].get("placeCode"))
        return data["location"]["kind"] == "post" and place is not None and place["pos_resmi"] == "ya"

    # --- who ---

    def rows(self, data: Event, area: Area) -> list[Row]:
        """Return every reason to tell somebody, in file order."""
        rows = [row for row in self._mandates(data, area) if not _drill_skips(data, row)]
        moving = area.source not in ("post", "handover", "province") and point_of(data) is not None
        if not moving or area.code is None:
            return rows
        return [*rows, *self._neighbours(data, area.code), *self._path(data, area.code)]

    def _mandates(self, data: Event, area: Area) -> Iterable[Row]:
        for order, line in enumerate(self.tables.mandates):
            if line["situation"] == data["situation"] and all(
                self._holds(word, data, area) for word in line["condition"].split("&")
            ):
                recipient = self._resolve(line["recipient_kind"], line["scope"], data, area)
                if recipient is not None:
                    ack = tuple(int(line[f"ack_{severity}_min"]) for severity in SEVERITIES)
                    yield Row(
                        order,
                        recipient,
                        line["recipient_kind"],
                        line["scope"],
                        line["role"],
                        line["disclosure"],
                        ack,
                        line["rule_id"],
                    )

    def _holds(self, word: str, data: Event, area: Area) -> bool:  # noqa: PLR0911 - one answer a word
        needs: list[str] = data.get("needs", [])
        match word:
            case "always":
                return True
            case "ppa":
                return bool(data["people"]["minors"] > 0 or "ppa" in needs)
            case "shelter" | "medical" | "pmi" | "foreign_custody" | "lpsk_request":
                return word in needs
            case "vehicle":
                return bool(data.get("vehicles"))
            case "post":
                return self.official_post(data)
            case "offpost":
                return not self.official_post(data)
            case "border":
                return area.code in self.tables.border
            case "sev_tinggi":
                return data["severity"] in ("tinggi", "kritis")
            case "sev_kritis":
                return bool(data["severity"] == "kritis")
        raise ValueError(f"conditions.csv has no word {word}")

    def _resolve(  # noqa: PLR0911 - one answer a scope
        self, kind: str, scope: str, data: Event, area: Area
    ) -> str | None:
        default = self.tables.parameters.get(("UNMAPPED", kind))
        territory = self.tables.longest(kind, area.code) if area.code else None
        at_post = self.official_post(data)
        match scope:
            case "single":
                return self.tables.of_kind(kind)[0]
            case "province":
                return default
            case "territory":
                return territory or default
            case "territory_only":
                return territory
            case "post" | "post_or_territory" if at_post:
                return self.tables.places[data["location"]["placeCode"]][POST_COLUMN[kind]] or None
            case "post_or_territory":
                return territory or default
        return None

    def _neighbours(self, data: Event, code: str) -> Iterable[Row]:
        point = point_of(data)
        assert point is not None
        smallest = self.tables.number("NEIGHBOUR", "radius")
        radius = min(max(smallest, data["location"].get("accuracyM", 0)), 10_000)
        near = self.geo.near(point, radius)
        for kind in self.tables.parameters["NEIGHBOUR", "kinds"].split(";"):
            own = self.tables.longest(kind, code)
            others = {self.tables.longest(kind, area) for area in near} - {own, None}
            for other in sorted(str(other) for other in others):
                yield self._geometric("NEIGHBOUR", 1000, other, kind, "L1")

    def _path(self, data: Event, code: str) -> Iterable[Row]:
        point, movement = point_of(data), data.get("movement", {})
        assert point is not None
        heading, speed = movement.get("headingDeg"), movement.get("speedKmh")
        number = self.tables.number
        if heading is None or speed is None or speed < number("NEXT_JURISDICTION", "min_speed"):
            return
        metres = speed * 1000 * number("NEXT_JURISDICTION", "lookahead")
        metres = max(number("NEXT_JURISDICTION", "min_distance"), metres)
        metres = min(number("NEXT_JURISDICTION", "max_distance"), metres)
        steps = int(metres // number("NEXT_JURISDICTION", "step")) + 1
        passed = [self.geo.area_at(along(point, heading, 500 * step)) for step in range(steps)]
        for kind in self.tables.parameters["NEXT_JURISDICTION", "kinds"].split(";"):
            own = self.tables.longest(kind, code)
            found = [self.tables.longest(kind, area) for area in passed if area]
            if other := next((office for office in found if office not in (own, None)), None):
                yield self._geometric("NEXT_JURISDICTION", 1001, other, kind, "L3")
        grave = data["severity"] in ("tinggi", "kritis") and data["suspicion"] in ("TPPO", "both")
        if grave and self.geo.crosses_border(point, along(point, heading, metres)):
            recipient = self.tables.parameters["BORDER_EXIT", "recipient"]
            yield self._geometric("BORDER_EXIT", 1002, recipient, "KJRI", "L2")

    def _geometric(self, rule: str, order: int, recipient: str, kind: str, level: str) -> Row:
        return Row(order, recipient, kind, "", "support", level, self.tables.ack(rule), rule)

    # --- who leads ---

    def _lead(
        self, data: Event, area: Area, matching: dict[str, tuple[Row, str]], before: str | None
    ) -> str | None:
        primaries = {code: row for code, (row, _) in matching.items() if row.role == "primary"}
        if before in primaries:
            return before
        severity = SEVERITIES.index(data["severity"])
        order = [
            (row.ack[severity], -self.share(data, area, row), row.order, code)
            for code, row in primaries.items()
        ]
        return min(order)[3] if order else None

    def share(self, data: Event, area: Area, row: Row) -> float:
        """Return the part of the circle inside the recipient's area, rounded to 0.01."""
        point, radius = point_of(data), data["location"].get("accuracyM", 0)
        if (
            area.source == "post"
            or point is None
            or radius == 0
            or row.scope in ("single", "province", "post")
        ):
            return 1.0
        return round(
            self.geo.circle_part(set(self.tables.territory(row.kind, row.recipient)), point, radius), 2
        )


def merge(rows: Iterable[Row], tables: Tables) -> dict[str, tuple[Row, str]]:
    """Give each recipient one notice: the strongest role (first row), the highest level, capped."""
    notices: dict[str, tuple[Row, str]] = {}
    for row in rows:
        strongest, level = notices.get(row.recipient, (row, row.level))
        if (ROLES.index(row.role), row.order) < (ROLES.index(strongest.role), strongest.order):
            strongest = row
        cap = tables.recipients[row.recipient]["max_disclosure"]
        notices[row.recipient] = strongest, min(max(level, row.level), cap)
    return notices


def point_of(data: Event) -> Point | None:
    """Return the event's point on the lattice, if it has one."""
    place = data["location"]
    return on_lattice(place["lon"], place["lat"]) if "lat" in place else None


def reported_at(event: Event) -> datetime | None:
    """Return the event's own ``reportedAt``: the clock of ``explain`` unless told otherwise."""
    data = event.get("data")
    return time_of(data.get("reportedAt")) if isinstance(data, dict) else None


def sample_sources() -> frozenset[str]:
    """Return every source of the samples; the demo's directory registers them."""
    return frozenset(event["source"] for event in sample_events())


def sample_events() -> list[Event]:
    """Return the eight scenarios and the day, each in its order."""
    scenarios = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("0*.json"))]
    day = (SAMPLES / "day_events.jsonl").read_text(encoding="utf-8").splitlines()
    return scenarios + [json.loads(line) for line in day]


def oracle(now: Clock | None = None) -> Oracle:
    """Return a fresh oracle of the Kalbar pack that knows the sources of the samples."""
    return Oracle(kalbar(), sample_sources(), now)


@cache
def kalbar() -> Tables:
    """Return the tables and geometry of the Kalbar pack."""
    return Tables(PACK, Geography(PACK / "areas.geojson", PACK / "border.geojson"))


def encoded(document: Event | bytes) -> bytes:
    """Return a message as bytes; one that is bytes already stays as it is."""
    return document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()


def explain_all(documents: Iterable[Event | bytes], now: Clock | None = None) -> list[Answer]:
    """Decide messages as one sequence in order."""
    judge = oracle(now)
    return [judge.explain(encoded(document)) for document in documents]


def _csv(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _closes(data: Event) -> bool:
    return data["msgType"] in ("Cancel", "FalsePositive")


def _drill_skips(data: Event, row: Row) -> bool:
    return data["status"] == "Exercise" and row.role == "escalation"


def _digest(event: Event) -> str:
    told = {key: value for key, value in event.items() if key not in NOT_DIGESTED}
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _alert(recipient: str, role: str, level: str, minutes: int | None, rule: str) -> Answer:
    return {
        "recipient": recipient,
        "role": role,
        "lead": False,
        "disclosure": level,
        "ackMinutes": minutes,
        "rule": rule,
    }


def _answer(
    event: Event | None,
    outcome: str,
    reason: str | None,
    area: Area | None = None,
    alerts: Iterable[Answer] = (),
) -> Answer:
    event = event or {}
    data = event.get("data") if isinstance(event.get("data"), dict) else {}
    assert isinstance(data, dict)
    return {
        "id": event.get("id"),
        "eventNumber": data.get("eventNumber"),
        "outcome": outcome,
        "reason": reason,
        "area": None if area is None else {"code": area.code, "source": area.source},
        "severity": data.get("severity") if outcome == "routed" else None,
        "alerts": list(alerts),
    }


def _documents(raw: bytes) -> list[Event | bytes]:
    try:
        whole = json.loads(raw)
    except ValueError:
        return [line for line in raw.splitlines() if line.strip()]
    return whole if isinstance(whole, list) else [whole]


def main() -> None:
    """Print what the documents say of each message in a file, one JSON line each."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.kit.oracle FILE")
    for answer in explain_all(_documents(Path(sys.argv[1]).read_bytes())):
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
