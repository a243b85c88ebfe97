"""Meta's Graph API: one question, and what its errors mean for a job.

Source: developers.facebook.com, "Graph API: handle errors" and "Rate limits" (business use cases).
"""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from yarl import URL

from catalog.reading import SiteReader
from catalog.replies import Reply, SiteFailing
from jobs.errors import PermanentError, RateLimitedError

TOKEN_CODES = frozenset({102, 190, 463, 467})
PERMISSION_CODES = frozenset({3, 10, *range(200, 300)})
LIMIT_CODES = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
PASSING_CODES = frozenset({1, 2})  # unknown, and temporarily unavailable: "wait and retry"
DEFAULT_WAIT_S = 300.0
MAX_WAIT_S = 3600.0
USAGE_HEADER = "X-Business-Use-Case-Usage"


class TokenRefused(PermanentError):
    """The access token is expired or was withdrawn."""

    code = "catalog.token_refused"


class PermissionMissing(PermanentError):
    """The access token does not allow to read the catalog."""

    code = "catalog.permission_missing"


class NoSuchCatalog(PermanentError):
    """There is no such catalog, or the token may not see it."""

    code = "catalog.no_such_catalog"


class GraphRefused(PermanentError):
    """The Graph API refuses the request."""

    code = "catalog.graph_refused"


class GraphMalformed(SiteFailing):
    """The Graph API answered with something that is not its JSON."""

    code = "catalog.graph_malformed"


class TooManyCalls(RateLimitedError):
    """The Graph API asks us to call less."""

    code = "catalog.too_many_calls"


def ask(reader: SiteReader, path: str, query: Mapping[str, str], *, token: str) -> dict[str, Any]:
    """Return what the API answers about an object.

    Raises:
        TokenRefused, PermissionMissing, NoSuchCatalog, GraphRefused: permanent, with what the seller can do.
        TooManyCalls: rate limited, for as long as the API says.
        SiteFailing, GraphMalformed and the rest of what `reader.call` raises: retryable.
    """
    base = URL(settings.GRAPH_API_URL)
    reply = reader.call(str((base / path).with_query(query)), token=token)
    body = _body(reply)
    if "error" in body or reply.status != 200:
        error = body.get("error")
        _raise(reply, error if isinstance(error, dict) else {})
    return body


def following_query(body: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the query of the next page; None on the last.

    Of `next`, an address, only the query is taken, without the token that it carries: the host stays the API's own.
    """
    paging = body.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(following, str):
        return None
    try:
        url = URL(following)
        origin = url.origin()
    except ValueError as error:
        raise GraphMalformed(f"the next page is at {following[:200]!r}, which is no address") from error
    if origin != URL(settings.GRAPH_API_URL).origin():
        raise GraphRefused(f"the next page is said to be at {url.host}, not at the API's own host")
    return {name: value for name, value in url.query.items() if name not in ("access_token", "appsecret_proof")}


def _body(reply: Reply) -> dict[str, Any]:
    try:
        body = json.loads(reply.body)
    except ValueError as error:
        if reply.status >= 500:
            raise SiteFailing(f"the Graph API answers {reply.status}") from error
        raise GraphMalformed(f"the Graph API answers {reply.status} without JSON") from error
    if not isinstance(body, dict):
        raise GraphMalformed("the Graph API answers with something that is no object")
    return body


def _raise(reply: Reply, error: Mapping[str, Any]) -> None:
    """Raise what an error object, or else the status, stands for."""
    code = error.get("code")
    code = code if isinstance(code, int) else 0
    said = f"Meta says: {str(error.get('message', ''))[:300]} (code {code}, status {reply.status})."
    if code in LIMIT_CODES or reply.status == 429:
        raise TooManyCalls(said, retry_after_s=_wait_s(reply))
    if code in TOKEN_CODES or reply.status == 401:
        raise TokenRefused(
            f"The access token of your connection is expired or was withdrawn. {said} "
            "Make a new one (of a system user it does not expire) and connect again."
        )
    if code in PERMISSION_CODES:
        raise PermissionMissing(
            f"The access token of your connection may not read the catalog. {said} Give it the permissions "
            "catalog_management and whatsapp_business_management, assign the catalog to its user, and connect again."
        )
    if code in PASSING_CODES or error.get("is_transient") is True or reply.status >= 500:
        raise SiteFailing(said, status_code=reply.status)
    if code in (100, 803) or reply.status == 404:
        raise NoSuchCatalog(
            f"There is no such catalog, or your access token cannot see it. {said} "
            "Look up the catalog's id in Meta's Commerce Manager, under Settings, and connect again."
        )
    raise GraphRefused(f"Meta refuses to show the catalog. {said}")


def _wait_s(reply: Reply) -> float:
    """Return the seconds to wait: the header says minutes, for each business and use case."""
    try:
        usage = json.loads(reply.headers.get(USAGE_HEADER, ""))
        minutes = [float(case.get("estimated_time_to_regain_access", 0)) for cases in usage.values() for case in cases]
    except (ValueError, TypeError, AttributeError):
        return DEFAULT_WAIT_S
    longest = max(minutes, default=0.0) * 60.0
    return min(longest, MAX_WAIT_S) if longest > 0 else DEFAULT_WAIT_S
