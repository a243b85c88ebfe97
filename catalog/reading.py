"""Read a site politely: whatever a source looks at goes through here, so that no source can forget the manners."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from playwright.sync_api import Page

from catalog.browser import process_browser
from catalog.fetching import TIMEOUT_S, FetchSession, note_error
from catalog.hosts import host_of
from catalog.politeness.blocks import MAX_INTERSTITIAL_BYTES, judge
from catalog.politeness.manners import Manners
from catalog.politeness.tally import Sight
from catalog.replies import ACCEPT_PAGES, MAX_PAGE_BYTES, Reply, Request, check_verdict
from catalog.robots import Rules, origin_of, rules_for
from catalog.site.intelligence import Intelligence, unknown_site
from jobs.errors import JobError, PermanentError
from marketplace.egress import check_address, check_host

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
    `site` is what is known of the site; a source that finds out more replaces it, and who made the reader stores it.
    """

    def __init__(
        self,
        *,
        knows: Callable[[str], Intelligence] = unknown_site,
        max_requests: int = MAX_REQUESTS,
        respects_robots: bool = True,
        timeout_s: float = TIMEOUT_S,
        manners: Manners | None = None,
    ) -> None:
        """Begin a job's reading.

        Args:
            knows: tells what is known of an address's site.
            max_requests: how many requests the job may make.
            respects_robots: whether robots.txt is asked.
            timeout_s: for a whole answer.
            manners: how the domains stand; a batch's own, so that they learn from it.
        """
        self._knows = knows
        self._known = self.site = Intelligence("")
        self._left = max_requests
        self._respects_robots = respects_robots
        self._runner = asyncio.Runner()
        self._manners = Manners() if manners is None else manners
        self._session = FetchSession(timeout_s=timeout_s, manners=self._manners)

    def __enter__(self) -> Self:
        self._runner.run(self._session.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._session.__aexit__(kind, error, trace))
        self._runner.close()

    def turn_to(self, address: str) -> None:
        """Have `site` be about the site of this address, which may have been redirected to."""
        if host_of(address) != self.site.host:
            self._known = self.site = self._knows(address)

    @property
    def learned(self) -> Intelligence | None:
        """What is known of the site now, if that is more than before."""
        return self.site if self.site != self._known else None

    def rules(self, address: str) -> Rules:
        """Return the rules of the address's robots.txt.

        Raises:
            RobotsUnavailable and the rest of what FetchSession.send raises.
        """
        rules = self._runner.run(rules_for(self._session, [address]))[origin_of(address)]
        if isinstance(rules, JobError):
            raise rules
        self._manners.note_crawl_delays({host_of(address): rules.crawl_delay_s or 0.0})
        return rules

    def get(
        self, address: str, *, accept: str = ACCEPT_PAGES, max_bytes: int = MAX_PAGE_BYTES, is_file: bool = False
    ) -> Reply:
        """Get one address; is_file: an interface or a file, whose answer is no page to be judged (see Request).

        Raises:
            RobotsForbid, TooManyForOneList: permanent; and what FetchSession.send raises.
        """
        self._ask_leave(address)
        request = Request(address=address, accept=accept, max_bytes=max_bytes, is_file=is_file)
        return self._runner.run(self._session.send(request))

    def call(self, address: str, *, token: str) -> Reply:
        """Ask an interface to which the seller has given us the key; robots.txt speaks of pages, not of that.

        Any status is answered, since the interface says in the body what is wrong.

        Raises:
            TooManyForOneList, RequestRefused (it redirects to another site): permanent; and what send raises.
        """
        self._count(address)
        request = Request(
            address=address, accept="application/json", authorization=f"Bearer {token}", reads_errors=True
        )
        return self._runner.run(self._session.send(request))

    def save(self, address: str, path: Path, *, max_bytes: int, etag: str = "", last_modified: str = "") -> Reply:
        """Get one address into a file, if it is no longer what etag or last_modified stand for.

        It may take four minutes, as large files do; a site that says nothing for 30 s is given up.

        Raises:
            RobotsForbid, TooManyForOneList: permanent; and what FetchSession.send raises.
        """
        self._ask_leave(address)
        request = Request(
            address=address, etag=etag, last_modified=last_modified, max_bytes=max_bytes, accept="*/*", save_to=path
        )
        return self._runner.run(self._session.send(request))

    def browse(self, address: str, work: Callable[[Page], T]) -> T:
        """Run work(page) with a fresh page of this process's browser; it must not touch the database.

        Raises:
            RobotsForbid, AddressRefused, TooManyForOneList: permanent.
            BrowserCrashed, BrowserMissing and what work raises.
        """
        self._ask_leave(address)
        self._runner.run(check_host(check_address(address)))
        host = host_of(address)
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
        self._count(address)
        if self._respects_robots:
            self.rules(address).check(address)

    def _count(self, address: str) -> None:
        if self._left <= 0:
            raise TooManyForOneList(f"{address} would be one request too many for one list")
        self._left -= 1


def _judged(page: Page, work: Callable[[Page], T]) -> T:
    """Return what the work finds on the page, unless what it looked at is an interstitial."""
    found = work(page)
    if page.is_closed() or not page.url.startswith("http"):
        return found
    if page.evaluate("document.documentElement.outerHTML.length") <= MAX_INTERSTITIAL_BYTES:
        verdict = judge(status=200, headers={"Content-Type": "text/html"}, body=page.content().encode())
        check_verdict(page.url, verdict, status=200, retry_after="")
    return found
