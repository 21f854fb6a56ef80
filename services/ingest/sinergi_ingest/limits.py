"""How much at once: a token bucket a source. Debt in, debt out; nothing here waits or asks the time.

A request of any size passes while its source has a token left, and its events are then owed: so a
large batch is never refused for being large, and a flood is held to the rate.
"""

from dataclasses import dataclass

from sinergi_shared.directory import Rate


@dataclass(frozen=True, slots=True)
class Bucket:
    """Tokens left at a moment (seconds of any steady clock); below zero means owed."""

    tokens: float
    at: float


def take(bucket: Bucket | None, rate: Rate, events: int, now: float) -> tuple[Bucket, float]:
    """Return the bucket afterwards and how many seconds to wait; 0 means taken.

    No bucket is a full one. What must wait costs nothing.
    """
    filled = refill(bucket, rate, now)
    if (wait := owed_for(filled, rate)) > 0:
        return filled, wait
    return owe(filled, rate, events, now), 0.0


def owe(bucket: Bucket | None, rate: Rate, events: int, now: float) -> Bucket:
    """Return the bucket after events that were taken in any case; what it lacks is owed."""
    filled = refill(bucket, rate, now)
    return Bucket(filled.tokens - events, now)


def refill(bucket: Bucket | None, rate: Rate, now: float) -> Bucket:
    """Return the bucket with what has flowed in since; a clock set back lets nothing flow."""
    if bucket is None:
        return Bucket(rate.burst, now)
    since = max(0.0, now - bucket.at)
    return Bucket(min(rate.burst, bucket.tokens + since * rate.perSecond), now)


def owed_for(bucket: Bucket, rate: Rate) -> float:
    """Return the seconds until the bucket holds a whole token."""
    return max(0.0, (1 - bucket.tokens) / rate.perSecond)
