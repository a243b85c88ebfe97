"""Replies: what a site was asked, and what its answer stands for: a reply, or an error."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from yarl import URL

from catalog.politeness.blocks import MAX_INTERSTITIAL_BYTES, PLAIN_403, Kind, Verdict, judge
from catalog.streams.charsets import page_text
from jobs.errors import PermanentError, RateLimitedError, RetryableError
from marketplace.retry_after import retry_after_s

ACCEPT_PAGES = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
MAX_PAGE_BYTES = 4 * 1024 * 1024
DEFAULT_RETRY_AFTER_S = 60.0
MAX_RETRY_AFTER_S = 3600.0

_CHUNK_BYTES = 64 * 1024
_MAY_BE_CHALLENGED = frozenset({202, 401, 403, 405, 429, 430, 503})


class PageNotFound(PermanentError):
    """The page does not exist (any more)."""

    code = "catalog.page_not_found"


class RequestRefused(PermanentError):
    """The site refuses the request."""

    code = "catalog.request_refused"


class LoginRequired(RequestRefused):
    """The site shows this only to those who are logged in."""

    code = "catalog.login_required"


class TooManyRedirects(PermanentError):
    """The address redirects again and again."""

    code = "catalog.too_many_redirects"


class ReplyTooLarge(PermanentError):
    """The reply is larger than we take."""

    code = "catalog.reply_too_large"


class TooManyRequests(RateLimitedError):
    """The site asks us to slow down."""

    code = "catalog.too_many_requests"


class SiteBlocks(RateLimitedError):
    """The site refuses us, or shows a page for robots in place of its own."""

    code = "catalog.site_blocks"


class ProxyFailing(RetryableError):
    """The proxy between us and the site fails."""

    code = "catalog.proxy_failing"


class SiteFailing(RetryableError):
    """The site answers with an error of its own."""

    code = "catalog.site_failing"


class SiteUnreachable(RetryableError):
    """The site cannot be reached."""

    code = "catalog.site_unreachable"


class SiteTimeout(RetryableError):
    """The site did not answer in time."""

    code = "catalog.site_timeout"


class ReplyNotStored(RetryableError):
    """There is no room to keep what the site sent."""

    code = "catalog.reply_not_stored"


@dataclass(frozen=True, slots=True)
class Request:
    """One address to get, if it is no longer what etag or last_modified stand for.

    is_file: a picture, a feed, robots.txt: what is answered is no page to be judged, and a plain 403 says only that
    it is not there, as object stores do.
    """

    address: str
    etag: str = ""
    last_modified: str = ""
    max_bytes: int = MAX_PAGE_BYTES
    accept: str = ACCEPT_PAGES
    authorization: str = field(default="", repr=False)  # a secret: it is sent to the address's own origin only
    reads_errors: bool = False  # an interface says in the body what is wrong: any status is answered with it
    save_to: Path | None = None  # the body goes into this file instead of memory
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered: 200 with a body, or 304 without. Other statuses are raised, where they are not asked for."""

    status: int
    address: str
    headers: Mapping[str, str]
    body: bytes
    cookies: Sequence[str] = ()  # the names of those that were set

    @property
    def is_not_modified(self) -> bool:
        """True when what we have is still what the site has."""
        return self.status == 304

    @property
    def etag(self) -> str:
        """The entity tag, weak or strong, as sent; empty when there is none."""
        return self.headers.get("ETag", "")

    @property
    def last_modified(self) -> str:
        """The Last-Modified header as sent; empty when there is none."""
        return self.headers.get("Last-Modified", "")

    @property
    def media_type(self) -> str:
        """The type in Content-Type, in lower case, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body, decoded as `page_text` says."""
        return page_text(self.body, self.headers.get("Content-Type", ""))


