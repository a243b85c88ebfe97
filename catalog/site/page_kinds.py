"""What a page is: one product's page, or something else that a shop has."""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.extraction.availability import parse_availability
from catalog.site.cards import Card
from catalog.site.page import SitePage, ancestors_of, is_framed, short_text, text_of

MAX_CHARS = 4 * 1024 * 1024
MAX_CONTROLS = 500
MAX_STOCK_CHARS = 60
MAX_STOCK_TEXTS = 1_000
MAX_NODES = 20_000  # of one script

_PRODUCT_TYPE = re.compile(r'"@type"\s*:\s*(?:\[[^\]]{0,100})?"(?:https?://schema\.org/)?Product(?:Group)?"')
_BASKET_WORDS = re.compile(
    r"add[ _-]?to[ _-]?(?:cart|bag|basket|trolley)|addtocart|buy[ _-]?now|in den warenkorb|jetzt kaufen|"
    r"ajouter au panier|"
    r"acheter|añadir al carrito|agregar al carrito|comprar|aggiungi al carrello|acquista|adicionar ao carrinho|"
    r"in winkelwagen|in winkelmand|do koszyka|kup teraz|в корзину|купить|sepete ekle|satın al|أضف إلى السلة|اشتر",
    re.IGNORECASE,
)
_CONTROLS = (
    "button, input[type=submit], input[type=button], input[type=image], [role=button], a[class*=cart], a[class*=Cart], "
    "a[class*=basket], a[class*=buy], a[onclick], a[href*=cart], form[action*=cart], [class*=addtocart], "
    "[class*=addToCart]"
)
_JSON_LD = 'script[type="application/ld+json"]'
_PRICE_NAMES = "[itemprop=price], [class*=price], [class*=Price], [class*=preis], [class*=prix], [class*=precio]"


def product_evidence(html: str) -> tuple[int, list[str]]:
    """Return how much a page looks like one of a shop, from 0 to 40, and why."""
    text = html[:MAX_CHARS]
    weight, reasons = 0, []
    for points, reason, found in (
        (
            20,
            "it names products in schema.org's words",
            bool(_PRODUCT_TYPE.search(text) or "schema.org/Product" in text),
        ),
        (15, "it offers to put something into a basket", bool(_BASKET_WORDS.search(text))),
        (10, "it is a product's page by Open Graph", bool(re.search(r'og:type"\s+content="(?:og:)?product', text))),
        (5, "it shows prices", LexborHTMLParser(text).css_first(_PRICE_NAMES) is not None),
    ):
        if found:
            weight += points
            reasons.append(reason)
    return min(weight, 40), reasons


def is_product_page(page: SitePage, cards: Sequence[Card]) -> bool:
    """Tell whether a page is about one product: it says so itself, or sells one thing below one heading.

    Args:
        page: the page.
        cards: what it would show as a list. A list sells what is on its cards; a page about one product may show
            others on cards, but sells its own beside its heading.
    """
    if _is_marked(page):
        return True
    if not any(text_of(heading) for heading in page.tree.css("h1")):
        return False
    main = page.tree.css_first("main, [role=main]") or page.tree.body
    if main is None or main.css_first(f"{_PRICE_NAMES}, del, s, strong, b") is None:
        return False
    others = {card.address for card in cards}
    controls = [node for node in main.css(_CONTROLS)[:MAX_CONTROLS] if _buys(node) and not is_framed(node)]
    own = [node for node in controls if not _is_on_card(page, node, others)]
    priced = sum(card.has_price for card in cards)
    # A list's buttons stand on its cards; where some do not, the cards were misread.
    if own:
        return priced < 2 or len(own) == 1
    return priced < 2 and not controls and _tells_stock(page, main, others)


def _tells_stock(page: SitePage, main: LexborNode, others: Collection[str]) -> bool:
    """Tell whether a page says by itself that something is sold out, or there: then there may be no button."""
    seen = 0
    for text in main.traverse(include_text=True):
        if not text.is_text_node or text.parent is None or text.parent.tag in ("script", "style", "option"):
            continue
        words = (text.text() or "").strip()
        if not 2 < len(words) <= MAX_STOCK_CHARS:
            continue
        seen += 1
        if seen > MAX_STOCK_TEXTS:
            return False
        if parse_availability(words) is not None and not _is_on_card(page, text, others) and not is_framed(text.parent):
            return True
    return False


def _buys(node: LexborNode) -> bool:
    """Tell whether a control puts something into a basket, by its words or by the names that programs give it."""
    attributes = node.attributes
    text = short_text(node, most=60)
    if text and _BASKET_WORDS.search(text):
        return True
    named = (attributes.get(name) or "" for name in ("value", "name", "class", "id", "onclick", "aria-label", "title"))
    return _BASKET_WORDS.search(" ".join(named)) is not None


def _is_on_card(page: SitePage, control: LexborNode, addresses: Collection[str]) -> bool:
    """Tell whether a control belongs to another product, whose link stands nearer to it than the page's heading."""
    for block in ancestors_of(control):
        if block.css_first("h1") is not None:
            return False
        if any(page.resolve(link.attributes.get("href")) in addresses for link in block.css("a[href]")[:50]):
            return True
    return False


def _is_marked(page: SitePage) -> bool:
    """Tell whether the page's markup is about one product: the only one, or the one with its heading or address."""
    kind = page.tree.css_first('meta[property="og:type"], meta[name="og:type"]')
    if kind is not None and (kind.attributes.get("content") or "").strip().lower() in ("product", "og:product"):
        return True
    heading = next((node for node in page.tree.css("h1") if text_of(node)), None)
    title = text_of(heading).casefold() if heading is not None else ""
    own = page.resolve(page.address)
    told = [product for script in page.tree.css(_JSON_LD)[:50] for product in _products_of(script.text(deep=True))]
    if any((name and name.casefold() == title) or (place and page.resolve(place) == own) for name, place in told):
        return True
    if len(told) == 1:
        return True
    items = page.tree.css('[itemtype*="schema.org/Product"]')[:50]
    sold = [item for item in items if item.css_first('[itemprop="offers"], [itemprop="price"]') is not None]
    if len(items) != 1 or not sold:
        return False
    return sold[0].css_first("h2 a[href], h3 a[href], h4 a[href]") is None or sold[0].css_first("h1") is not None


def _products_of(script: str) -> list[tuple[str, str]]:
    """Return name and address of the products that a JSON-LD script is about; those of its lists it only mentions."""
    try:
        waiting: list[Any] = [json.loads(script, strict=False)]
    except (ValueError, RecursionError):
        return []  # says nothing that could be read
    found: list[tuple[str, str]] = []
    for _ in range(MAX_NODES):
        if not waiting:
            break
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            told = node.get("@type")
            kinds = {str(kind).rpartition("/")[2] for kind in (told if isinstance(told, list) else [told])}
            if not kinds.isdisjoint({"Product", "ProductGroup", "IndividualProduct"}):
                name, place = node.get("name"), node.get("url") or node.get("@id")
                found.append((name if isinstance(name, str) else "", place if isinstance(place, str) else ""))
            elif kinds.isdisjoint({"ItemList", "BreadcrumbList", "OfferCatalog"}):
                waiting.extend(value for value in node.values() if isinstance(value, dict | list))
    return found
