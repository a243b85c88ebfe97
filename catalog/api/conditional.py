"""Answers that need not be sent again where the caller holds them already."""

import json
from collections.abc import Collection, Mapping
from hashlib import sha256
from typing import Any

from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request
from rest_framework.response import Response


def conditional(
    request: Request, body: Mapping[str, Any], *, volatile: Collection[str] = (), max_age_s: int = 0
) -> HttpResponseBase:
    """Answer with body and its ETag; with 304 where the request names that.

    Args:
        request: which may carry If-None-Match.
        body: what is answered.
        volatile: keys of it that do not count, such as how long the answer took.
        max_age_s: how long a browser need not ask again; 0: it asks each time.
    """
    lasting = {key: value for key, value in body.items() if key not in volatile}
    digest = sha256(json.dumps(lasting, sort_keys=True, default=str).encode()).hexdigest()[:32]
    etag = f'W/"{digest}"'
    headers = {"ETag": etag, "Cache-Control": f"public, max-age={max_age_s}" if max_age_s else "public, no-cache"}
    response = Response(body, headers=headers)
    found = get_conditional_response(request._request, etag=etag, response=response)
    if found is not response and found is not None:
        found["Cache-Control"] = headers["Cache-Control"]
        return found
    return response
