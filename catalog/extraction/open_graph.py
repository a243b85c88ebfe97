"""Extraction: what a product's page says, in the words of the marketplace."""

import hashlib
import json
import re
from collections import defaultdict
from decimal import Decimal
from urllib.parse import urljoin

from price_parser import Price
from selectolax.lexbor import LexborHTMLParser

from catalog.sources.source import ExtractedProduct, PageMalformed
from marketplace.models import Product
from marketplace.money import Money

MAX_PICTURES = 10
MAX_DESCRIPTION = 20_000
MAX_AMOUNT = Decimal(10) ** 14  # what the column holds

_AVAILABILITY = {
    "instock": Product.Availability.IN_STOCK,
    "available": Product.Availability.IN_STOCK,
    "availablefororder": Product.Availability.IN_STOCK,
    "limitedavailability": Product.Availability.IN_STOCK,
    "outofstock": Product.Availability.OUT_OF_STOCK,
    "oos": Product.Availability.OUT_OF_STOCK,
    "soldout": Product.Availability.OUT_OF_STOCK,
    "discontinued": Product.Availability.OUT_OF_STOCK,
    "preorder": Product.Availability.PREORDER,
}


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
        price=read_price(amount, currency, raw=price_raw),
        price_raw=price_raw,
        availability=read_availability(first("product:availability", "og:availability")),
        brand=first("product:brand", "og:brand")[:200],
        sku=first("product:retailer_item_id", "product:sku")[:200],
        picture_addresses=_web_addresses(pictures)[:MAX_PICTURES],
    )


def read_price(amount: str, currency: str, *, raw: str) -> Money | None:
    """Return the price, or None if the amount is none; an unclear currency stays empty, it is never guessed."""
    parsed = Price.fromstring(amount).amount if amount else None
    if parsed is None or not 0 <= parsed < MAX_AMOUNT:
        return None
    code = currency.strip().upper()
    return Money(
        amount=parsed.quantize(Decimal("0.0001")),
        currency=code if re.fullmatch(r"[A-Z]{3}", code) else "",
        raw=raw,
    )


def read_availability(text: str) -> Product.Availability:
    """Return the availability that a text or a schema.org address names."""
    word = re.sub(r"[^a-z]", "", text.lower().rpartition("/")[2])
    return _AVAILABILITY.get(word, Product.Availability.UNKNOWN)


def content_hash(product: ExtractedProduct) -> str:
    """Return the SHA-256 of what a buyer would see; the page's own address and id are not in it."""
    price = f"{product.price.amount.normalize():f}" if product.price else ""
    currency = product.price.currency if product.price else ""
    said = [product.title, product.description, price, currency, product.picture_addresses]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def _clean(text: str) -> str:
    """Return the text without what PostgreSQL refuses (NUL) and without spaces around."""
    return text.replace("\x00", "").strip()


def _web_addresses(addresses: list[str]) -> list[str]:
    """Keep each http(s) address once, in order."""
    return [address for address in dict.fromkeys(addresses) if len(address) <= 2000 and re.match(r"https?://", address)]
