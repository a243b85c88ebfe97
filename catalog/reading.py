"""Read a site politely: whatever a source looks at goes through here, so that no source can forget the manners."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from playwright.sync_api import Page

from catalog.browser import process_browser
from catalog.egress import check_address, check_host
from catalog.fetching import (
    ACCEPT_PAGES,
    MAX_PAGE_BYTES,
    FetchSession,
    Reply,
    Request,
    check_verdict,
    note_error,
)
from catalog.politeness.blocks import MAX_INTERSTITIAL_BYTES, judge
from catalog.politeness.manners import Manners, place_of
from catalog.politeness.tally import Sight
from catalog.robots import Rules, origin_of, rules_for
from jobs.errors import JobError, PermanentError

MAX_REQUESTS = 20
MAX_BROWSER_LATENCY_S = 1.0

T = TypeVar("T")


class TooManyForOneList(PermanentError):
    """One list asked for more requests than one job may make."""

    code = "catalog.too_many_for_one_list"


class SiteReader:
    """What a source may use to look at a site; a context manager, of one job and one thread.

    Every request asks robots.txt first, is guarded against private addresses, and counts; with manners, it also heeds
    how its domain stands, and is told to them.
    """

    def __init__(
        self, *, max_requests: int = MAX_REQUESTS, respects_robots: bool = True, manners: Manners | None = None
    ) -> None:
        self._left = max_requests
        self._respects_robots = respects_robots
        self._runner = asyncio.Runner()
        self._manners = Manners() if manners is None else manners
        self._session = FetchSession(manners=self._manners)

    def __enter__(self) -> Self:
        self._runner.run(self._session.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._session.__aexit__(kind, error, trace))
        self._runner.close()

    def rules(self, address: str) -> Rules:
        """Return the rules of the address's robots.txt.

        Raises:
            RobotsUnavailable and the rest of what FetchSession.send raises.
        """
        rules = self._runner.run(rules_for(self._session, [address]))[origin_of(address)]
        if isinstance(rules, JobError):
            raise rules
        self._manners.note_crawl_delays({place_of(address): rules.crawl_delay_s or 0.0})
        return rules

    def get(self, address: str, *, accept: str = ACCEPT_PAGES, max_bytes: int = MAX_PAGE_BYTES) -> Reply:
        """Get one address.

        Raises:
            RobotsForbid, TooManyForOneList: permanent; and what FetchSession.send raises.
        """
        self._ask_leave(address)
        return self._runner.run(self._session.send(Request(address=address, accept=accept, max_bytes=max_bytes)))

    def browse(self, address: str, work: Callable[[Page], T]) -> T:
        """Run work(page) with a fresh page of this process's browser; it must not touch the database.

        Raises:
            RobotsForbid, AddressRefused, TooManyForOneList: permanent.
            BrowserCrashed, BrowserMissing and what work raises.
        """
        self._ask_leave(address)
        self._runner.run(check_host(check_address(address)))
        host = place_of(address)
        self._manners.check(host)
        started = time.perf_counter()
        try:
            found = process_browser().read(lambda page: _judged(page, work))
        except JobError as error:
            note_error(self._manners, [host], error)
            raise
        # A list is scrolled through, so that its time is no latency; the whole of it would slow every page down.
        self._manners.saw(host, Sight.ANSWERED, latency_s=min(time.perf_counter() - started, MAX_BROWSER_LATENCY_S))
        return found

    def _ask_leave(self, address: str) -> None:
        if self._left <= 0:
            raise TooManyForOneList(f"{address} would be one request too many for one list")
        self._left -= 1
        if self._respects_robots:
            self.rules(address).check(address)


def _judged(page: Page, work: Callable[[Page], T]) -> T:
    """Return what the work finds on the page, unless what it looked at is an interstitial."""
    found = work(page)
    if page.is_closed() or not page.url.startswith("http"):
        return found
    if page.evaluate("document.documentElement.outerHTML.length") <= MAX_INTERSTITIAL_BYTES:
        verdict = judge(status=200, headers={"Content-Type": "text/html"}, body=page.content().encode())
        check_verdict(page.url, verdict, status=200, retry_after="")
    return found
