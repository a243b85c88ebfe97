"""What somebody looks for: words, filters, an order and a page."""

import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

from catalog.index import IndexFilter

MAX_LIMIT = 100
MAX_OFFSET = 10_000
MAX_QUERY_CHARS = 500


class Sort(StrEnum):
    """The order of results; equal ones stand in the order of their ids."""

    RELEVANCE = "relevance"  # without words: newest
    PRICE = "price"  # the least first; other currencies after the one that is sorted by, and no price last
    PRICE_DOWN = "-price"
    NEWEST = "newest"


def normal_query(words: str) -> str:
    """Return the query in the form in which it is ranked and cached: no case, single spaces, composed letters."""
    return unicodedata.normalize("NFC", " ".join(words.split()).casefold())


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for.

    Args:
        query: words; without any, all products are browsed.
        where: what a result must have; see catalog.narrowing.
        sort: the order.
        limit: results on a page.
        offset: results before it.
        with_facets: count what is found by seller, category, availability and price.
    """

    query: str = ""
    where: IndexFilter = field(default_factory=IndexFilter)
    sort: Sort = Sort.RELEVANCE
    limit: int = 20
    offset: int = 0
    with_facets: bool = True

    @property
    def words(self) -> str:
        """The query with single spaces, 500 characters at most."""
        return " ".join(self.query.replace("\0", " ").split())[:MAX_QUERY_CHARS]
