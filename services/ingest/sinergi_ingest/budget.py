"""Rates of all ingest processes together in Redis, each by itself while Redis is away.

Redis only accelerates: when it does not answer at once, nobody is refused for it, and it is left
alone for a second (architecture, 1).
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from redis.exceptions import RedisError

from sinergi_ingest.limits import Bucket, take
from sinergi_shared.directory import Source

ANSWER_WITHIN_S: Final = 0.1
LEAVE_ALONE_S: Final = 1.0

# The same rule as limits.take, by Redis' own clock, so that processes need not agree on the time.
SCRIPT: Final = """
local told = redis.call('TIME')
local now = tonumber(told[1]) + tonumber(told[2]) / 1e6
local rate, burst, events = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if kept[1] then
  tokens = math.min(burst, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate)
end
local wait = math.max(0, (1 - tokens) / rate)
if wait == 0 then tokens = tokens - events end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / rate * 1000) + 1000)
return tostring(wait)
"""


class Redis(Protocol):
    """What the budget needs of a Redis client."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:  # noqa: ANN401 - redis-py's own types
        """Run a script; to be awaited."""


class Budget:
    """Says how long each source must wait; ``seconds`` is a steady clock."""

    def __init__(self, redis: Redis | None, seconds: Callable[[], float]) -> None:
        self._redis = redis
        self._seconds = seconds
        self._local: dict[str, Bucket] = {}
        self._shut_until: dict[str, float] = {}
        self._away_until = 0.0

    @property
    def shared(self) -> bool:
        """Whether Redis holds the rates now."""
        return self._redis is not None and self._seconds() >= self._away_until

    def shut_for(self, source: Source) -> float:
        """Return the seconds for which this source was last told to wait; costs no question to Redis."""
        return max(0.0, self._shut_until.get(source.urn, 0.0) - self._seconds())

    async def take(self, source: Source, events: int) -> float:
        """Return how many seconds to wait before these events are taken; 0 means that they are."""
        wait = await self._wait(source, events)
        if wait > 0:
            self._shut_until[source.urn] = self._seconds() + wait
        return wait

    async def _wait(self, source: Source, events: int) -> float:
        if self._redis is not None and self.shared:
            rate = source.rate
            key = f"sinergi:rate:{source.name}"
            try:
                told = await self._redis.eval(SCRIPT, 1, key, rate.perSecond, rate.burst, events)
                return float(told)
            except (RedisError, OSError, TimeoutError):
                self._away_until = self._seconds() + LEAVE_ALONE_S
        bucket, wait = take(self._local.get(source.urn), source.rate, events, self._seconds())
        self._local[source.urn] = bucket
        return wait
