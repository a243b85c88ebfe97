"""Read several pages of a site one after another, at the pace that the settings allow to its host.

Work that is one job a page needs none of this: there the engine's gates keep the pace, and nobody waits.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Page

from catalog.fetching import TIMEOUT_S
from catalog.hosts import host_of
from catalog.politeness.gates import rate_of
from catalog.politeness.manners import Manners
from catalog.reading import MAX_REQUESTS, SiteReader
from catalog.replies import ACCEPT_PAGES, MAX_PAGE_BYTES, Reply, SiteTimeout
from catalog.site.intelligence import Intelligence, unknown_site

MAX_REST_S = 120.0

T = TypeVar("T")


class Pace:
    """When the next request to each host is due; shared by readers that follow one another.

    Args:
        rate: requests a second to the host of an address; `rate_of` unless a slower one is wanted.
        delay_s: the least time between two requests; it can only slow down.
    """

    def __init__(
        self,
        *,
        rate: Callable[[str], float] = rate_of,
        delay_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate = rate
        self._delay_s = delay_s
        self._clock = clock
        self._rest = rest
        self._due_at: dict[str, float] = {}

    def await_turn(self, address: str) -> None:
        """Return when the address's host may be asked again, and count this as a request."""
        host = host_of(address)
        now = self._clock()
        due_at = max(now, self._due_at.get(host, now))
        self._due_at[host] = due_at + max(self._delay_s, 1.0 / self._rate(address))
        if due_at > now:
            self._rest(due_at - now)

    def hold(self, address: str, for_s: float) -> None:
        """Ask the address's host nothing for so long, two minutes at most."""
        host = host_of(address)
        until = self._clock() + min(for_s, MAX_REST_S)
        self._due_at[host] = max(until, self._due_at.get(host, until))


class PacedReader(SiteReader):
    """A reader that waits for its turn before each request, and asks for no page twice.

    Args:
        pace: shared with other readers of the same site, where there are some.
        knows: tells what is known of an address's site.
        max_requests: how many it makes at most.
        respects_robots: ask robots.txt first.
        timeout_s: how long one request may take.
        give_up_at: monotonic time after which it begins no request; None: never.
        manners: how the domains stand.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        knows: Callable[[str], Intelligence] = unknown_site,
        max_requests: int = MAX_REQUESTS,
        respects_robots: bool = True,
        timeout_s: float = TIMEOUT_S,
        give_up_at: float | None = None,
        manners: Manners | None = None,
    ) -> None:
        super().__init__(
            knows=knows,
            max_requests=max_requests,
            respects_robots=respects_robots,
            timeout_s=timeout_s,
            manners=manners,
        )
        self._pace = pace
        self._timeout_s = timeout_s
        self._give_up_at = give_up_at
        self._replies: dict[tuple[str, str], Reply] = {}

    def get(
        self, address: str, *, accept: str = ACCEPT_PAGES, max_bytes: int = MAX_PAGE_BYTES, is_file: bool = False
    ) -> Reply:
        """Get one address in its turn; see SiteReader.

        Raises:
            SiteTimeout: the time for all requests is over.
        """
        known = self._replies.get((address, accept))
        if known is not None:
            return known
        self._await_turn(address)
        reply = super().get(address, accept=accept, max_bytes=max_bytes, is_file=is_file)
        self._replies[address, accept] = reply
        return reply

    def browse(self, address: str, work: Callable[[Page], T]) -> T:
        """Run work(page) in its turn; see SiteReader.

        Raises:
            SiteTimeout: the time for all requests is over.
        """
        self._await_turn(address)

        def work_in_time(page: Page) -> T:
            page.set_default_timeout(self._timeout_s * 1000)
            return work(page)

        return super().browse(address, work_in_time)

    def seen(self, address: str) -> Reply | None:
        """Return the page at the address if it has been read."""
        return self._replies.get((address, ACCEPT_PAGES))

    def _await_turn(self, address: str) -> None:
        if self._give_up_at is not None and time.monotonic() > self._give_up_at:
            raise SiteTimeout(f"there was no time left to read {address}")
        self._pace.await_turn(address)
