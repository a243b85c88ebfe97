"""What a page is: one product's page, or something else that a shop has."""

import re

from selectolax.lexbor import LexborHTMLParser

from catalog.site.page import SitePage, is_outer

MAX_CHARS = 4 * 1024 * 1024

_PRODUCT_TYPE = re.compile(r'"@type"\s*:\s*(?:\[[^\]]{0,100})?"(?:https?://schema\.org/)?Product(?:Group)?"')
_BASKET_WORDS = re.compile(
    r"add[ _-]?to[ _-]?(?:cart|bag|basket|trolley)|addtocart|buy[ _-]?now|in den warenkorb|jetzt kaufen|ajouter au panier|"
    r"acheter|añadir al carrito|agregar al carrito|comprar|aggiungi al carrello|acquista|adicionar ao carrinho|"
    r"in winkelwagen|in winkelmand|do koszyka|kup teraz|в корзину|купить|sepete ekle|satın al|أضف إلى السلة|اشتر",
    re.IGNORECASE,
)
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


def is_product_page(page: SitePage) -> bool:
    """Tell whether a page is about one product: it says so itself, or offers one thing below one heading.

    A list may mark up each of its products; a page about one marks up a single one, or several of which one is its own.
    """
    if _is_marked(page):
        return True
    headings = page.tree.css("h1")
    if len(headings) != 1:
        return False
    main = page.tree.css_first("main, [role=main]") or page.tree.body
    if main is None:
        return False
    buttons = [
        node
        for node in main.css("button, input[type=submit], a[class*=cart], a[class*=basket]")
        if _BASKET_WORDS.search(
            " ".join(
                (node.text(deep=True)[:100], node.attributes.get("value") or "", node.attributes.get("name") or "")
            )
        )
    ]
    return (
        len(buttons) == 1 and not is_outer(buttons[0]) and main.css_first(_PRICE_NAMES + ", del, s, strong") is not None
    )


def _is_marked(page: SitePage) -> bool:
    kind = page.tree.css_first('meta[property="og:type"], meta[name="og:type"]')
    if kind is not None and (kind.attributes.get("content") or "").strip().lower() in ("product", "og:product"):
        return True
    scripts = page.tree.css('script[type="application/ld+json"]')
    told = sum(len(_PRODUCT_TYPE.findall(script.text(deep=True)[:MAX_CHARS])) for script in scripts)
    lists = any('"ItemList"' in script.text(deep=True) for script in scripts)
    if told and not lists:
        # Several products without a list: related ones beside the page's own, whose heading the first one carries.
        return told <= 2 or (page.tree.css_first("h1") is not None and told <= 12)
    items = page.tree.css('[itemtype*="schema.org/Product"]')
    outer = [item for item in items if item.css_first('[itemprop="offers"], [itemprop="price"]') is not None]
    return len(outer) == 1 and outer[0].css_first("h1") is not None
