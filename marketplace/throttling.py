"""How many requests a caller may make: a token bucket for each API key, one for each address that has none."""

import math
from dataclasses import dataclass
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from jobs import token_bucket
from marketplace.models import ApiKey


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


def take_token(*, policy: str, subject: str, per_minute: int) -> Taken | None:
    """Take one token from the subject's bucket, which holds a minute's worth; None when Redis is away."""
    taken = token_bucket.take(f"{policy}:{subject}", per_minute=per_minute)
    if taken is None:
        return None
    return Taken(
        policy=policy,
        per_minute=per_minute,
        is_allowed=taken.is_allowed,
        remaining=int(taken.tokens),
        retry_after_s=max(1, math.ceil(taken.wait_s)),
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
