"""Hard events by the thousand: what a careful stranger would try on the router.

``corpus(seed, n)`` gives the same list for the same seed: JSON objects, and bytes where the fault is
in the bytes. All sources are those of the samples; people, cases and tokens are invented.
"""

import json
import math
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any, Final

from tests.kit.oracle import SEVERITIES, Event, kalbar, sample_sources
from tests.kit.oracle_admission import SITUATIONS, TYPE
from tests.kit.oracle_geo import UNIT_M, Point, along

WIB: Final = timezone(timedelta(hours=7))
MYT: Final = timezone(timedelta(hours=8))
NEEDS: Final = ("ppa", "shelter", "medical", "pmi", "foreign_custody", "lpsk_request")
KINDS: Final = ("post", "land", "sea", "inland", "abroad")
SCHEMA: Final = "https://schema.sinergi.example/movement/suspicious/{}.json"
BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PLAIN_NOTES: Final = (
    "Empat orang menunggu di 3 pos, seragam jawabannya.",
    "KM 12 ke arah pos, RT 03 RW 05, lalu JL 20 dekat sungai.",
    "Rombongan 12 orang, berangkat pukul 0530 dengan 2 kapal.",
)
PERSONAL_NOTES: Final = (
    "nomor 6101012345678901 tercatat",
    "nomor 6101 0123 4567 8901 tercatat",
    "hubungi 081234567890 segera",
    "hubungi +62 812-3456-7890 segera",
    "surat ke seseorang@contoh.id saja",
    "paspor A1234567 dipegang orang lain",
    "kendaraan KB 1234 AB di dermaga",
)
Case = Callable[["Maker"], Iterator[Event | bytes]]


def corpus(seed: int, n: int, cases: "tuple[Case, ...] | None" = None) -> list[Event | bytes]:
    """Return ``n`` messages: every family of cases in turn, threads in the order they are sent."""
    maker = Maker(seed)
    found: list[Event | bytes] = []
    while len(found) < n:
        for case in cases or CASES:
            found.extend(case(maker))
    return found[:n]


