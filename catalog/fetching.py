"""Fetch over HTTP: pooled, capped, conditional, and never inside our own network."""

import asyncio
import codecs
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from catalog.egress import AddressRefused, GuardedResolver, check_address
from jobs.errors import JobError, PermanentError, RateLimitedError, RetryableError

USER_AGENT = "SoukBot/0.1 (reads a seller's catalog at the seller's request)"
ACCEPT_PAGES = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5"
MAX_PAGE_BYTES = 4 * 1024 * 1024
MAX_REDIRECTS = 5
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
SAVE_TIMEOUT = aiohttp.ClientTimeout(total=240.0, sock_connect=CONNECT_TIMEOUT_S, sock_read=TIMEOUT_S)
DEFAULT_RETRY_AFTER_S = 60.0
MAX_RETRY_AFTER_S = 3600.0

_CHUNK_BYTES = 64 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)


class PageNotFound(PermanentError):
    """The page does not exist (any more)."""

    code = "catalog.page_not_found"


class RequestRefused(PermanentError):
    """The site refuses the request."""

    code = "catalog.request_refused"


class TooManyRedirects(PermanentError):
    """The address redirects again and again."""

    code = "catalog.too_many_redirects"


class ReplyTooLarge(PermanentError):
    """The reply is larger than we take."""

    code = "catalog.reply_too_large"


class TooManyRequests(RateLimitedError):
    """The site asks us to slow down."""

    code = "catalog.too_many_requests"


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
    """One address to get, if it is no longer what etag or last_modified stand for."""

    address: str
    etag: str = ""
    last_modified: str = ""
    max_bytes: int = MAX_PAGE_BYTES
    accept: str = ACCEPT_PAGES
    authorization: str = field(default="", repr=False)  # a secret: it is sent to the address's own origin only
    reads_errors: bool = False  # an interface says in the body what is wrong: any status is answered with it
    save_to: Path | None = None  # the body goes into this file instead of memory


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
        """The body decoded by the header's charset, else by the page's own, else as UTF-8."""
        return self.body.decode(_charset(self.headers.get("Content-Type", ""), self.body), errors="replace")


