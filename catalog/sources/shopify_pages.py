"""What Shopify's storefront pages say of the shop itself, and the product JSON that themes put into product pages."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, urljoin

from selectolax.lexbor import LexborHTMLParser
from yarl import URL

from catalog.sources.interfaces import currency_of, items_of, text_of
from catalog.sources.source import Clues

MAX_EMBEDDED = 4_000_000  # characters of one script

_CURRENCY = re.compile(r"\bShopify\.currency\s*=\s*(\{[^{}]{0,200}\})")
_ROUTES_ROOT = re.compile(r"\bShopify\.routes\.root\s*=\s*\"(/[\w/-]{0,20})\"")
_HANDLE = re.compile(r"(?:.*/)?products/([^/]+)/?")


def shop_root(clues: Clues) -> str:
    """Return the address below which the shop's paths stand, with a last slash.

    It is the origin, or a folder of a language or market where the page says that it is of one.
    """
    routes = _ROUTES_ROOT.search(clues.html)
    return urljoin(clues.address, f"{routes[1].rstrip('/')}/" if routes else "/")


def shop_currency(html: str) -> str | None:
    """Return the currency of the shop's own prices, empty where pages show converted ones, None if the page is silent.

    Shopify.currency names the currency that is shown and its rate to the shop's own: at 1.0 they are the same.
    """
    if found := _CURRENCY.search(html):
        try:
            told = json.loads(found[1], parse_float=Decimal)
        except ValueError:
            return None
        try:
            is_own = Decimal(text_of(told.get("rate", "1.0")) or "0") == 1
        except ArithmeticError:
            is_own = False
        return currency_of(told.get("active")) if is_own else ""
    tree = LexborHTMLParser(html)
    for node in tree.css('meta[property="og:price:currency"], meta[property="product:price:currency"]'):
        if code := currency_of(node.attributes.get("content")):
            return code
    for node in tree.css('script[type="application/ld+json"]'):
        if codes := set(re.findall(r'"priceCurrency"\s*:\s*"([A-Za-z]{3})"', node.text())):
            return codes.pop().upper() if len(codes) == 1 else None
    return None


def is_password_page(address: str) -> bool:
    """Tell whether this is the page that a shop shows before it opens: every other address redirects to it."""
    return URL(address).path.rstrip("/").endswith("/password")


def handle_of(address: str) -> str:
    """Return the handle in a product page's address; empty if it is none."""
    match = _HANDLE.fullmatch(URL(address).raw_path)
    return unquote(match[1]) if match else ""


def embedded_product(html: str, address: str) -> Mapping[str, Any] | None:
    """Return the page's own product as its theme's scripts hold it; None if none is found.

    The scripts of a page may hold other products too: the one with the handle of the address is meant.
    """
    handle = handle_of(address)
    for product in _embedded_products(html):
        if items_of(product.get("variants")) and text_of(product.get("handle"), 300) == handle:
            return product
    return None


def _embedded_products(html: str) -> Iterator[dict[str, Any]]:
    for node in LexborHTMLParser(html).css('script[type="application/json"]'):
        text = node.text()
        if '"variants"' not in text or len(text) > MAX_EMBEDDED:
            continue
        try:
            data = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            yield data
            if isinstance(data.get("product"), dict):
                yield data["product"]
