"""Product feeds at an address: CSV, TSV, JSON Lines, JSON, and the XML of Google Merchant and Meta.

A sync reads a whole feed once (`catalog.feed_imports`), checks every row, and then brings its products in by parts.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings
from yarl import URL

from catalog.feed_files import Part, read_part
from catalog.feed_rows import FeedCheck, checked_products
from catalog.reading import SiteReader
from catalog.sources.source import Clues, Evidence, ExtractedProduct, ListedProduct, Listing, ListPage, PageMalformed

NAME = "feed"
WHOLE, PART = "whole", "part"  # kinds of lists
MAX_LISTED = 10_000  # of a feed that is only looked at

_SUFFIX = re.compile(r"\.(?P<format>csv|tsv|jsonl|ndjson|xml|json)(?:\.gz)?", re.IGNORECASE)
# What other sources know better: maps of a site, and Shopify's lists.
_NO_FEED = re.compile(r"sitemap|/(?:products|collections)\.json$", re.IGNORECASE)
_MEDIA_TYPES = frozenset(
    {
        "text/csv",
        "application/csv",
        "text/tab-separated-values",
        "application/x-ndjson",
        "application/jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
    }
)
_XML_START = re.compile(r"\s*(?:<\?xml[^>]*>)?\s*(?:<!--.*?-->\s*)*<(?P<root>[\w:.-]+)", re.DOTALL)
_MERCHANT_NAMESPACE = "http://base.google.com/ns/1.0"
_PRODUCT_ROOTS = frozenset({"products", "catalog", "items", "offers", "shop", "yml_catalog"})


@dataclass(frozen=True, slots=True)
class FeedSource:
    """Reads feeds of products."""

    name: str = NAME
    reads_pages: bool = False

    def probe(self, clues: Clues) -> Evidence | None:
        """Recognise a feed by its name, by its content type, or by how it begins."""
        try:
            path = URL(clues.address).path
        except ValueError:
            return None
        if clues.is_fetched and (said := _said_by_the_page(clues)):
            return Evidence(self.name, clues.address, said)
        suffix = _SUFFIX.search(path)
        if suffix is None or suffix.end() != len(path) or _NO_FEED.search(path):
            return None
        return Evidence(self.name, clues.address, f"the address ends in {suffix.group()}")

    def start(self, reader: SiteReader, clues: Clues) -> list[ListPage]:
        """Begin with the whole feed."""
        return [ListPage(self.name, clues.address, kind=WHOLE)]

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read a part of a feed that has been taken in; or look at a whole one, which stores nothing.

        Raises:
            FeedUnreadable: it is no feed (permanent).
        """
        if page.kind == PART:
            part = Part(page.cursor["offset"], page.cursor["products"])
            products = read_part(page.cursor["feed"], part)
            return Listing(page.address, [_carrying(it, page.cursor["not_carried"]) for it in products])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "feed"
            reply = reader.save(page.address, path, max_bytes=settings.FEED_MAX_MB * 2**20)
            check = FeedCheck()
            name = URL(page.address).name
            products = list(_first(checked_products(path, name=name, media_type=reply.media_type, check=check)))
        skipped = {"the row was refused": check.refused} if check.refused else {}
        if check.accepted > len(products):
            skipped["the feed is longer than a look"] = check.accepted - len(products)
        return Listing(page.address, products, total=check.accepted, skipped=skipped)

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Refuse: what a feed says of a product is all that is read."""
        raise PageMalformed(f"{address} is not read as a page; the feed says all of the product")


def _carrying(product: ListedProduct, not_carried: list[str]) -> ListedProduct:
    """Return the product, saying what the whole feed has no place for."""
    if product.content is None:
        return product
    return replace(product, content=replace(product.content, not_carried=not_carried))


def _first(products: Iterator[ListedProduct]) -> Iterator[ListedProduct]:
    """Yield the first products, and go through the others for their count."""
    for number, product in enumerate(products):
        if number < MAX_LISTED:
            yield product


def _said_by_the_page(clues: Clues) -> str:
    """Return why the page is a feed; nothing if it does not look like one."""
    media_type = clues.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type in _MEDIA_TYPES:
        return f"the page's type is {media_type}"
    head = clues.html[:4096].lstrip("\ufeff")
    root = _XML_START.match(head)
    if root is None:
        return ""
    name = root["root"].rpartition(":")[2].lower()
    if _MERCHANT_NAMESPACE in head and name in ("rss", "feed"):
        return "the page is a feed of Google Merchant's kind"
    return f"the page is XML of {name}" if name in _PRODUCT_ROOTS else ""
