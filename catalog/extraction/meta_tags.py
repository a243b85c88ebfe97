"""What <meta> says: Open Graph with its product properties, Twitter cards, and what shops put beside them."""

import html

from catalog.extraction.availability import parse_availability
from catalog.extraction.document import Document, clean
from catalog.extraction.gtins import parse_gtin
from catalog.extraction.money_reading import Hints, currency_code, read_money
from catalog.extraction.page_data import Candidate

_TITLES = ("og:title", "twitter:title")
_DESCRIPTIONS = ("og:description", "twitter:description", "description")
_PRICES = ("product:sale_price:amount", "product:price:amount", "og:price:amount", "product:price", "og:price")
_LIST_PRICES = ("product:original_price:amount", "og:price:standard_amount", "product:price:amount")
_CURRENCIES = (
    "product:sale_price:currency", "product:price:currency", "og:price:currency", "product:original_price:currency",
)  # fmt: skip
_IMAGES = ("og:image", "og:image:secure_url", "og:image:url", "twitter:image", "twitter:image:src")
_SKUS = ("product:retailer_item_id", "product:sku", "og:sku", "product:retailer_part_no")
_MPNS = ("product:mfr_part_no", "product:mpn")
_GTINS = (
    "product:gtin",
    "product:gtin13",
    "product:ean",
    "product:upc",
    "product:isbn",
    "og:upc",
    "og:ean",
    "book:isbn",
)


def read_metas(document: Document, hints: Hints) -> Candidate:
    """Return the product that the page's metas describe; each field may be empty."""

    def first(*names: str) -> str:
        found = next((document.metas[name][0] for name in names if document.metas.get(name)), "")
        return clean(html.unescape(found)) if "&" in found else found

    currency = first(*_CURRENCIES)
    within = Hints(hints.locale, currency_code(currency) or hints.currency)
    price = read_money(first(*_PRICES) or _labelled(document, "price"), currency, within)
    list_price = read_money(first(*_LIST_PRICES), currency, within)
    images = [document.absolute(value) for name in _IMAGES for value in document.metas.get(name, [])]
    return Candidate(
        evidence="open-graph",
        title=first(*_TITLES)[:500],
        description=first(*_DESCRIPTIONS),
        price=price,
        list_price=list_price if price and list_price and list_price.amount > price.amount else None,
        availability=parse_availability(first("product:availability", "og:availability")),
        sku=first(*_SKUS)[:100],
        mpn=first(*_MPNS)[:100],
        gtin=next(
            (gtin for name in _GTINS for value in document.metas.get(name, []) if (gtin := parse_gtin(value))), ""
        ),
        brand=first("product:brand", "og:brand", "brand")[:200],
        images=tuple(dict.fromkeys(address for address in images if address)),
        address=document.absolute(first("og:url")),
        is_declared="product" in first("og:type").lower(),
        match=1.0,  # a page has one head
    )


def _labelled(document: Document, word: str) -> str:
    """Return the value of a Twitter card's field by its label."""
    for number in ("1", "2", "3", "4"):
        label = document.metas.get(f"twitter:label{number}", [""])[0].strip(" :").lower()
        if label == word:
            return document.metas.get(f"twitter:data{number}", [""])[0]
    return ""
