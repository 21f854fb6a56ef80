"""What a competent person writes first: one event at a time, dicts, a spatial index, one dump a record.

For events that open a thread, which is all that the bench sends; a repeat is known and dropped. Shares
no code with the router but the pack's reader and the formulas of the ids. Validates nothing: that
makes it a harder yardstick, not an easier one.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from shapely import STRtree
from shapely.geometry import Point, shape

from sinergi_shared.contracts import topics
from sinergi_shared.contracts.base import WIB
from sinergi_shared.contracts.codes import VehicleKind
from sinergi_shared.contracts.ids import AlertIds, alert_ids, blind_thread_id, derived_uuid, thread_id
from sinergi_shared.region.pack import read_pack
from sinergi_shared.region.tables import read_rows

STEP_M = 1.11195  # of the grid of five decimals
ROLES = ("primary", "protection", "escalation", "support")
POINT_RULES_ROW = {"NEIGHBOUR": 1_000_000, "NEXT_JURISDICTION": 2_000_000, "BORDER_EXIT": 3_000_000}
HEADERS = [("content-type", b"application/cloudevents+json")]
VEHICLES = frozenset(VehicleKind)
NOT_DIGESTED = ("traceparent", "tracestate", "recordedtime", "partitionkey")
SCHEMA = "https://schema.sinergi.example/{}/1-0-0.json"

Json = dict[str, Any]
Out = tuple[str, int, bytes | None, bytes, list[tuple[str, bytes]]]


class Plain:
    """Routes one event after the other by the pack in a folder."""

    def __init__(self, folder: Path) -> None:
        pack = read_pack(folder)
        tables = pack.tables
        self.version = pack.policy_version
        self.province = pack.province_name
        self.places: dict[Any, Any] = dict(tables.places)
        self.offices: dict[Any, Any] = dict(tables.recipients)
        self.rules: dict[Any, Any] = dict(tables.parameters)
        self.situations = tables.situations
        self.indicators = tables.indicators
        self.border_areas = tables.border
        self.kabupaten = tables.kabupaten
        self.coastal = tables.coastal
        self.seen: dict[str, Json] = {}
        self._map(folder)
        self.mandates: dict[str, list[tuple[int, Any]]] = {}
        for row, mandate in enumerate(tables.mandates):
            self.mandates.setdefault(mandate.situation, []).append((row, mandate))
        self.update_text = {mandate.situation: mandate for mandate in tables.mandates}
        self.by_kind: dict[str, list[Any]] = {}
        for office in tables.recipients.values():
            if office.active:
                self.by_kind.setdefault(office.kind, []).append(office)
        self.competent: dict[tuple[str, str | None], Any] = {
            (kind, area): found
            for kind in self.by_kind
            for area in (*self.codes, *self.kabupaten)
            if (found := self._longest(kind, area)) is not None
        }
        self.fields = [
            (row["field"], row["min_level"], frozenset(filter(None, row["extra_kinds"].split(";"))))
            for row in read_rows(folder, "field_visibility")
        ]
        self.number = lambda rule, name: float(self.rules[rule, name])

    # --- where

    def _map(self, folder: Path) -> None:
        features = json.loads((folder / "areas.geojson").read_bytes())["features"]
        features.sort(key=lambda feature: feature["properties"]["code"])
        self.codes = [feature["properties"]["code"] for feature in features]
        self.names = {feature["properties"]["code"]: feature["properties"]["name"] for feature in features}
        self.shapes = np.array([_on_grid(shape(feature["geometry"])) for feature in features], dtype=object)
        self.tree = STRtree(self.shapes)
        shapely.prepare(self.shapes)
        lines = json.loads((folder / "border.geojson").read_bytes())["features"]
        self.border = _on_grid(shapely.union_all([shape(line["geometry"]) for line in lines]))

    def _longest(self, kind: str, area: str) -> Any:
        found = [
            (-len(code), office.code, office)
            for office in self.by_kind[kind]
            for code in office.jurisdiction
            if area == code or area.startswith(code + ".")
        ]
        return min(found, key=lambda one: one[:2])[2] if found else None

    def area_at(self, point: Point) -> str | None:
        found = self.tree.query(point, predicate="intersects")
        return self.codes[found.min()] if len(found) else None

    def nearest(self, point: Point, metres: float, only: frozenset[str] | None = None) -> str | None:
        near = self.tree.query(point, predicate="dwithin", distance=(metres + 1e-6) / STEP_M)
        found = [
            (shapely.distance(self.shapes[i], point) * STEP_M, self.codes[i])
            for i in near
            if only is None or self.codes[i][:5] in only
        ]
        least = min(found)[0] + 1e-4 if found else 0
        return min(code for distance, code in found if distance <= least) if found else None

    def settle(  # noqa: PLR0911 - one answer a way to settle
        self, where: Json, point: Point | None
    ) -> tuple[str | None, str, Any, bool]:
        """Return code, what settled it, the official post if any, and whether the source's code is far."""
        if where["kind"] == "abroad":
            place = self.places.get(where.get("handoverPlaceCode"))
            return (place.kecamatan, "handover", None, False) if place else (None, "province", None, False)
        place = self.places.get(where.get("placeCode"))
        if where["kind"] == "post" and place is not None and place.official:
            return place.kecamatan, "post", place, False
        told = where.get("adminCode")
        told = told if told in self.names or told in self.kabupaten else None
        inside = self.area_at(point) if point is not None else None
        if inside is not None:
            return inside, "polygon", None, self._far(point, told)
        if told is not None:
            return told, "admin_code", None, False
        if point is not None:
            land = self.nearest(point, self.number("LAND_SNAP", "max_distance"))
            if land:
                return land, "land_snap", None, False
            if where["kind"] == "sea":
                coast = self.nearest(point, self.number("SEA_SNAP", "max_distance"), self.coastal)
                if coast:
                    return coast, "sea_snap", None, False
        return None, "province", None, False

    def _far(self, point: Any, told: str | None) -> bool:
        if told is None:
            return False
        own = [i for i, code in enumerate(self.codes) if code == told or code.startswith(told + ".")]
        return bool(shapely.distance(self.shapes[own], point).min() * STEP_M > 5_000)

    # --- who

    def who(self, data: Json, area: tuple[Any, ...], point: Any) -> list[Json]:
        """Return a notice for each recipient: strongest role first, then file order."""
        code, source, post, _ = area
        rows = list(self._by_mandate(data, code, post))
        if point is not None and source not in ("post", "handover", "province"):
            rows += self._by_point(data, code, point)
        notices: dict[str, Json] = {}
        for row in sorted(rows, key=lambda one: (ROLES.index(one["role"]), one["row"])):
            best = notices.setdefault(row["office"].code, row)
            best["level"] = max(best["level"], row["level"])
        return list(notices.values())

    def _by_mandate(self, data: Json, area: str | None, post: Any) -> Any:
        for row, mandate in self.mandates.get(data["situation"], ()):
            if not all(self._holds(word, data, area, post) for word in mandate.conditions):
                continue
            office, by_area = self._resolve(mandate, area, post)
            if office is not None:
                ack = mandate.ack_minutes[data["severity"]]
                yield _notice(
                    office, mandate.role, mandate.level, mandate.rule, row, ack, mandate.action_id,
                    mandate.action_en, by_area,
                )  # fmt: skip

    def _holds(  # noqa: PLR0911 - one answer a word
        self, word: str, data: Json, area: str | None, post: Any
    ) -> bool:
        match word:
            case "always":
                return True
            case "ppa":
                return data["people"]["minors"] > 0 or "ppa" in data.get("needs", ())
            case "vehicle":
                return bool(data.get("vehicles"))
            case "post":
                return post is not None
            case "offpost":
                return post is None
            case "border":
                return area in self.border_areas
            case "sev_tinggi":
                return data["severity"] in ("tinggi", "kritis")
            case "sev_kritis":
                return data["severity"] == "kritis"
        return word in data.get("needs", ())

    def _resolve(self, mandate: Any, area: str | None, post: Any) -> tuple[Any, bool]:
        kind, scope = mandate.kind, mandate.scope
        if scope in ("post", "post_or_territory") and post is not None:
            office = self.offices.get(post.offices.get(kind))
            if office is not None or scope == "post":
                return office, False
        if scope in ("territory", "post_or_territory", "territory_only"):
            office = self.competent.get((kind, area))
            if office is not None or scope == "territory_only":
                return office, True
            return self.offices.get(self.rules.get(("UNMAPPED", kind))), False
        if scope == "single":
            return self.by_kind[kind][0], False
        if scope == "province":
            return self.offices.get(self.rules.get(("UNMAPPED", kind))), False
        return None, False

    def _by_point(self, data: Json, area: str, point: Any) -> list[Json]:
        radius = max(self.number("NEIGHBOUR", "radius"), data["location"].get("accuracyM") or 0)
        distance = (min(radius, 10_000) + 1e-6) / STEP_M
        near = [self.codes[i] for i in sorted(self.tree.query(point, predicate="dwithin", distance=distance))]
        kinds = self.rules["NEIGHBOUR", "kinds"].split(";")
        others = {
            other.code
            for kind in kinds
            for code in near
            if (other := self.competent.get((kind, code))) is not self.competent.get((kind, area)) and other
        }
        rows = [self._geometric(data, "NEIGHBOUR", self.offices[other], "L1") for other in sorted(others)]
        path = self._path(data, point)
        if path is None:
            return rows
        ends, passed = path
        for kind in self.rules["NEXT_JURISDICTION", "kinds"].split(";"):
            own = self.competent.get((kind, area))
            offices = (self.competent.get((kind, code)) for code in passed)
            other = next((office for office in offices if office is not None and office is not own), None)
            if other is not None:
                rows.append(self._geometric(data, "NEXT_JURISDICTION", other, "L3"))
        grave = data["severity"] in ("tinggi", "kritis") and data["suspicion"] in ("TPPO", "both")
        if grave and shapely.intersects(self.border, ends):
            rows.append(
                self._geometric(
                    data, "BORDER_EXIT", self.offices[self.rules["BORDER_EXIT", "recipient"]], "L2"
                )
            )
        return rows

    def _path(self, data: Json, point: Any) -> tuple[Any, list[str]] | None:
        movement = data.get("movement") or {}
        heading, speed = movement.get("headingDeg"), movement.get("speedKmh")
        number = self.number
        if heading is None or speed is None or speed < number("NEXT_JURISDICTION", "min_speed"):
            return None
        metres = speed * 1000 * number("NEXT_JURISDICTION", "lookahead")
        metres = min(
            max(metres, number("NEXT_JURISDICTION", "min_distance")),
            number("NEXT_JURISDICTION", "max_distance"),
        )
        turn, step = np.radians(heading), number("NEXT_JURISDICTION", "step") / STEP_M
        way = np.sin(turn), np.cos(turn)
        stops = [
            Point(round(point.x + way[0] * step * k, 3), round(point.y + way[1] * step * k, 3))
            for k in range(int(metres / STEP_M // step) + 1)
        ]
        passed = [code for stop in stops if (code := self.area_at(stop)) is not None]
        end = point.x + way[0] * metres / STEP_M, point.y + way[1] * metres / STEP_M
        return shapely.LineString([(point.x, point.y), end]), passed

    def _geometric(self, data: Json, rule: str, office: Any, level: str) -> Json:
        minutes = dict(
            zip(("kritis", "tinggi", "sedang", "rendah"), self.rules[rule, "ack"].split(";"), strict=True)
        )
        return _notice(
            office, "support", level, rule, POINT_RULES_ROW[rule], int(minutes[data["severity"]]),
            self.rules[rule, "action_id"], self.rules[rule, "action_en"], False,  # noqa: FBT003 - a cell of the row
        )  # fmt: skip

    def ladder(self, data: Json, notices: list[Json], point: Any, post: Any) -> list[Json]:
        """Return the primaries in the order in which they lead."""
        primaries = [one for one in notices if one["role"] == "primary"]
        radius = data["location"].get("accuracyM")
        tied = len({one["ack"] for one in primaries}) < len(primaries)
        share = self._share if tied and point is not None and radius and post is None else lambda *_: 1.0
        return sorted(
            primaries,
            key=lambda one: (one["ack"], -share(one, point, radius), one["row"], one["office"].code),
        )

    def _share(self, notice: Json, point: Any, radius: float) -> float:
        if not notice["by_area"]:
            return 1.0
        circle = point.buffer(radius / STEP_M, quad_segs=64)
        own = [
            i
            for i in self.tree.query(circle, predicate="intersects")
            if self.competent.get((notice["office"].kind, self.codes[i])) is notice["office"]
        ]
        inside = sum(shapely.area(shapely.intersection(self.shapes[i], circle)) for i in own)
        return round(inside / circle.area, 2)

    # --- what is written

    def route(self, body: bytes | Json, partition: int, offset: int, received_ms: int) -> list[Out]:
        """Return all records that an event causes; none for one that was seen before."""
        event = orjson.loads(body) if isinstance(body, bytes) else body
        data = event["data"]
        thread = thread_id(event["source"], data["eventNumber"])
        if thread in self.seen:
            return []
        digested = {key: value for key, value in event.items() if key not in NOT_DIGESTED}
        digest = hashlib.sha256(orjson.dumps(digested, option=orjson.OPT_SORT_KEYS)).hexdigest()
        now = datetime.now(UTC)
        where = data["location"]
        point = Point(round(where["lon"] * 1e5), round(where["lat"] * 1e5)) if "lat" in where else None
        area = self.settle(where, point)
        notices = self.who(data, area, point)
        ladder = self.ladder(data, notices, point, area[2])
        lead = ladder[0]["office"].code if ladder else None
        told = _Told(self, event, area, thread, now, received_ms, self._expires(data, ladder, now))
        alerts = [told.alert(notice, notices, lead) for notice in notices]
        informed = {
            notice["office"].code: {
                "role": notice["role"],
                "level": notice["level"],
                "alertNumber": alert["subject"],
                "alertRevision": 1,
                "ackDueAt": alert["data"]["ackDueAt"],
            }
            for notice, (alert, _) in zip(notices, alerts, strict=True)
        }
        record = {
            "threadId": thread,
            "source": event["source"],
            "eventNumber": data["eventNumber"],
            "status": data["status"],
            "state": "open",
            "revision": data["revision"],
            "highestSeverity": data["severity"],
            "lead": lead,
            "informed": informed,
            "seen": {event["id"]: digest},
            "event": {"partition": partition, "offset": offset},
            "decidedAt": _text(now),
            "policyVersion": self.version,
        }
        self.seen[thread] = record
        key = thread.encode()
        out: list[Out] = [
            (
                topics.alerts(alert["recipientcode"]),
                0,
                alert["partitionkey"].encode(),
                orjson.dumps(alert),
                HEADERS,
            )
            for alert, _ in alerts
        ]
        out.append((topics.JOBS, partition, key, told.job(alerts), HEADERS))
        out.append((topics.THREADS, partition, key, orjson.dumps(record), []))
        status = topics.status(event["source"].removeprefix("urn:sinergi:sumber:").replace(":", "."))
        out.append((status, 0, data["eventNumber"].encode(), told.status(), HEADERS))
        audit = told.audit(notices, alerts, lead, {"partition": partition, "offset": offset})
        out.append((topics.AUDIT, partition, None, audit, HEADERS))
        return out

    def _expires(self, data: Json, ladder: list[Json], now: datetime) -> str | None:
        at_risk = (
            data.get("danger")
            or data["people"]["minors"] > 0
            or not {"ppa", "shelter", "medical"}.isdisjoint(data.get("needs", ()))
            or data["situation"] in ("MINOR_AT_RISK", "VICTIM_DISCLOSURE")
        )
        if at_risk:
            return None
        steps = {one["office"].code: one["ack"] for one in ladder}
        desks = [self.rules.get(("UNMAPPED", one["office"].kind)) for one in ladder]
        for code in [*(one["office"].escalates_to for one in ladder), *desks]:
            if code is not None:
                steps.setdefault(code, ladder[0]["ack"])
        life = timedelta(minutes=sum(list(steps.values())[:8])) + timedelta(hours=24)
        return _text(now + max(life, timedelta(hours=72)))


class _Told:
    """The records of one event."""

    def __init__(
        self,
        plain: Plain,
        event: Json,
        area: Any,
        thread: str,
        now: datetime,
        received_ms: int,
        expires: str | None,
    ) -> None:
        self.plain, self.event, self.data, self.thread = plain, event, event["data"], thread
        self.code, self.source, _, self.conflict = area
        self.now, self.at, self.received_ms, self.expires = now, _text(now), received_ms, expires

    def alert(self, notice: Json, notices: list[Json], lead: str | None) -> tuple[Json, Json]:
        """Return a recipient's alert at its level, and cut at L1."""
        office = notice["office"]
        abroad = all(code.startswith("MY") for code in office.jurisdiction)
        ids = alert_ids(self.thread, self.event["id"], office.code)
        number = ids.number
        link = blind_thread_id(self.thread, office.code) if abroad else self.thread
        common = {
            "alertNumber": number,
            "alertRevision": 1,
            "recipient": {"code": office.code, "kind": office.kind, "role": notice["role"]},
            "lead": office.code == lead,
            "routing": {"rule": notice["rule"], "areaSource": self.source},
            "action": {"id": notice["action_id"], "en": notice["action_en"]},
            "ackDueAt": _text(self.now + timedelta(minutes=notice["ack"])),
        }
        if self.code is not None:
            common["routing"]["adminCode"] = self.code
        if not abroad:
            common["eventNumber"] = self.data["eventNumber"]
        if office.escalates_to is not None:
            common["escalatesTo"] = office.escalates_to
        full = common | self._view(notice["level"], office.kind)
        if notice["level"] == "L3":
            others = sorted(
                other["office"].code
                for other in notices
                if other is not notice and not other["office"].jurisdiction[0].startswith("MY")
            )
            if others:
                full["otherRecipients"] = others
        return (
            self._envelope(ids, link, office.code, notice["level"]) | {"data": full},
            self._envelope(ids, link, office.code, "L1") | {"data": common | self._view("L1", "")},
        )

    def _envelope(self, ids: AlertIds, link: str, code: str, level: str) -> Json:
        envelope = {
            "specversion": "1.0",
            "id": ids.event,
            "source": "urn:sinergi:layanan:router",
            "type": "id.sinergi.alert.issued.v1",
            "subject": ids.number,
            "time": self.at,
            "datacontenttype": "application/json",
            "dataschema": SCHEMA.format("alert"),
            "partitionkey": link,
            "correlationid": link,
            "causationid": ids.cause,
            "recordedtime": self.at,
            "dataclassification": "restricted" if level >= "L2" else "confidential",
            "recipientcode": code,
            "disclosurelevel": level,
        }
        return envelope if self.expires is None else envelope | {"expirytime": self.expires}

    def _view(self, level: str, kind: str) -> Json:
        plain, data = self.plain, self.data
        whole = self._whole()
        told: Json = {}
        redacted = []
        for path, least, extra in plain.fields:
            top, _, part = path.partition(".")
            public = path == "location.placeCode" and self._public_place()
            if level >= least or kind in extra or public:
                _copy(whole, told, top, part)
            elif path not in ("situation", "location.placeCode"):
                redacted.append(path)
        observed = datetime.fromisoformat(data["observedAt"])
        if level < "L3":
            observed -= timedelta(minutes=observed.minute % 15, seconds=observed.second)
        told |= {
            "eventRevision": told.pop("revision", 1),
            "observedAt": observed.isoformat().replace("+00:00", "Z"),
            "observedPrecision": "15min" if level < "L3" else "second",
            "disclosureLevel": level,
            "policyVersion": plain.version,
            "msgType": "Alert",
            "headline": self._headline(level),
            "withheld": self._withheld(level, redacted),
            "redacted": redacted,
            "latencyMs": max(0, int(self.now.timestamp() * 1000) - self.received_ms),
        }
        if level < "L2":
            told["situation"] = plain.situations[data["situation"]].l1_category
            if "needs" in told:
                own = {"IMI_RUDENIM": "foreign_custody", "BKK": "medical"}.get(kind)
                told["needs"] = [need for need in told["needs"] if need == own]
        told.pop("eventNumber", None)
        return {
            key: value
            for key, value in told.items()
            if value not in (None, [], {}) or key in ("withheld", "redacted")
        }

    def _whole(self) -> Json:
        plain, data = self.plain, self.data
        where = {
            key: value
            for key, value in data["location"].items()
            if key in ("kind", "lat", "lon", "accuracyM")
        }
        if self.code is not None:
            where["adminCode"] = self.code
        for key in ("placeCode", "handoverPlaceCode"):
            if data["location"].get(key) in plain.places:
                where[key] = data["location"][key]
        vehicles = [
            {key: value for key, value in one.items() if key != "kind" or value in VEHICLES}
            for one in data.get("vehicles", ())
        ]
        rows = [(one, plain.indicators.get(one["code"])) for one in data["indicators"]]
        known = [
            row for row in {one["code"]: row for one, row in rows}.values() if row is not None and row.scored
        ]
        return data | {
            "location": where,
            "vehicles": vehicles,
            "indicators": [one | {"weight": row.weight if row else 0} for one, row in rows],
            "score": sum(row.weight for row in known if len(known) - 1 >= row.min_corroboration),
            "reportedAt": data["reportedAt"].replace("+00:00", "Z"),
        }

    def _public_place(self) -> bool:
        place = self.plain.places.get(self.data["location"].get("placeCode"))
        return place is not None and place.official

    def _headline(self, level: str) -> str:
        row = self.plain.situations[self.data["situation"]]
        name = (
            (self.plain.names.get(self.code) or self.plain.kabupaten[self.code])
            if self.code
            else self.plain.province
        )
        text = f"Peringatan Dini: {row.label_id if level >= 'L2' else row.l1_label_id} - {name}"
        return text if len(text) <= 160 else text[:159] + "…"

    def _withheld(self, level: str, redacted: list[str]) -> list[Json]:
        hidden = [group for group, field in GROUPS if field in redacted]
        if level == "L1" and "protection_needs" not in hidden:
            hidden.append("protection_needs")
        rules = self.plain.rules
        desk = rules["UNMAPPED", "IMI"]
        return [
            {"group": group, "askDesk": rules["UNMAPPED", "PPA"] if group == "protection_needs" else desk}
            for group in hidden
        ]

    def job(self, alerts: list[tuple[Json, Json]]) -> bytes:
        """Return what the notifier is to deliver."""
        job = {
            "threadId": self.thread,
            "eventId": self.event["id"],
            "status": self.data["status"],
            "severity": self.data["severity"],
            "decidedAt": self.at,
            "receivedAt": _text(datetime.fromtimestamp(self.received_ms / 1000, UTC)),
            "entries": [
                {"recipient": full["recipientcode"], "full": full, "thin": thin} for full, thin in alerts
            ],
        }
        return self._event("id.sinergi.job.queued.v1", "job", self.event["id"], job)

    def status(self) -> bytes:
        """Return what the source learns."""
        status = {
            "eventId": self.event["id"],
            "eventNumber": self.data["eventNumber"],
            "revision": self.data["revision"],
            "state": "routed",
            "at": self.at,
        }
        return self._event("id.sinergi.movement.status.v1", "status", self.data["eventNumber"], status)

    def audit(
        self, notices: list[Json], alerts: list[tuple[Json, Json]], lead: str | None, event: Json
    ) -> bytes:
        """Return the decision, for the record."""
        audited = {
            "threadId": self.thread,
            "eventId": self.event["id"],
            "outcome": "routed",
            "areaSource": self.source,
            "areaConflict": self.conflict,
            "late": False,
            "lead": lead,
            "told": [
                {
                    "recipient": notice["office"].code,
                    "role": notice["role"],
                    "level": notice["level"],
                    "rule": notice["rule"],
                    "alertNumber": alert["subject"],
                    "alertRevision": 1,
                }
                for notice, (alert, _) in zip(notices, alerts, strict=True)
            ],
            "event": event,
            "decidedAt": self.at,
            "policyVersion": self.plain.version,
        }
        if self.code is not None:
            audited["adminCode"] = self.code
        return self._event("id.sinergi.audit.decided.v1", "audit", self.event["id"], audited)

    def _event(self, kind: str, noun: str, subject: str, data: Json) -> bytes:
        return orjson.dumps(
            {
                "specversion": "1.0",
                "id": derived_uuid(noun, self.thread, self.event["id"]),
                "source": "urn:sinergi:layanan:router",
                "type": kind,
                "subject": subject,
                "time": self.at,
                "datacontenttype": "application/json",
                "dataschema": SCHEMA.format(noun),
                "partitionkey": self.thread,
                "correlationid": self.thread,
                "causationid": self.event["id"],
                "data": data,
            }
        )


GROUPS = (
    ("identity_refs", "documentRefs.ref"),
    ("exact_place", "location.lat"),
    ("route", "movement.headingDeg"),
    ("vehicles", "vehicles.ref"),
    ("indicators", "indicators.code"),
    ("note", "note.text"),
    ("protection_needs", "needs"),
)


def _notice(  # noqa: PLR0913, PLR0917 - a row of a table
    office: Any,
    role: str,
    level: str,
    rule: str,
    row: int,
    ack: int,
    action_id: str,
    action_en: str,
    by_area: bool,  # noqa: FBT001 - a cell of the row
) -> Json:
    return {
        "office": office,
        "role": role,
        "level": min(level, office.cap),
        "rule": rule,
        "row": row,
        "ack": ack,
        "action_id": action_id,
        "action_en": action_en,
        "by_area": by_area,
    }


def _copy(whole: Json, told: Json, top: str, part: str) -> None:
    value = whole.get(top)
    if value is None:
        return
    if not part:
        told[top] = value
    elif isinstance(value, list):
        items = told.setdefault(top, [{} for _ in value])
        for item, source in zip(items, value, strict=True):
            if part in source:
                item[part] = source[part]
    elif part in value:
        told.setdefault(top, {})[part] = value[part]


def _on_grid(one: Any) -> Any:
    return shapely.transform(one, lambda points: np.round(points * 1e5, 3))


def _text(moment: datetime) -> str:
    return moment.astimezone(WIB).isoformat()
