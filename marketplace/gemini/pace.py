"""The pace of calls to Gemini: in no minute more than GEMINI_REQUESTS_PER_MIN to one model, over all processes."""

import logging
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import uuid4

import redis
from django.conf import settings

from jobs.retry import REMOTE_API
from marketplace.gemini.errors import GeminiPaced

logger = logging.getLogger(__name__)

# Of tasks that make many calls for one request: our own pace and Gemini's are waited for as often as they ask.
PATIENT = replace(REMOTE_API, waits=1_000)

WINDOW_S = 60
# Of a minute's calls, what jobs leave to people who wait for an answer.
RESERVED_SHARE = 0.2

# A window that slides, so that no minute has more calls than are allowed: a bucket that fills up while nobody calls
# gives up to twice as many in one minute. KEYS[1] the calls of the last minute; ARGV: how many may be there, the
# window in seconds, the call's name. Returns 0, or the seconds until the call may be made, as text.
TAKE = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', at - window))
local held = redis.call('ZCARD', KEYS[1])
if held < most then
  redis.call('ZADD', KEYS[1], string.format('%.6f', at), ARGV[3])
  redis.call('EXPIRE', KEYS[1], window + 1)
  return '0'
end
local leaves = redis.call('ZRANGE', KEYS[1], held - most, held - most, 'WITHSCORES')
return tostring(math.max(0.001, tonumber(leaves[2]) + window - at))
"""

# How many calls are free now, and the seconds until one more is; the same keys and arguments, but for the name.
PEEK = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.6f', at - window), '+inf', 'WITHSCORES')
local count = #held / 2
local first = held[2 * math.max(0, count - most) + 2]
local wait = first and math.max(0.001, tonumber(first) + window - at) or window
return {tostring(math.max(0, most - count)), tostring(wait)}
"""


def calls_for_jobs() -> int:
    """Return how many calls a minute jobs may make."""
    limit: int = settings.GEMINI_REQUESTS_PER_MIN
    return max(1, limit - round(limit * RESERVED_SHARE))


def take_call(model: str, *, is_waited_for: bool) -> None:
    """Take one call of the minute, or refuse at once; while Redis is away Gemini's own limit has to do.

    Args:
        model: Gemini counts each model's calls apart.
        is_waited_for: somebody waits for the answer, as in a search.

    Raises:
        GeminiPaced: the minute's calls are made; it says when the next may be.
    """
    most = settings.GEMINI_REQUESTS_PER_MIN if is_waited_for else calls_for_jobs()
    try:
        wait_s = float(_script(settings.CACHE_URL, TAKE)(keys=[_key(model)], args=[most, WINDOW_S, uuid4().hex]))
    except redis.RedisError as error:
        logger.warning("the pace of calls to Gemini is off: Redis is away: %s", error)
        return
    if wait_s:
        raise GeminiPaced(f"{GeminiPaced.__doc__} The next may be in {wait_s:.1f} s.", retry_after_s=wait_s)


def free_calls(model: str) -> tuple[int, float]:
    """Return how many calls jobs may make now, and in how many seconds they may make one more than those.

    For who has much to prepare for a call; others may take them meanwhile. While Redis is away all are free.
    """
    most = calls_for_jobs()
    try:
        free, wait_s = _script(settings.CACHE_URL, PEEK)(keys=[_key(model)], args=[most, WINDOW_S])
    except redis.RedisError as error:
        logger.warning("the pace of calls to Gemini is off: Redis is away: %s", error)
        return most, 0.0
    return int(float(free)), float(wait_s)


def forget_calls(model: str) -> None:
    """Begin a new minute, for tests."""
    with redis.Redis.from_url(settings.CACHE_URL) as client:
        client.delete(_key(model))


def _key(model: str) -> str:
    return f"souk:gemini:calls:{model}"


@lru_cache(maxsize=2)
def _script(url: str, text: str) -> Any:
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5).register_script(text)
