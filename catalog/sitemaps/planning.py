"""Plan the reading of a site's sitemaps: which file next, which not, and why. Fetches nothing.

Files that robots.txt names come first; the places where shops keep one are tried only when it names none that can be
read. Files whose names speak of products come before others, so that a site with a cap on it shows its products.
"""

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from catalog.sitemaps.contract import SitemapEntry, SitemapLimits, SitemapProblem, SitemapRead
from catalog.sitemaps.locations import LocationRefused, host_name_of, hosts_of_site, resolve_location

# sitemaps.org's own example; WordPress' SEO plugins; WordPress itself since 5.5.
COMMON_PLACES = ("/sitemap.xml", "/sitemap_index.xml", "/wp-sitemap.xml")

# Words in a file's name, in the languages that shops' systems write them in.
_PRODUCTS = re.compile(
    r"produ(c|k)t(s|e|en|er|o|os|y)?|produits?|produtos?|prodott[oi]|items?|goods|tovary?|off?erte?s?|urun(ler)?|"
    r"artikel(en)?|pdp|skus?|details?"
)
_CATEGORIES = re.compile(r"cats?|[ck]ategor(y|ies|ie|ien|i|ia|ias|ija)|collections?|brands?|taxonom(y|ies|ie)")
_OTHERS = re.compile(
    r"blogs?|posts?|articles?|news|authors?|videos?|images?|pages?|cms|tags?|faq|help|stores?|locations?|reviews?"
)
_NOT_PRODUCTS = re.compile(r"tags?|images?|reviews?|videos?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLimits:
    """What is read of one site."""

    max_files: int = 500
    max_depth: int = 3  # an index (1) that names an index (2) that names sitemaps (3)
    max_addresses: int = 500_000
    file: SitemapLimits = field(default_factory=SitemapLimits)


@dataclass(frozen=True, slots=True)
class SitemapStep:
    """One file to fetch. is_guess: nobody named it, so that its absence is no problem."""

    address: str
    depth: int
    is_guess: bool = False


def product_rank(address: str) -> int:
    """Return how far behind others a file's name puts it: 0 products, 1 unknown, 2 categories, 3 what sells nothing."""
    words = re.findall(r"[a-z]+", address.rpartition("/")[2].partition("?")[0].lower())

    def says(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(word) for word in words)

    if says(_CATEGORIES):  # product_cat is a list of categories
        return 2
    if says(_PRODUCTS):  # posts-product is a list of products, product_tag is none
        return 2 if says(_NOT_PRODUCTS) else 0
    return 3 if says(_OTHERS) else 1


class SitemapPlan:
    """What is known of a site's sitemaps so far, and what is to be read next.

    Args:
        site: any address of the site.
        robots: the Sitemap lines of its robots.txt; these may lie on other hosts, as sitemaps.org allows.
        hosts: the hosts whose pages are wanted; the site's own, with and without `www.`, if None.
    """

    def __init__(
        self,
        site: str,
        *,
        robots: Sequence[str] = (),
        hosts: frozenset[str] | None = None,
        limits: PlanLimits | None = None,
    ) -> None:
        self.hosts = hosts_of_site(site) if hosts is None else hosts
        self.limits = limits or PlanLimits()
        self.problems: list[SitemapProblem] = []
        self.is_complete = True
        self.files = 0
        self.addresses = 0
        self._site = site
        self._sitemap_hosts = set(self.hosts)
        self._queue: list[tuple[int, int, int, SitemapStep]] = []
        self._order = count()
        self._seen: set[str] = set()
        self._readable = 0
        self._guesses = list(COMMON_PLACES)
        for line in robots:
            self._name(line, depth=1, parent=site, is_robots=True)

    def next_step(self) -> SitemapStep | None:
        """Return the file to fetch next; None when the site is read, or its limits are reached."""
        while True:
            if not self._queue and not self._readable and self._guesses:
                self._name(self._guesses.pop(0), depth=1, parent=self._site, is_guess=True)
                continue
            if not self._queue:
                return None
            if self.files >= self.limits.max_files:
                self._stop("sitemap.too_many_files", f"more than {self.limits.max_files} sitemaps")
                return None
            if self.addresses >= self.limits.max_addresses:
                self._stop("sitemap.too_many", f"more than {self.limits.max_addresses} addresses in all sitemaps")
                return None
            self.files += 1
            return heapq.heappop(self._queue)[-1]

    def add_read(self, step: SitemapStep, read: SitemapRead) -> Sequence[SitemapEntry]:
        """Note what a file said, queue the sitemaps that it names, and return its entries, as many as may be taken."""
        is_sitemap = bool(read.kind)
        if is_sitemap or not step.is_guess:
            self.problems += read.problems
            self.is_complete = self.is_complete and is_sitemap and not read.is_cut
        self._readable += bool(read.entries or read.subs)
        for sub in read.subs:
            self._name(sub.address, depth=step.depth + 1, parent=step.address)
        room = self.limits.max_addresses - self.addresses
        if len(read.entries) > room:
            self.is_complete = False
            self._note(
                "sitemap.too_many", f"more than {self.limits.max_addresses} addresses in all sitemaps", read.address
            )
        taken = read.entries[:room]
        self.addresses += len(taken)
        return taken

    def add_failure(self, step: SitemapStep, code: str, message: str) -> None:
        """Note that a file could not be fetched. A guess that fails says nothing."""
        if not step.is_guess:
            self.is_complete = False
            self._note(code, message, step.address)

    def _name(self, text: str, *, depth: int, parent: str, is_guess: bool = False, is_robots: bool = False) -> None:
        """Queue a file that somebody names, or say why not."""
        try:
            address = resolve_location(text, base=parent)
        except LocationRefused as refused:
            self._note(refused.code, str(refused), parent)
            return
        host = host_name_of(address)
        if is_robots:
            self._sitemap_hosts.add(host)
        if address in self._seen:
            if not (is_guess or is_robots):
                self._note("sitemap.named_twice", f"{address} is named again", parent)
        elif depth > self.limits.max_depth:
            self.is_complete = False
            self._note("sitemap.too_deep", f"{address} is named {depth} levels deep", parent)
        elif host not in self._sitemap_hosts:
            self._note("sitemap.other_host", f"{address} is of another host: {host}", parent)
        else:
            self._seen.add(address)
            step = SitemapStep(address, depth, is_guess)
            heapq.heappush(self._queue, (product_rank(address), depth, next(self._order), step))

    def _stop(self, code: str, message: str) -> None:
        self.is_complete = False
        self._note(code, f"{message}; {len(self._queue)} files were not read", self._site)
        self._queue.clear()
        self._guesses.clear()

    def _note(self, code: str, message: str, sitemap: str) -> None:
        self.problems.append(SitemapProblem(code, message[:300], sitemap))
