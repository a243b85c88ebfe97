"""Token buckets in Redis: how much of something may be done in a time, counted alike by all processes and hosts."""

import logging
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

# One round trip, atomic. The clock is Redis's own, so that processes on several hosts agree.
# KEYS[1] bucket; ARGV: tokens per second, capacity, tokens wanted. More than the capacity is given to a full bucket,
# which then owes the rest. Returns {allowed, tokens left, seconds until it could be given}.
TAKE = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, capacity, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local needed = math.min(count, capacity)
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or capacity
tokens = math.min(capacity, tokens + math.max(0, at - (tonumber(bucket[2]) or at)) * rate)
local allowed = 0
if tokens >= needed then
  tokens = tokens - count
  allowed = 1
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', at))
redis.call('EXPIRE', KEYS[1], math.ceil((capacity - math.min(0, tokens)) / rate) + 1)
return {allowed, tostring(tokens), tostring(math.max(0, (needed - tokens) / rate))}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was found in a bucket; `wait_s` is when as much will be there again."""

    is_allowed: bool
    tokens: float
    wait_s: float


def take(name: str, *, per_minute: float, count: int = 1) -> Taken | None:
    """Take tokens from a bucket that holds a minute's worth; None when Redis is away: nobody is held up then."""
    try:
        allowed, tokens, wait_s = _script(settings.CACHE_URL)(
            keys=[f"souk:rate:{name}"], args=[per_minute / 60, per_minute, count]
        )
    except redis.RedisError as error:
        logger.warning("rate limits are off: Redis is away: %s", error)
        return None
    return Taken(is_allowed=bool(allowed), tokens=float(tokens), wait_s=float(wait_s))


@lru_cache(maxsize=1)
def _script(url: str) -> Any:
    # A slow Redis must not hold up requests that would pass without it.
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5).register_script(TAKE)