class FetchSession:
    """A pool of connections of one event loop; use it as an async context manager."""

    def __init__(self, *, concurrency: int = 16, timeout_s: float = TIMEOUT_S) -> None:
        self._concurrency = concurrency
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=self._concurrency, resolver=GuardedResolver(), use_dns_cache=True)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            headers={"User-Agent": USER_AGENT, "Accept-Language": "en;q=0.8,*;q=0.5"},
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        address: str,
        *,
        etag: str = "",
        last_modified: str = "",
        max_bytes: int = MAX_PAGE_BYTES,
        accept: str = ACCEPT_PAGES,
    ) -> Reply:
        """Get one address; see `send`."""
        return await self.send(
            Request(address=address, etag=etag, last_modified=last_modified, max_bytes=max_bytes, accept=accept)
        )

    async def send(self, request: Request) -> Reply:
        """Answer with a 200 or 304 reply, following up to five redirects, each of them guarded.

        Raises:
            PageNotFound, RequestRefused, TooManyRedirects, ReplyTooLarge, AddressRefused: permanent.
            TooManyRequests: rate limited.
            SiteFailing, SiteUnreachable, SiteTimeout: retryable.
        """
        headers = {"Accept": request.accept}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        if request.authorization:
            headers["Authorization"] = request.authorization
        url = check_address(request.address)
        for _ in range(MAX_REDIRECTS + 1):
            reply = await self._get_once(url, headers, request)
            if isinstance(reply, Reply):
                return reply
            if request.authorization and reply.origin() != url.origin():
                raise RequestRefused(f"{url.origin()} redirects elsewhere, where the seller's access is not for")
            url = check_address(reply)
        raise TooManyRedirects(f"{request.address} redirects more than {MAX_REDIRECTS} times")

    async def _get_once(self, url: URL, headers: dict[str, str], request: Request) -> Reply | URL:
        """Answer with the reply, or with the address that it redirects to."""
        if self._session is None:
            raise RuntimeError("FetchSession is used outside its `async with`")
        try:
            timeout = self._timeout if request.save_to is None else SAVE_TIMEOUT
            async with self._session.get(url, headers=headers, allow_redirects=False, timeout=timeout) as response:
                if response.status in _REDIRECTS:
                    return _redirect_target(url, response)
                if not request.reads_errors:
                    check_status(str(url), response.status, response.headers.get("Retry-After", ""))
                if request.save_to is not None and response.status == 200:
                    await _save_capped(url, response, request.max_bytes, request.save_to)
                    body = b""
                else:
                    body = b"" if response.status == 304 else await _read_capped(url, response, request.max_bytes)
                return Reply(response.status, str(url), response.headers, body, cookies=list(response.cookies))
        except TimeoutError as error:
            raise SiteTimeout(f"{url} did not answer in time") from error
        except aiohttp.InvalidURL as error:
            raise AddressRefused(f"{url} is not an address: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SiteUnreachable(f"{url}: {type(error).__name__}: {error}") from error


def fetch_all(requests: Sequence[Request], *, concurrency: int = 16) -> list[Reply | JobError]:
    """Get many addresses at once in an event loop of its own; one outcome each, in the order given."""
    return asyncio.run(_fetch_all(requests, concurrency))


async def _fetch_all(requests: Sequence[Request], concurrency: int) -> list[Reply | JobError]:
    async with FetchSession(concurrency=concurrency) as session:
        return await send_all(session, requests, concurrency=concurrency)


async def send_all(
    session: FetchSession, requests: Sequence[Request], *, concurrency: int = 16
) -> list[Reply | JobError]:
    """Get many addresses at once; one outcome each, in the order given."""
    places = asyncio.Semaphore(concurrency)

    async def send(request: Request) -> Reply | JobError:
        async with places:
            try:
                return await session.send(request)
            except JobError as error:
                return error

    return await asyncio.gather(*(send(request) for request in requests))


def check_status(address: str, status: int, retry_after: str) -> None:
    """Raise the error that a status stands for; 200 and 304 stand for none."""
    if status in (200, 304):
        return
    if status in (404, 410):
        raise PageNotFound(f"{address} answers {status}: the page does not exist")
    if status == 429:
        wait_s = parse_retry_after(retry_after, now=datetime.now(UTC))
        raise TooManyRequests(f"{address} answers 429: asks for {wait_s:g} s of rest", retry_after_s=wait_s)
    if status >= 500 or status == 408:
        raise SiteFailing(f"{address} answers {status}")
    raise RequestRefused(f"{address} answers {status}")


def parse_retry_after(value: str, *, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, between 0 and an hour; a minute if it says nothing."""
    value = value.strip()
    if re.fullmatch(r"-?\d{1,9}(\.\d+)?", value):
        seconds = float(value)
    else:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return DEFAULT_RETRY_AFTER_S
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _redirect_target(url: URL, response: aiohttp.ClientResponse) -> URL:
    location = response.headers.get("Location", "")
    if not location:
        raise RequestRefused(f"{url} redirects to nowhere")
    try:
        return url.join(URL(location))
    except ValueError as error:
        raise RequestRefused(f"{url} redirects to {location[:200]!r}, which is no address") from error


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


def _charset(content_type: str, body: bytes) -> str:
    named = re.search(r"""charset\s*=\s*["']?([\w.:-]+)""", content_type, re.IGNORECASE)
    candidates = [named.group(1)] if named else []
    if body.startswith(codecs.BOM_UTF8):
        candidates.insert(0, "utf-8-sig")
    inside = _META_CHARSET.search(body[:2048])
    if inside:
        candidates.append(inside.group(1).decode("ascii"))
    for name in candidates:
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    return "utf-8"
