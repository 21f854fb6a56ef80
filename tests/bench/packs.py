"""Packs that are larger than Kalbar's, made from it, to see how the router's cost grows."""

import json
import random
from pathlib import Path
from typing import Any, Final

import shapely
from shapely.geometry import mapping, shape

from sinergi_router.app import load_policy
from sinergi_shared.region.pack import read_pack
from sinergi_shared.region.tables import read_rows
from tests.kit.packs import PackCopy

FIRST_PART: Final = ".0001"
# Each of these tells two primaries in the pack of ten mandates; events of the others are left out.
SITUATIONS: Final = (
    "TPPO_AT_POST",
    "TPPO_OFF_POST",
    "TPPM_OVERLAND",
    "CONVOY_NEAR_BORDER",
    "MINOR_AT_RISK",
)
_WORDS: Final = ("always", "ppa", "shelter", "medical", "pmi", "vehicle", "offpost", "border", "sev_tinggi")


def policy_of(pack: PackCopy):
    """Return the policy of a changed pack."""
    pack.seal_unchecked()
    return load_policy(read_pack(pack.directory))


def kalbar(directory: Path):
    """Return the policy of the pack as it is: 174 areas."""
    return policy_of(PackCopy(directory))


def many_areas(directory: Path, wanted: int = 7_000):
    """Return the policy of a pack with each kecamatan cut into parts, ``wanted`` in all, same offices."""
    pack = PackCopy(directory)
    pack.reshape(lambda features: _cut(features, wanted))
    parts = {row["properties"]["code"] for row in _features(pack)}
    for table, column in (("places", "kode_kec"), ("border_kecamatan", "kode_kec")):
        rows = read_rows(pack.directory, table)
        pack._write(table, [row for old in rows for row in _parted(old, column, table, parts)])
    return policy_of(pack)


def to_part(code: str) -> str:
    """Return a kecamatan's first part, anything else as it is."""
    return code + FIRST_PART if code.count(".") == 2 else code


def few_mandates(directory: Path):
    """Return the policy of a pack with ten mandates: two primaries for each of ``SITUATIONS``."""
    pack = PackCopy(directory)
    pack._write("mandates", _ten(pack) + _texts(pack))
    return policy_of(pack)


def many_mandates(directory: Path, count: int = 10_000):
    """Return the policy of a pack with ``count`` mandates that tell the same recipients as the ten.

    Each further row is a weaker reason under up to three conditions to tell one who is told anyway.
    """
    pack, draw = PackCopy(directory), random.Random(7)  # noqa: S311 - test data
    ten = _ten(pack)
    more = [
        row
        | {
            "rule_id": f"X{number:05}",
            "condition": "&".join(draw.sample(_WORDS, draw.randint(1, 3))),
            "role": "support",
            "disclosure": "L1",
        }
        for number in range(count - len(ten))
        for row in [ten[number % len(ten)]]
    ]
    pack._write("mandates", ten + more + _texts(pack))
    return policy_of(pack)


def recipients(directory: Path, count: int):
    """Return the policy of a pack in which every event tells ``count`` recipients at mixed levels."""
    pack = PackCopy(directory)
    offices = [
        row | {"code": f"BENCH-{n:02}", "kind": f"B{n:02}", "jurisdiction": "61", "max_disclosure": "L3"}
        for n in range(20)
        for row in read_rows(pack.directory, "recipients")[:1]
    ]
    pack._write("recipients", read_rows(pack.directory, "recipients") + offices)
    rows = read_rows(pack.directory, "mandates")
    one_each = {row["situation"]: row for row in reversed(rows) if row not in _texts(pack)}
    told = [
        row
        | {
            "rule_id": f"B{number:02}",
            "recipient_kind": f"B{number:02}",
            "scope": "single",
            "condition": "always",
            "role": "support" if number else "primary",
            "disclosure": f"L{3 - number % 3}",
        }
        for row in one_each.values()
        for number in range(count)
    ]
    pack._write("mandates", told + _texts(pack))
    rules = read_rows(pack.directory, "routing_rules")
    geometric = ("NEIGHBOUR", "NEXT_JURISDICTION")
    for row in rules:
        if row["rule"] in geometric and row["parameter"] == "kinds":
            row["value"] = "B00"  # one office for all of the province: nobody is its neighbour
    pack._write("routing_rules", rules)
    return policy_of(pack)


def _ten(pack: PackCopy) -> list[dict[str, str]]:
    first = read_rows(pack.directory, "mandates")[0]
    return [
        first
        | {
            "rule_id": f"T{number:02}{kind}",
            "situation": situation,
            "recipient_kind": kind,
            "scope": "territory",
            "condition": "always",
        }
        for number, situation in enumerate(SITUATIONS)
        for kind in ("IMI", "POL")
    ]


def _texts(pack: PackCopy) -> list[dict[str, str]]:
    texts = {"UPDATE", "CANCEL", "FALSE_POSITIVE", "EXERCISE"}
    return [row for row in read_rows(pack.directory, "mandates") if row["situation"] in texts]


def _features(pack: PackCopy) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((pack.directory / "areas.geojson").read_bytes())["features"]
    return found


def _parted(row: dict[str, str], column: str, table: str, parts: set[str]) -> list[dict[str, str]]:
    if table == "places":
        return [row | {column: to_part(row[column])}]
    own = sorted(part for part in parts if part.startswith(row[column] + "."))
    return [row | {column: part} for part in own]


def _cut(features: dict[str, Any], wanted: int) -> None:
    whole = {code: shape(feature["geometry"]) for code, feature in features.items()}
    side, parts = 1, {code: [area] for code, area in whole.items()}
    while sum(map(len, parts.values())) < wanted:
        side += 1
        for code, area in whole.items():
            parts[code] = _parts(area, side)
            if sum(map(len, parts.values())) >= wanted:
                break
    names = {code: features[code]["properties"] for code in whole}
    features.clear()
    for code, pieces in parts.items():
        for number, part in enumerate(pieces, start=1):
            properties = names[code] | {"code": f"{code}.{number:04}"}
            features[properties["code"]] = {
                "type": "Feature",
                "properties": properties,
                "geometry": mapping(part),
            }


def _parts(area: Any, side: int) -> list[Any]:
    left, low, right, high = area.bounds
    step_x, step_y = (right - left) / side, (high - low) / side
    boxes = shapely.box(
        [left + x * step_x for x in range(side) for _ in range(side)],
        [low + y * step_y for _ in range(side) for y in range(side)],
        [left + (x + 1) * step_x for x in range(side) for _ in range(side)],
        [low + (y + 1) * step_y for _ in range(side) for y in range(side)],
    )
    return [
        part for part in shapely.intersection(area, boxes) if part.area > 0 and "Polygon" in part.geom_type
    ]
