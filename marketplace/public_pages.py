"""What holds for every page that anybody may read: a fair share of it, and nothing in it but our own scripts."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.throttling import TokenBucketThrottle, take_token

# A seller's text that came through unescaped could still run nothing, load nothing and send nothing.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer an address as often as the API does, in a count of its own: suggestions must not use up the pages.

    Browsers may keep a page only to ask whether it still holds: a product that was rejected must be gone at once.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        address = TokenBucketThrottle().get_ident(request)  # type: ignore[arg-type]
        taken = take_token(policy="page", subject=address, per_minute=settings.API_RATE_PER_ADDRESS)
        request.rate_limit = taken  # type: ignore[attr-defined]
        if taken is None or taken.is_allowed:
            response = view(request, *args, **kwargs)
        else:
            response = render(request, "public/too_many.html", {"wait_s": taken.retry_after_s}, status=429)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response

    return page
