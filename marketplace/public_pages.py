"""What holds for every page that anybody may read: a fair share of it, and nothing in it but our own scripts."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.throttling import TokenBucketThrottle

# A seller's text that came through unescaped could still run nothing, load nothing and send nothing.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def public_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer an address as often as the API does; let browsers keep a page only to ask whether it still holds.

    A product that was rejected must be gone at once, so that no cache may answer for us.
    """

    @wraps(view)
    def page(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        taken = TokenBucketThrottle().take_for_address(request)  # type: ignore[arg-type]
        request.rate_limit = taken  # type: ignore[attr-defined]
        if taken is None or taken.is_allowed:
            response = view(request, *args, **kwargs)
        else:
            response = render(request, "public/too_many.html", {"wait_s": taken.retry_after_s}, status=429)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response

    return page