async def read_reply(url: URL, response: aiohttp.ClientResponse, request: Request) -> Reply:
    """Return a 200 or 304 reply that is what was asked for, or raise what the answer stands for."""
    retry_after = response.headers.get("Retry-After", "")
    if request.save_to is not None and response.status == 200:
        await _save_capped(url, response, request.max_bytes, request.save_to)
        return Reply(response.status, str(url), response.headers, b"", cookies=list(response.cookies))
    if response.status in (200, 304) or request.reads_errors:
        body = b"" if response.status == 304 else await _read_capped(url, response, request.max_bytes)
    else:
        body = await _read_start(response) if response.status in _MAY_BE_CHALLENGED else b""
    if request.reads_errors:
        return Reply(response.status, str(url), response.headers, body, cookies=list(response.cookies))
    is_page = not request.is_file
    verdict = judge(status=response.status, headers=response.headers, body=body, is_page=is_page)
    if request.is_file and verdict.reason == PLAIN_403:
        raise RequestRefused(f"{url} answers 403", status_code=403)
    check_verdict(str(url), verdict, status=response.status, retry_after=retry_after)
    check_status(str(url), response.status, retry_after)
    return Reply(response.status, str(url), response.headers, body, cookies=list(response.cookies))


async def _read_start(response: aiohttp.ClientResponse) -> bytes:
    """Read the beginning of an error's page; one that breaks off is judged by what there is of it."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            body += chunk
            if len(body) >= MAX_INTERSTITIAL_BYTES:
                break
    except (aiohttp.ClientError, OSError):  # the status has been told, and that counts
        return bytes(body)
    return bytes(body)


def check_verdict(address: str, verdict: Verdict, *, status: int, retry_after: str) -> None:
    """Raise the error that a verdict stands for; OK stands for none."""
    match verdict.kind:
        case Kind.OK:
            return
        case Kind.RATE_LIMITED:
            wait_s = parse_retry_after(retry_after, now=datetime.now(UTC))
            message = f"{address} answers {status}: asks for {wait_s:g} s of rest"
            raise TooManyRequests(message, retry_after_s=wait_s, status_code=status)
        case Kind.LOGIN:
            raise LoginRequired(f"{address} shows {verdict.reason}", status_code=status)
        case Kind.BLOCKED | Kind.SOFT_BLOCK:
            raise SiteBlocks(f"{address} shows {verdict.reason}", status_code=status)


def check_status(address: str, status: int, retry_after: str) -> None:
    """Raise the error that a status stands for; 200 and 304 stand for none."""
    if status in (200, 304):
        return
    if status in (404, 410):
        raise PageNotFound(f"{address} answers {status}: the page does not exist", status_code=status)
    headers = {"Retry-After": retry_after} if retry_after else {}
    check_verdict(address, judge(status=status, headers=headers, body=b""), status=status, retry_after=retry_after)
    if status >= 500 or status == 408:
        raise SiteFailing(f"{address} answers {status}", status_code=status)
    raise RequestRefused(f"{address} answers {status}", status_code=status)


def parse_retry_after(value: str, *, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, between 0 and an hour; a minute if it says nothing."""
    asked_s = retry_after_s(value, now=now, cap_s=MAX_RETRY_AFTER_S)
    return DEFAULT_RETRY_AFTER_S if asked_s is None else asked_s


async def _read_capped(url: URL, response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in _chunks(url, response, max_bytes):
        body += chunk
    return bytes(body)


async def _save_capped(url: URL, response: aiohttp.ClientResponse, max_bytes: int, path: Path) -> None:
    """Write the body to a file; what a broken transfer left of it is for the caller to remove."""
    with path.open("wb") as file:
        async for chunk in _chunks(url, response, max_bytes):
            try:
                file.write(chunk)
            except OSError as error:
                raise ReplyNotStored(f"{url} could not be stored: {error.strerror}") from error


async def _chunks(url: URL, response: aiohttp.ClientResponse, max_bytes: int) -> AsyncIterator[bytes]:
    declared = response.content_length
    if declared is not None and declared > max_bytes:
        raise ReplyTooLarge(f"{url} is {declared:,} bytes; the most we take is {max_bytes:,}")
    taken = 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        taken += len(chunk)
        if taken > max_bytes:
            raise ReplyTooLarge(f"{url} is more than {max_bytes:,} bytes")
        yield chunk
