"""A product as its page's Open Graph properties say it, for pages that say nothing else."""

from collections import defaultdict
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from catalog.extraction.money_reading import Hints, read_money
from catalog.sources.interfaces import web_addresses
from catalog.sources.source import MAX_DESCRIPTION, ExtractedProduct, PageMalformed
from catalog.stock import availability_of
from jobs.storable import storable_text


def read_open_graph(html: str, address: str) -> ExtractedProduct:
    """Return what the page's Open Graph properties say; relative addresses are taken from the page's own.

    Raises:
        PageMalformed: there is no og:title (permanent).
    """
    values: dict[str, list[str]] = defaultdict(list)
    for node in LexborHTMLParser(html).css("meta[property], meta[name]"):
        attributes = node.attributes
        name = (attributes.get("property") or attributes.get("name") or "").strip().lower()
        content = _clean(attributes.get("content") or "")
        if content:
            values[name].append(content)

    def first(*names: str) -> str:
        return next((values[name][0] for name in names if values.get(name)), "")

    title = first("og:title")
    if not title:
        raise PageMalformed(f"{address} has no product data: og:title is missing")
    amount = first("product:sale_price:amount", "product:price:amount", "og:price:amount")
    currency = first("product:sale_price:currency", "product:price:currency", "og:price:currency")
    price_raw = f"{amount} {currency}".strip()[:200]
    pictures = [urljoin(address, value) for value in values.get("og:image", []) + values.get("og:image:secure_url", [])]
    return ExtractedProduct(
        title=title[:500],
        description=first("og:description")[:MAX_DESCRIPTION],
        price=read_money(amount, currency, Hints()),
        price_raw=price_raw,
        availability=availability_of(first("product:availability", "og:availability")),
        brand=first("product:brand", "og:brand")[:200],
        sku=first("product:retailer_item_id", "product:sku")[:200],
        picture_addresses=web_addresses(pictures),
    )


def _clean(text: str) -> str:
    """Return the text without what PostgreSQL refuses (NUL) and without spaces around."""
    return storable_text(text).strip()
