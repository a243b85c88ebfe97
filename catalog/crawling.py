"""Read a whole catalog's lists in one process, politely and with nothing behind it: no database, no Redis, no gates."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.discovery import read_list, start_reading
from catalog.paced_reading import Pace, PacedReader
from catalog.politeness.gates import list_rate_of
from catalog.scraping.full_site import shown_rules
from catalog.scraping.shown import names_of, shown_evidence, shown_list, tree_of
from catalog.sources import known
from catalog.sources.source import CategoryPath, Clues, Listing, ListPage
from jobs.errors import JobError, RateLimitedError, RetryableError

TRIES = 3
RETRY_S = 5.0

OnPage = Callable[["Crawl", ListPage], None]


@dataclass
class Crawl:
    """What was found so far."""

    address: str
    source: str = ""
    evidence: list[dict[str, Any]] = field(default_factory=list)
    pages: int = 0
    waiting: int = 0  # lists that are known and not read
    products: dict[str, dict[str, Any]] = field(default_factory=dict)  # by external id
    counts: dict[CategoryPath, int | None] = field(default_factory=dict)
    total: int | None = None  # products, as the site itself says
    skipped: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)

    @property
    def answer(self) -> dict[str, Any]:
        """The catalog as JSON: its tree of categories, and its products' addresses with the categories of each."""
        return {
            "address": self.address,
            "source": self.source,
            "evidence": self.evidence,
            "is_complete": not self.waiting and not self.problems,
            "pages": self.pages,
            "lists_left": self.waiting,
            "total": self.total,
            "tree": tree_of(self.counts),
            "products": list(self.products.values()),
            "skipped": self.skipped,
            "problems": self.problems,
        }

    def add(self, page: ListPage, listing: Listing) -> None:
        """Take in what a list shows."""
        self.pages += 1
        if listing.total is not None and not page.paths:
            self.total = max(self.total or 0, listing.total)
        for reason, count in listing.skipped.items():
            self.skipped[reason] = self.skipped.get(reason, 0) + count
        for listed in listing.products:
            entry = self.products.setdefault(
                listed.external_id, {"external_id": listed.external_id, "address": listed.address, "categories": []}
            )
            for path in dict.fromkeys([*page.paths, *listed.paths]):
                names = names_of(path)
                if names and names not in entry["categories"]:
                    entry["categories"].append(names)
                    self.counts[path] = (self.counts.get(path) or 0) + 1
        for following in [page, *listing.lists]:
            for path in following.paths:
                self.counts.setdefault(path, None)


def crawl(address: str, *, max_pages: int, on_page: OnPage = lambda *_: None, pace: Pace | None = None) -> Crawl:
    """Read the lists of the catalog at the address, one after another, at the pace that the settings allow lists.

    A list that cannot be read is a problem in the answer; only the start's own error is raised.

    Args:
        address: the catalog's.
        max_pages: how many lists are read at most.
        on_page: called before each list is read.
        pace: another than the settings'.

    Raises:
        UnsupportedAddress and what the reader raises.
    """
    pace = pace or Pace(rate=list_rate_of)
    found = Crawl(address)
    with PacedReader(pace) as reader:
        start = start_reading(reader, address)
    found.source, found.evidence = start.source, shown_evidence(start.evidence)
    waiting = deque(start.lists)
    seen = {_identity(page) for page in start.lists}
    while waiting and found.pages < max_pages:
        page = waiting.popleft()
        found.waiting = len(waiting)
        on_page(found, page)
        listing = _read(pace, page, found, is_start=len(start.lists) == 1 and not found.pages)
        if listing is None:
            continue
        found.add(page, listing)
        for following in listing.lists:
            if _identity(following) not in seen:
                seen.add(_identity(following))
                waiting.append(following)
    found.waiting = len(waiting)
    return found


def _read(pace: Pace, page: ListPage, found: Crawl, *, is_start: bool) -> Listing | None:
    """Read a list, again after a rest where its error may pass; None when it could not be had."""
    for attempt in range(1, TRIES + 1):
        try:
            with PacedReader(pace) as reader:
                return read_list(reader, page, is_start=is_start)
        except JobError as error:
            may_pass = isinstance(error, RetryableError | RateLimitedError)
            if attempt == TRIES or not may_pass:
                found.problems.append({"address": page.address, "code": error.code, "message": str(error)[:500]})
                return None
            asked_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
            pace.hold(page.address, asked_s or RETRY_S * attempt)
    return None


def probe_address(address: str) -> dict[str, Any]:
    """Return what is known of an address after one look: evidence, robots, sitemaps, and the lists to begin with.

    Raises:
        AddressRefused, UnsupportedAddress and what the reader raises.
    """
    with PacedReader(Pace()) as reader:
        answer: dict[str, Any] = {"address": address, "by_address": shown_evidence(known.probe(Clues(address)))}
        rules = shown_rules(reader.rules(address))
        start = start_reading(reader, address)
    return answer | {
        "source": start.source,
        "evidence": shown_evidence(start.evidence),
        "robots": rules,
        "sitemaps": rules["sitemaps"],
        "lists": [shown_list(page) for page in start.lists],
    }


def _identity(page: ListPage) -> str:
    told: Mapping[str, Any] = {"cursor": dict(page.cursor)}
    return hashlib.sha256(json.dumps([page.source, page.address, page.kind, told], sort_keys=True).encode()).hexdigest()