class Maker:
    """Draws events; everything random comes from one seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - test data
        self.tables = kalbar()
        self.geo = self.tables.geo
        self.sources = sorted(sample_sources())
        self.edges = [edge for rings in self.geo.rings.values() for ring in rings for edge in pairwise(ring)]
        self.border = [point for line in self.geo.border for point in line]
        self.count = 0

    def event(self, **data: Any) -> Event:
        """Return a new valid event; ``data`` replaces fields of its data."""
        draw, moment = self.draw, self._moment()
        self.count += 1
        number = f"PRS-20260310-{self.count:05d}"
        reported = moment + timedelta(minutes=draw.randint(0, 30))
        minors = draw.choice((0, 0, 0, 1, 2))
        fields = {
            "eventNumber": number,
            "revision": 1,
            "msgType": "Alert",
            "status": "Actual",
            "situation": draw.choice(SITUATIONS),
            "suspicion": draw.choice(("TPPO", "TPPM", "both")),
            "severity": draw.choice(SEVERITIES),
            "urgency": draw.choice(("segera", "cepat", "terjadwal")),
            "certainty": draw.choice(("terpantau", "kemungkinan_besar", "mungkin")),
            "observedAt": moment.isoformat(),
            "reportedAt": reported.isoformat(),
            "reportChannel": draw.choice(("patroli", "petugas_tpi", "desa", "hotline")),
            "location": self.inland(),
            "people": {"count": draw.randint(2, 40), "countEstimated": True, "minors": minors},
            "needs": sorted(draw.sample(NEEDS, draw.randint(0, 4))),
            "indicators": [
                {"code": draw.choice(("COACHED_ANSWERS", "GUIDED_CROSSING")), "corroborated": True}
            ],
            "caseRef": self.token("cas"),
        }
        if draw.random() < 0.4:
            fields["vehicles"] = [
                {"ref": self.token("veh"), "kind": draw.choice(("motor", "truk", "perahu"))}
            ]
        return self._envelope({**fields, **data})

    def follow(self, event: Event, *, later: int = 10, steps: int = 1, **data: Any) -> Event:
        """Return the next revision of an event, told so many minutes later."""
        after = deepcopy(event)
        told = datetime.fromisoformat(event["time"]) + timedelta(minutes=later)
        after["id"] = self.uuid7()
        after["time"] = told.isoformat()
        after["data"] |= {
            "revision": event["data"]["revision"] + steps,
            "msgType": "Update",
            "reportedAt": told.isoformat(),
            "references": [event["id"]],
            **data,
        }
        return after

    def uuid7(self) -> str:
        """Return a lower-case UUIDv7."""
        digits = "".join(self.draw.choice("0123456789abcdef") for _ in range(30))
        variant = self.draw.choice("89ab")
        return f"{digits[:8]}-{digits[8:12]}-7{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:30]}"

    def token(self, prefix: str) -> str:
        """Return a random token of a source system."""
        return prefix + "_" + "".join(self.draw.choice(BASE32) for _ in range(16))

    # --- places ---

    def inland(self) -> Event:
        """Return a point well inside the province, or near it."""
        point = self.draw.choice(self.edges)[0]
        return self.at(along(point, self.draw.uniform(0, 360), self.draw.uniform(0, 8000)))

    def at(self, point: Point, kind: str = "land", accuracy: int | None = -1) -> Event:
        """Return a location at a point of the lattice."""
        place = {"kind": kind, "lat": round(point[1]) / 100_000, "lon": round(point[0]) / 100_000}
        if accuracy == -1:
            accuracy = self.draw.choice((None, 0, 50, 200, 500, 1999, 2500, 5000, 12_000, 20_000))
        return place if accuracy is None else {**place, "accuracyM": accuracy}

    def beside_line(self) -> Event:
        """Return a point a few metres to some kilometres beside a line."""
        a, b = self.draw.choice(self.edges)
        length = math.dist(a, b) or 1
        part = self.draw.choice((0.0, 0.25, 0.5, 0.9))
        metres = self.draw.choice((2, 10, 100, 500, 1000, 1990, 2010, 3000))
        away = self.draw.choice((-1, 1)) * metres / UNIT_M / length
        return self.at(
            (
                a[0] + part * (b[0] - a[0]) - away * (b[1] - a[1]),
                a[1] + part * (b[1] - a[1]) + away * (b[0] - a[0]),
            )
        )

    def on_edge(self) -> Event:
        """Return a point of five decimals that lies exactly on a line between two vertices."""
        while True:
            a, b = self.draw.choice(self.edges)
            parts = math.gcd(int(b[0] - a[0]), int(b[1] - a[1]))
            if parts > 1:
                step = self.draw.randint(1, parts - 1)
                return self.at((a[0] + (b[0] - a[0]) / parts * step, a[1] + (b[1] - a[1]) / parts * step))

    def off_coast(self, kind: str, metres: float) -> Event:
        """Return a point that lies this far from the nearest area, on the sea side or abroad."""
        while True:
            start = self.draw.choice(self.edges)[0]
            heading, reach = self.draw.uniform(0, 360), metres
            for _ in range(4):
                point = along(start, heading, reach)
                found = self._nearest_metres(point, 1.5 * metres + 100)
                if abs(found - metres) < 20:
                    return self.at(point, kind)
                reach += metres - found
                if found == 0 or not 0 < reach < 3 * metres:
                    break

    def movement(self) -> Event:
        """Return a movement around the thresholds of the next-area rule."""
        draw = self.draw
        moving: Event = {"direction": draw.choice(("menuju_sarawak", "dalam_negeri")), "mode": "mobil"}
        if draw.random() < 0.9:
            moving["headingDeg"] = draw.choice((0, 90, 180, 270, 359, draw.randint(0, 359)))
        if draw.random() < 0.9:
            moving["speedKmh"] = draw.choice((0, 4.9, 5, 5.0, 9.9, 10, 11.5, 40, 60.3, 119.9, 120, 200))
        return moving

    def _nearest_metres(self, point: Point, margin: float) -> float:
        return min((self.geo.metres_to(code, point) for code in self.geo.within(point, margin)), default=1e9)

    def _moment(self) -> datetime:
        zone = self.draw.choice((WIB, WIB, MYT, UTC))
        seconds = self.draw.randint(0, 86_399)
        return (datetime(2026, 3, 10, tzinfo=WIB) + timedelta(seconds=seconds)).astimezone(zone)

    def _envelope(self, data: Event) -> Event:
        return {
            "specversion": "1.0",
            "id": self.uuid7(),
            "source": self.draw.choice(self.sources),
            "type": TYPE,
            "subject": data["eventNumber"],
            "time": data["observedAt"],
            "datacontenttype": "application/json",
            "dataschema": SCHEMA.format("1-0-0"),
            "partitionkey": data["eventNumber"],
            "data": data,
        }


# --- where -----------------------------------------------------------------------------------------


def lines(maker: Maker) -> Iterator[Event]:
    """Points beside and on shared lines, on vertices, on the border line; who leads is a near thing."""
    vertex, border = maker.draw.choice(maker.edges)[0], maker.draw.choice(maker.border)
    for place in (maker.beside_line(), maker.beside_line(), maker.at(vertex), maker.at(border)):
        yield maker.event(location=place)
    shared = maker.beside_line() | {"accuracyM": maker.draw.choice((100, 3000, 9999, 15_000))}
    yield maker.event(location=shared, situation=maker.draw.choice(("TPPO_OFF_POST", "CONVOY_NEAR_BORDER")))


def edges(maker: Maker) -> Iterator[Event]:
    """Points of five decimals exactly on a line between two vertices."""
    yield maker.event(location=maker.on_edge())


def sea(maker: Maker) -> Iterator[Event]:
    """Points off the coast and off the border, around the limits of the snaps, with and without a code."""
    for metres in (2900, 2990, 3010, 3100, 22_000, 22_400, maker.draw.randint(1, 25_000)):
        place = maker.off_coast(maker.draw.choice(("sea", "sea", "land", "inland")), metres)
        if maker.draw.random() < 0.25:
            place["adminCode"] = maker.draw.choice(
                ("61", "61.01", "61.01.08", "61.99", "61.01.99", "64.01.01")
            )
        yield maker.event(location=place)


def abroad(maker: Maker) -> Iterator[Event]:
    """Handover known, unknown, absent; a point and a code beside it."""
    handover: Event = {"handoverPlaceCode": maker.draw.choice(list(maker.tables.places))}
    for extra in (handover, {"handoverPlaceCode": "PLBN-XXX"}, {}):
        place = {"kind": "abroad", **extra}
        if maker.draw.random() < 0.6:
            place |= maker.beside_line() | {"kind": "abroad"}
        if maker.draw.random() < 0.5:
            place["adminCode"] = "61.03.21"
        situation = maker.draw.choice(("CONSULATE_REQUEST", *SITUATIONS))
        yield maker.event(location=place, situation=situation, movement=maker.movement())


def posts(maker: Maker) -> Iterator[Event]:
    """Every kind of place as a post, official or not; a point elsewhere; a code that is not in the pack."""
    official = [code for code, row in maker.tables.places.items() if row["pos_resmi"] == "ya"]
    for code in (
        *maker.draw.sample(official, 4),
        *maker.draw.sample(sorted(maker.tables.places), 2),
        "PLBN-XXX",
    ):
        kind = maker.draw.choice(("post", "post", "post", "post", "land", "inland"))
        place = {"kind": kind, "placeCode": code}
        if maker.draw.random() < 0.5:
            place = {**maker.inland(), **place}
        if maker.draw.random() < 0.4:
            place["adminCode"] = maker.draw.choice(("61.03", "61.06.14", "61", "61.71"))
        yield maker.event(location=place, movement=maker.movement())
    post = {"kind": "post", "placeCode": maker.draw.choice(official)}
    for situation in maker.draw.sample(SITUATIONS, 3):
        yield maker.event(location=post, situation=situation, needs=["medical", "ppa", "pmi"])


def codes(maker: Maker) -> Iterator[Event]:
    """Areas known by code alone: kecamatan, kabupaten, province, not in the pack, nothing at all."""
    known = maker.draw.choice(list(maker.geo.rings))
    for code in (known, known[:5], "61", "61.99", "61.03.99", "62.01", None):
        place = {"kind": maker.draw.choice(KINDS[1:4])}
        yield maker.event(location=place if code is None else {**place, "adminCode": code})


def moving(maker: Maker) -> Iterator[Event]:
    """Headings and speeds around the thresholds, near borders of offices and the Sarawak line."""
    for place in (maker.beside_line(), maker.inland(), {"kind": "land", "adminCode": "61.03.21"}):
        yield maker.event(location=place, movement=maker.movement())
    for metres in (0, 10, 4900, 5100, 30_000):
        line = maker.draw.choice(maker.border)
        heading = maker.draw.randint(0, 359)
        movement = maker.movement() | {"headingDeg": heading}
        grave = {
            "severity": maker.draw.choice(SEVERITIES[1:]),
            "suspicion": maker.draw.choice(("TPPO", "TPPM", "both")),
        }
        yield maker.event(location=maker.at(along(line, heading, -metres)), movement=movement, **grave)


def table(maker: Maker) -> Iterator[Event]:
    """Any situation, severity and needs, whatever the kind of place."""
    for status in ("Actual", "Actual", "Exercise", "Test"):
        place = {**maker.inland(), "kind": maker.draw.choice(KINDS[:4])}
        yield maker.event(status=status, location=place, movement=maker.movement())


def times(maker: Maker) -> Iterator[Event]:
    """Exactly 72 h and 600 s, and one second more; only one of two times ahead."""
    for seconds in (-259_200, -259_201, -800_000, 600, 601):
        event = maker.event()
        now = datetime.fromisoformat(event["data"]["reportedAt"])
        moved = (now + timedelta(seconds=seconds)).isoformat()
        if maker.draw.random() < 0.7:
            event["time"] = moved
        if event["time"] != moved or maker.draw.random() < 0.5:
            event["data"]["observedAt"] = moved
        yield event


def optional(maker: Maker) -> Iterator[Event]:
    """Optional fields left out, words not known, minors to come, fields of minor 1-1-0."""
    bare = maker.event()
    for name in ("needs", "caseRef", "vehicles"):
        bare["data"].pop(name, None)
    bare["data"]["people"].pop("countEstimated")
    yield bare
    yield maker.event(
        needs=["pmi", "transportasi"], movement={"mode": "sepeda", "headingDeg": 45, "speedKmh": 30}
    )
    rich = {
        "danger": True,
        "reliability": "B",
        "accuracy": "2",
        "pass": "plb_in_zone",
        "interpreterLanguage": "ms",
    }
    yield maker.event(**rich, note={"text": maker.draw.choice(PLAIN_NOTES), "lang": "id", "screened": True})
    newer = maker.event(mood="tenang", location={**maker.inland(), "altitudeM": 40})
    newer["dataschema"] = SCHEMA.format(maker.draw.choice(("1-2-0", "1-7-3", "1-0-0", "1-1-9")))
    yield newer
    half = maker.event(movement={"headingDeg": 123, "speedKmh": 7.5})
    half["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    half["myextension"] = "buram"
    half["time"] = half["data"]["observedAt"] = "2026-03-10T01:00:00.250Z"
    half["subject"] = half["partitionkey"] = "PRS-20260309-ZZZZ"
    yield half
    group = {"homeProvinces": {"32": 1, "35": 1}, "needCounts": {"pmi": 2}}
    proof = [{"uri": "https://sumber.example/berkas/1", "sha256": "0" * 64}]
    handling = {"onward": "free", "basis": "vital_interest"}
    yield maker.event(group=group, evidence=proof, handling=handling)


def decimals(maker: Maker) -> Iterator[Event]:
    """Headings with decimals: a number from 0 to 359."""
    yield maker.event(movement={"headingDeg": maker.draw.choice((0.5, 123.4, 358.9)), "speedKmh": 40})


def empty_notes(maker: Maker) -> Iterator[Event]:
    """A note without a word: at most 280 characters."""
    yield maker.event(note={"text": "", "lang": "id", "screened": True})


# --- threads ---------------------------------------------------------------------------------------


def story(maker: Maker) -> Iterator[Event]:
    """A thread of random follow-ups: moves, rises, falls, closes, reopens, overtaken and repeated."""
    status = maker.draw.choice(("Actual", "Actual", "Actual", "Exercise"))
    last = maker.event(status=status, movement=maker.movement())
    sent = [last]
    yield last
    for _ in range(maker.draw.randint(2, 7)):
        following = maker.draw.choice(
            (_changed, _changed, _changed, _closing, _repeated, _overtaken, _reused)
        )
        event = following(maker, last, sent)
        if event["data"]["revision"] > last["data"]["revision"]:
            last = event
        sent.append(event)
        yield event


def _changed(maker: Maker, last: Event, _sent: list[Event]) -> Event:
    change: Event = {}
    if maker.draw.random() < 0.5:
        change["location"] = maker.beside_line()
    if maker.draw.random() < 0.4:
        change["situation"] = maker.draw.choice(SITUATIONS)
    if maker.draw.random() < 0.7:
        change["severity"] = maker.draw.choice(SEVERITIES)
    if maker.draw.random() < 0.1:
        change["msgType"] = "Alert"
    return maker.follow(
        last, later=maker.draw.choice((1, 60, 5000)), steps=maker.draw.choice((1, 1, 2)), **change
    )


def _closing(maker: Maker, last: Event, _sent: list[Event]) -> Event:
    return maker.follow(last, msgType=maker.draw.choice(("Cancel", "FalsePositive")))


def _repeated(maker: Maker, _last: Event, sent: list[Event]) -> Event:
    again = deepcopy(maker.draw.choice(sent))
    if maker.draw.random() < 0.5:
        again["recordedtime"] = "2026-03-11T00:00:00Z"
    return again


def _overtaken(maker: Maker, last: Event, _sent: list[Event]) -> Event:
    return maker.follow(last, steps=maker.draw.choice((0, -1)) if last["data"]["revision"] > 1 else 0)


def _reused(maker: Maker, last: Event, sent: list[Event]) -> Event:
    return maker.follow(last, severity=maker.draw.choice(SEVERITIES)) | {"id": maker.draw.choice(sent)["id"]}


def orders(maker: Maker) -> Iterator[Event]:
    """The order rules one by one: cancels and updates before their alert, one id under two numbers."""
    late = maker.event()
    cancel = maker.follow(late, msgType=maker.draw.choice(("Cancel", "FalsePositive")))
    yield from (
        cancel,
        late,
        maker.follow(cancel, severity="kritis"),
        maker.follow(cancel, later=20, steps=2),
    )
    first = maker.event()
    yield from (maker.follow(first), first)
    twin = maker.event()
    yield from (first, {**twin, "id": first["id"], "source": first["source"]})
    elsewhere = {**deepcopy(first), "source": maker.draw.choice(maker.sources), "id": maker.uuid7()}
    yield elsewhere
    actual = maker.event()
    yield from (actual, maker.follow(actual, status="Exercise"), maker.follow(actual, status="Test"))
    yield maker.follow(actual, severity="kritis")
    again = maker.event(severity="tinggi")
    closed = maker.follow(again, msgType="Cancel", later=5)
    moved = maker.follow(closed, severity="rendah", location=maker.beside_line(), later=5)
    risen = maker.follow(moved, severity="sedang", later=5)
    yield from (
        again,
        closed,
        maker.follow(closed, msgType="FalsePositive", later=6),
        maker.follow(moved),
        risen,
    )


# --- faults ----------------------------------------------------------------------------------------

ENVELOPE_FAULTS: Final[tuple[tuple[str, Any], ...]] = (
    ("specversion", "0.3"),
    ("id", "018F3A50-3750-7E84-A16F-91C183B034A5"),
    ("id", "019cd550-3750-4e84-a16f-91c183b034a5"),
    ("subject", "PRS-1"),
    ("datacontenttype", "text/xml"),
    ("dataschema", "movement/1-0-0"),
    ("dataschema", "https://schema.sinergi.example/movement/suspicious/1-0.json"),
    ("dataschema", SCHEMA.format("2-0-0")),
    ("recordedtime", "2026-03-10T08:00:00"),
    ("source", "urn:sinergi:sumber:asing:asing"),
    ("type", "id.sinergi.movement.suspicious.v2"),
    ("type", "id.sinergi.movement.status.v1"),
    ("time", "2026-03-10T08:00:00"),
    ("time", 1_773_105_150),
    ("time", "10-03-2026 08:00"),
)
DATA_FAULTS: Final[tuple[tuple[str, Any], ...]] = (
    ("eventNumber", "PRS-20260310-abc1"),
    ("revision", 0),
    ("revision", "1"),
    ("msgType", "Change"),
    ("status", "Draft"),
    ("situation", "PENCURIAN"),
    ("suspicion", "lain"),
    ("severity", "gawat"),
    ("urgency", 1),
    ("observedAt", "2026-03-10T08:12:30"),
    ("observedAt", "2026-13-10T08:12:30+07:00"),
    ("reportedAt", 1_773_105_150),
    ("reportChannel", "radio"),
    ("location", {"kind": "udara"}),
    ("location", {"kind": "land", "lat": 1.0}),
    ("location", {"kind": "land", "lat": 110.348, "lon": 0.9835}),
    ("location", {"kind": "land", "lat": 0.123456, "lon": 110.3}),
    ("location", {"kind": "land", "lat": "0.98", "lon": 110.3}),
    ("location", {"kind": "land", "lat": 0.98, "lon": 110.3, "accuracyM": -1}),
    ("location", {"kind": "land", "lat": True, "lon": 110.3}),
    ("location", {}),
    ("movement", {"headingDeg": 360, "speedKmh": 10}),
    ("movement", {"speedKmh": -1}),
    ("movement", {"direction": "ke_utara"}),
    ("people", {"count": 0, "minors": 0}),
    ("people", {"count": 501, "minors": 0}),
    ("people", {"count": 4.0, "minors": 0}),
    ("people", {"count": "4", "minors": 0}),
    ("people", {"count": 4}),
    ("people", {"count": 4, "minors": 5}),
    ("needs", "pmi"),
    ("needs", [1]),
    ("vehicles", [{"ref": "doc_JKQAE7GQFMNKLR5S"}]),
    ("documentRefs", [{"ref": "doc_kecil"}]),
    ("caseRef", "cas_0000000000000000"),
    ("indicators", []),
    ("indicators", [{"code": "COACHED_ANSWERS"}]),
    ("note", {"text": "a" * 281, "lang": "id", "screened": True}),
    ("note", {"text": "tanpa bahasa"}),
    ("group", {"homeProvinces": {"32": 400, "33": 101}}),
    ("danger", "ya"),
    ("warna", "biru"),
)
PERSONAL_FAULTS: Final[tuple[tuple[str, Any], ...]] = (
    ("NIK", "x"),
    ("alamat", {}),
    ("people", {"count": 3, "minors": 0, "nama": "x"}),
    ("vehicles", [{"ref": "hubungi 081234567890"}]),
    ("reportChannel", "seseorang@contoh.id"),
    ("catatan", {"dalam": ["nomor 6101012345678901"]}),
)


def faults(maker: Maker) -> Iterator[Event]:
    """One fault each, and two at once, so that the order of reasons shows."""
    for name, value in maker.draw.sample(ENVELOPE_FAULTS, 4):
        yield maker.event() | {name: value}
    for name, value in maker.draw.sample(DATA_FAULTS, 6):
        yield maker.event(**{name: value})
    left_out = maker.event()
    del left_out[maker.draw.choice([name for name in left_out if name != "data"])]
    yield left_out
    left_out = maker.event()
    del left_out["data"][
        maker.draw.choice([name for name in left_out["data"] if name not in {"needs", "caseRef", "vehicles"}])
    ]
    yield left_out
    name, value = maker.draw.choice(ENVELOPE_FAULTS)
    worse, wrong = maker.draw.choice(DATA_FAULTS + PERSONAL_FAULTS)
    yield maker.event(**{worse: wrong}) | {name: value}
    (first, one), (second, two) = maker.draw.choice(DATA_FAULTS), maker.draw.choice(PERSONAL_FAULTS)
    yield maker.event(**{first: one, second: two})
    mended = maker.event(severity="gawat")
    yield from (mended, {**mended, "data": {**mended["data"], "severity": "tinggi"}})


def personal(maker: Maker) -> Iterator[Event]:
    """Personal data in keys, values and notes; notes of a person at risk; forbidden profiling."""
    name, value = maker.draw.choice(PERSONAL_FAULTS)
    yield maker.event(**{name: value})
    text = maker.draw.choice(PERSONAL_NOTES)
    note = {"text": text, "lang": "id", "screened": maker.draw.choice((True, False))}
    safe = {"people": {"count": 3, "minors": 0}, "needs": ["pmi"], "situation": "TPPO_OFF_POST"}
    yield maker.event(note=note, **safe)
    at_risk = maker.draw.choice(
        (
            {"danger": True},
            {"needs": ["shelter"]},
            {"situation": "VICTIM_DISCLOSURE"},
            {"people": {"count": 3, "minors": 1}},
        )
    )
    yield maker.event(note=note, **{**safe, **at_risk})
    yield maker.event(note=note, **{**safe, **at_risk, name: value})
    yield maker.event(note=note, **{**safe, **at_risk, "severity": "gawat"})
    profile = [{"code": "FORBIDDEN_PROFILE", "corroborated": False}]
    yield maker.event(indicators=profile)
    yield maker.event(indicators=profile, **{maker.draw.choice(("nik", "warna", "severity")): "x"})
    plain = {"text": maker.draw.choice(PLAIN_NOTES), "lang": "id", "screened": True}
    yield maker.event(note=plain, **safe)


def bytes_faults(maker: Maker) -> Iterator[bytes]:
    """Bytes that are no strict JSON object, and bytes that are too many."""
    text = json.dumps(maker.event(note={"text": "PENANDA", "lang": "id", "screened": True}))
    deep = '{"a":' * 40 + "1" + "}" * 40
    broken = (
        text[:-20],
        text.replace("PENANDA", "\\u0000"),
        text.replace("PENANDA", "\\ud800"),
        text.replace('"revision": 1', '"revision": 9007199254740993'),
        text.replace('"revision": 1', '"revision": 1, "revision": 1'),
        text.replace('"revision": 1', '"revision": NaN'),
        text.replace('"revision": 1', '"revision": 1e400'),
        text.replace('"revision": 1', f'"revision": 1, "dalam": {deep}'),
        text.replace('"revision": 1', '"revision": 1, ' + ", ".join(f'"k{n}": 1' for n in range(600))),
        '"teks"',
        text.replace("PENANDA", "x" * 70_000),
    )
    yield maker.draw.choice(broken).encode()
    yield text.encode().replace(b"PENANDA", b"\xff\xfe")


CASES: Final[tuple[Case, ...]] = (
    lines,
    sea,
    abroad,
    posts,
    codes,
    moving,
    table,
    times,
    optional,
    story,
    story,
    story,
    orders,
    faults,
    personal,
    bytes_faults,
)

DISPUTED: Final[tuple[Case, ...]] = (edges, decimals, empty_notes)
"""Families held against ``explain`` one by one, because readings of the documents have differed there."""
