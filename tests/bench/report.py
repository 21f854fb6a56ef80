"""What was measured against what is wanted: a table on the screen and ``.local/bench/report.json``."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.bus import HOME

REPORT: Final = HOME / "report.json"


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit that a ratio's median must keep to; what the ratio says is in ``deploy/decisions``."""

    sign: str  # "<=", ">=" or "<"
    limit: float

    def met(self, value: float) -> bool:
        """Tell whether a value keeps to the limit."""
        match self.sign:
            case "<=":
                return value <= self.limit
            case ">=":
                return value >= self.limit
            case _:
                return value < self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


GOALS: Final = {
    "router_eos_cpu_per_copy": Goal("<=", 1.6),
    "router_eos_rate_per_kafka_streams": Goal(">=", 1.5),
    "plain_confluent_cpu_per_router": Goal(">=", 2),
    "naive_faststream_cpu_per_router": Goal(">=", 30),
    "router_eos_p50_per_passthrough": Goal("<=", 1.3),
    "router_p99_per_passthrough": Goal("<=", 1.5),
    "areas_7000_per_174": Goal("<=", 1.5),
    "mandates_10000_per_10": Goal("<=", 2),
    "added_recipient_us": Goal("<=", 3),
    "memory_growth_1m": Goal("<", 0.05),
    "ingest_batch_cpu_per_bare": Goal("<=", 2.5),
    "ingest_single_cpu_per_bare": Goal("<=", 1.5),
}

Ratios = dict[str, list[float]]


def summary(ratios: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """Return median, least, most and goal of each ratio that was measured, in the order of the goals."""
    return {
        name: {
            "median": round(statistics.median(ratios[name]), 4),
            "min": round(min(ratios[name]), 4),
            "max": round(max(ratios[name]), 4),
            "goal": str(goal),
            "met": goal.met(statistics.median(ratios[name])),
            "pairs": len(ratios[name]),
        }
        for name, goal in GOALS.items()
        if ratios.get(name)
    }


def write(
    ratios: Mapping[str, Sequence[float]], pairs: int, seen: Mapping[str, Any], path: Path = REPORT
) -> None:
    """Keep the report; ``seen`` are the figures behind the ratios, by contender."""
    path.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine(), "pairs": pairs, "ratios": summary(ratios), "seen": seen}
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def table(ratios: Mapping[str, Sequence[float]]) -> str:
    """Return one line a ratio; ``!`` marks a goal that was missed."""
    lines = [f"  {'ratio':34} {'median':>9} {'min':>9} {'max':>9} {'n':>3}  goal"]
    for name, row in summary(ratios).items():
        mark = " " if row["met"] else "!"
        figures = "".join(f" {row[column]:9.3f}" for column in ("median", "min", "max"))
        lines.append(f"{mark} {name:34}{figures} {row['pairs']:3}  {row['goal']}")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Return what the figures depend on, with the load now."""
    return {
        "cores": os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
