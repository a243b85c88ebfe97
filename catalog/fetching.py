"""Fetch over HTTP: pooled, capped, conditional, and never inside our own network."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from catalog.hosts import host_of
from catalog.politeness.manners import DomainRefuses, DomainResting, Manners
from catalog.politeness.proxies import Health, Proxy, process_pool
from catalog.politeness.tally import Sight
from catalog.replies import (
    ACCEPT_PAGES,
    DEFAULT_RETRY_AFTER_S,
    MAX_PAGE_BYTES,
    PageNotFound,
    ProxyFailing,
    Reply,
    ReplyTooLarge,
    Request,
    RequestRefused,
    SiteBlocks,
    SiteFailing,
    SiteTimeout,
    SiteUnreachable,
    TooManyRedirects,
    TooManyRequests,
    read_reply,
)
from jobs.errors import JobError
from marketplace.egress import AddressRefused, GuardedResolver, check_address, check_host

USER_AGENT = "SoukBot/0.1 (reads a seller's catalog at the seller's request)"
MAX_REDIRECTS = 5
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 10.0
SAVE_TIMEOUT = aiohttp.ClientTimeout(total=240.0, sock_connect=CONNECT_TIMEOUT_S, sock_read=TIMEOUT_S)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FetchSession:
    """A pool of connections of one event loop; use it as an async context manager.

    Args:
        concurrency: connections.
        timeout_s: from the first byte sent to the last byte read.
        manners: what its requests heed, and where they are counted; none for requests that no job makes.
    """

    def __init__(self, *, concurrency: int = 16, timeout_s: float = TIMEOUT_S, manners: Manners | None = None) -> None:
        self._concurrency = concurrency
        self._manners = manners
        self._pool = process_pool()
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_TIMEOUT_S)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=self._concurrency, resolver=GuardedResolver(trusted=self._pool.hosts), use_dns_cache=True
        )
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
            PageNotFound, RequestRefused, LoginRequired, TooManyRedirects, ReplyTooLarge, AddressRefused: permanent.
            TooManyRequests, SiteBlocks: rate limited.
            SiteFailing, SiteUnreachable, SiteTimeout, ProxyFailing: retryable.
            NotAsked, DomainRefuses: the manners forbid it now.
        """
        url = check_address(request.address)
        if self._manners is None:
            return await self._follow(url, request, seen=[])
        hosts = [host_of(url)]
        self._manners.check(hosts[0])
        started = time.perf_counter()
        try:
            reply = await self._follow(url, request, seen=hosts)
        except JobError as error:
            note_error(self._manners, hosts, error, is_page=not request.is_file)
            raise
        latency_s = (time.perf_counter() - started) / len(hosts)
        for host in _ends(hosts):
            self._manners.saw(host, Sight.ANSWERED, latency_s=latency_s, is_page=not request.is_file)
        return reply

    async def _follow(self, url: URL, request: Request, *, seen: list[str]) -> Reply:
        headers = {"Accept": request.accept}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        if request.authorization:
            headers["Authorization"] = request.authorization
        for _ in range(MAX_REDIRECTS + 1):
            reply = await self._get_once(url, headers, request)
            if isinstance(reply, Reply):
                return reply
            if request.authorization and reply.origin() != url.origin():
                raise RequestRefused(f"{url.origin()} redirects elsewhere, where the seller's access is not for")
            url = check_address(reply)
            seen.append(host_of(url))
        raise TooManyRedirects(f"{request.address} redirects more than {MAX_REDIRECTS} times")

    async def _get_once(self, url: URL, headers: dict[str, str], request: Request) -> Reply | URL:
        """Answer with the reply, or with the address that it redirects to."""
        if self._session is None:
            raise RuntimeError("FetchSession is used outside its `async with`")
        proxy = self._pool.pick(host_of(url))
        if proxy is not None:
            await check_host(url)  # the proxy resolves the name itself, so this is all that we can see of it
        try:
            if proxy is not None and url.scheme == "http":
                headers = headers | proxy.headers  # with https they go with CONNECT alone: the site would read them
            async with self._session.get(
                url,
                headers=headers,
                allow_redirects=False,
                proxy=proxy.address if proxy else None,
                proxy_headers=proxy.headers if proxy else None,
                timeout=self._timeout if request.save_to is None else SAVE_TIMEOUT,
            ) as response:
                if proxy is not None and response.status == 407:
                    raise self._proxy_error(url, proxy, "407")
                self._pool.note(proxy, Health.WELL)
                if response.status in _REDIRECTS:
                    return _redirect_target(url, response)
                return await read_reply(url, response, request)
        except TimeoutError as error:
            raise SiteTimeout(f"{url} did not answer in time") from error
        except aiohttp.InvalidURL as error:
            raise AddressRefused(f"{url} is not an address: {error}") from error
        except aiohttp.ClientProxyConnectionError as error:
            raise self._proxy_error(url, proxy, type(error).__name__) from error
        except aiohttp.ClientHttpProxyError as error:
            if error.status < 500:
                raise self._proxy_error(url, proxy, str(error.status)) from error
            self._pool.note(proxy, Health.DOUBTFUL)  # it may be the site that cannot be reached
            raise SiteUnreachable(f"{url}: {proxy} answers {error.status}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SiteUnreachable(f"{url}: {type(error).__name__}: {error}") from error

    def _proxy_error(self, url: URL, proxy: Proxy | None, problem: str) -> ProxyFailing:
        self._pool.note(proxy, Health.FAULTY)
        return ProxyFailing(f"{url} by {proxy or 'a proxy'}: {problem}")


def note_error(manners: Manners, hosts: Sequence[str], error: JobError, *, is_page: bool = True) -> None:
    """Count a request that failed, for the first and the last of the hosts that it came to.

    Jobs wait behind the gate of the host that they name; where it redirects to another, both must know.
    """
    hold_s = 0.0
    match error:
        case DomainResting() | DomainRefuses() | AddressRefused() | ProxyFailing():
            return
        case TooManyRequests():
            sight = Sight.LIMITED
            hold_s = DEFAULT_RETRY_AFTER_S if error.retry_after_s is None else error.retry_after_s
        case SiteBlocks():
            sight = Sight.BLOCKED
        case SiteFailing() | SiteUnreachable() | SiteTimeout():
            sight = Sight.FAILING
        case RequestRefused() | PageNotFound() | TooManyRedirects() | ReplyTooLarge():
            sight = Sight.ANSWERED
        case _:
            return  # of our own making: a crashed browser says nothing of the site
    for host in _ends(hosts):
        manners.saw(host, sight, is_page=is_page, hold_s=hold_s, code=error.code, message=str(error))


def _ends(hosts: Sequence[str]) -> set[str]:
    return {hosts[0], hosts[-1]}


def _redirect_target(url: URL, response: aiohttp.ClientResponse) -> URL:
    location = response.headers.get("Location", "")
    if not location:
        raise RequestRefused(f"{url} redirects to nowhere")
    try:
        return url.join(URL(location))
    except ValueError as error:
        raise RequestRefused(f"{url} redirects to {location[:200]!r}, which is no address") from error
