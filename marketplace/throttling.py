"""Token buckets in Redis: one for each API key, one for each address that has none."""

import logging
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from marketplace.models import ApiKey

logger = logging.getLogger(__name__)

# One round trip, atomic. The clock is Redis's own, so that web processes on several hosts agree.
# KEYS[1] bucket; ARGV: tokens per second, capacity. Returns {allowed, tokens left, seconds to the next token}.
TAKE = """
local now = redis.call('TIME')
local at = tonumber(now[1]) + tonumber(now[2]) / 1000000
local rate, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = tonumber(bucket[1]) or capacity
tokens = math.min(capacity, tokens + math.max(0, at - (tonumber(bucket[2]) or at)) * rate)
local allowed = 0
if tokens >= 1 then
  tokens = tokens - 1
  allowed = 1
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', at))
redis.call('EXPIRE', KEYS[1], math.ceil(capacity / rate) + 1)
return {allowed, tostring(tokens), tostring(math.max(0, (1 - tokens) / rate))}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one request found in its bucket."""

    policy: str
    per_minute: int
    is_allowed: bool
    remaining: int
    retry_after_s: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers of draft-ietf-httpapi-ratelimit-headers-11."""
        reset_s = math.ceil((self.per_minute - self.remaining) * 60 / self.per_minute)
        headers = {
            "RateLimit-Policy": f'"{self.policy}";q={self.per_minute};w=60',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={reset_s}',
        }
        return headers if self.is_allowed else headers | {"Retry-After": str(self.retry_after_s)}


@lru_cache(maxsize=1)
def _script(url: str) -> Any:
    # A slow Redis must not hold up requests that would pass without it.
    return redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5).register_script(TAKE)


def take_token(*, policy: str, subject: str, per_minute: int) -> Taken | None:
    """Take one token from the subject's bucket, which holds a minute's worth; None when Redis is away."""
    try:
        allowed, tokens, wait_s = _script(settings.CACHE_URL)(
            keys=[f"souk:rate:{policy}:{subject}"], args=[per_minute / 60, per_minute]
        )
    except redis.RedisError as error:
        logger.warning("rate limits are off: Redis is away: %s", error)
        return None
    return Taken(
        policy=policy,
        per_minute=per_minute,
        is_allowed=bool(allowed),
        remaining=int(float(tokens)),
        retry_after_s=max(1, math.ceil(float(wait_s))),
    )


class TokenBucketThrottle(BaseThrottle):
    """Let a key make API_RATE_PER_KEY requests a minute, and an address without a key API_RATE_PER_ADDRESS."""

    taken: Taken | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Take a token for this request."""
        if isinstance(request.auth, ApiKey):
            self.taken = take_token(policy="key", subject=str(request.auth.pk), per_minute=settings.API_RATE_PER_KEY)
        else:
            self.taken = self.take_for_address(request)
        request._request.rate_limit = self.taken  # type: ignore[attr-defined]
        return self.taken is None or self.taken.is_allowed

    def take_for_address(self, request: Request) -> Taken | None:
        """Take a token of the address that the request comes from."""
        return take_token(policy="address", subject=self.get_ident(request), per_minute=settings.API_RATE_PER_ADDRESS)

    def wait(self) -> float | None:
        """Return the seconds after which a token will be there."""
        return None if self.taken is None else self.taken.retry_after_s


@sync_and_async_middleware
def rate_limit_headers(get_response: Any) -> Any:
    """Put what the request found in its bucket on every answer."""
    if iscoroutinefunction(get_response):

        async def async_middleware(request: HttpRequest) -> HttpResponse:
            return _with_headers(request, await get_response(request))

        return async_middleware

    def middleware(request: HttpRequest) -> HttpResponse:
        return _with_headers(request, get_response(request))

    return middleware


def _with_headers(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    taken: Taken | None = getattr(request, "rate_limit", None)
    if taken is not None:
        for name, value in taken.headers.items():
            response[name] = value
    return response
