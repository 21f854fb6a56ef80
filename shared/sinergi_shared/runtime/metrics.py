"""What every service measures alike. Label values come from enums and start at zero (B68)."""

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

STAGE_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds of one stage: the service levels are at 1, 5 and 30 s."""

ANSWER_BUCKETS: Final = tuple(60.0 * minutes for minutes in (5, 10, 15, 30, 60, 120, 240, 480, 1440))
"""Seconds until an answer: one bucket at each deadline of the mandates."""

DELIVERY_BUCKETS: Final = tuple(sorted({*STAGE_BUCKETS, *ANSWER_BUCKETS, 2.0, 15.0, 120.0}))
"""Seconds until an agency is told: finer at the service levels, then one bucket at each deadline."""


def counter(registry: CollectorRegistry, name: str, about: str, **labels: Iterable[str]) -> Counter:
    """Return a counter whose every label combination stands at zero from the start."""
    made = Counter(name, about, tuple(labels), registry=registry)
    _touch(made, [tuple(values) for values in labels.values()])
    return made


def gauge(registry: CollectorRegistry, name: str, about: str, **labels: Iterable[str]) -> Gauge:
    """Return a gauge whose every label combination stands at zero from the start."""
    made = Gauge(name, about, tuple(labels), registry=registry)
    _touch(made, [tuple(values) for values in labels.values()])
    return made


def histogram(
    registry: CollectorRegistry, name: str, about: str, buckets: Iterable[float], **labels: Iterable[str]
) -> Histogram:
    """Return a histogram of seconds whose every label combination stands at zero from the start."""
    made = Histogram(name, about, tuple(labels), buckets=tuple(buckets), registry=registry)
    _touch(made, [tuple(values) for values in labels.values()])
    return made


def tell_of_process(registry: CollectorRegistry, is_ready: Callable[[], bool]) -> None:
    """Tell whether this process is ready, since when it runs, its memory and its processor time."""
    ready = Gauge("sinergi_ready", "1 while /readyz answers 200", registry=registry)
    ready.set_function(lambda: float(is_ready()))
    ProcessCollector(registry=registry)


def _touch(metric: Counter | Gauge | Histogram, values: list[tuple[str, ...]]) -> None:
    combinations: list[tuple[str, ...]] = [()]
    for column in values:
        combinations = [(*row, value) for row in combinations for value in column]
    if values:
        for row in combinations:
            metric.labels(*row)
