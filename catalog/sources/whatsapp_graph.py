"""WhatsApp catalogs by Meta's Graph API, with the seller's own token: all that the public page does not show.

Source: developers.facebook.com, "Product Catalog: products" and "Product Item".
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from yarl import URL

from catalog.connections import opened_connection
from catalog.extraction.prices import parse_price
from catalog.reading import SiteReader
from catalog.sources import graph_api
from catalog.sources.source import (
    MAX_DESCRIPTION,
    MAX_PICTURES,
    CategoryPath,
    CategoryStep,
    Clues,
    Evidence,
    ExtractedProduct,
    ListedProduct,
    Listing,
    ListPage,
    PageMalformed,
)
from catalog.sources.whatsapp import WhatsAppSource
from catalog.stock import availability_of
from marketplace.money import Money
from marketplace.storable import storable_text

NAME = "whatsapp-graph"
PAGE_SIZE = 100
FIELDS = (
    "id,retailer_id,name,description,url,image_url,additional_image_urls,price,sale_price,currency,availability,"
    "brand,gtin,product_type,review_status,visibility"
)


@dataclass(frozen=True, slots=True)
class WhatsAppGraphSource:
    """Reads the catalogs that a seller's connection gives access to."""

    name: str = NAME
    reads_pages: bool = False

    def probe(self, clues: Clues) -> Evidence | None:
        """Recognise a WhatsApp catalog whose seller has a connection; it goes before the public page."""
        if clues.connection is None or clues.connection.kind != self.name:
            return None
        public = WhatsAppSource().probe(clues)
        if public is None:
            return None
        return replace(public, source=self.name, reason="the seller has connected the catalog", weight=200)

    def start(self, reader: SiteReader, clues: Clues) -> list[ListPage] | None:
        """Begin with the connection's catalog, or with each catalog of its account."""
        if clues.connection is None:
            return None
        connection, token = opened_connection(clues.connection.id)
        catalogs = [connection.catalog_id]
        if not connection.catalog_id:
            path = f"{connection.account_id}/product_catalogs"
            body = graph_api.ask(reader, path, {"fields": "id,name", "limit": "100"}, token=token)
            catalogs = [str(row["id"]) for row in _rows(body) if row.get("id")]
            if not catalogs:
                raise graph_api.NoSuchCatalog(
                    "The WhatsApp Business Account has no catalog. Connect one to it in Meta's WhatsApp Manager."
                )
        cursor = {"connection": connection.pk}
        return [ListPage(self.name, _catalog_address(catalog), cursor=cursor) for catalog in catalogs]

    def discover(self, reader: SiteReader, page: ListPage) -> Listing:
        """Read one page of 100 products; hidden ones and those that Meta rejected are left out."""
        _, token = opened_connection(page.cursor["connection"])
        path = page.address.removeprefix(_base()).strip("/")
        query = page.cursor.get("query") or {"fields": FIELDS, "limit": str(PAGE_SIZE)}
        body = graph_api.ask(reader, path, query, token=token)
        skipped: Counter[str] = Counter()
        products: dict[str, ListedProduct] = {}
        for row in _rows(body):
            product, reason = _product_of(row)
            if product is None:
                skipped[reason] += 1
            else:
                products.setdefault(product.external_id, product)
        following = graph_api.following_query(body)
        lists = [] if following is None else [replace(page, cursor={**page.cursor, "query": following})]
        return Listing(page.address, list(products.values()), lists, skipped=dict(skipped))

    def extract(self, html: str, address: str) -> ExtractedProduct:
        """Refuse: these products have no pages, the lists say all."""
        raise PageMalformed(f"{address} is not read as a page; the Graph API says all of the product")


def _base() -> str:
    return str(settings.GRAPH_API_URL).rstrip("/")


def _catalog_address(catalog_id: str) -> str:
    return f"{_base()}/{catalog_id}/products"


def _rows(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    rows = body.get("data")
    if not isinstance(rows, list):
        raise graph_api.GraphMalformed("the Graph API's answer has no data")
    return [row for row in rows if isinstance(row, dict)]


def _product_of(row: Mapping[str, Any]) -> tuple[ListedProduct | None, str]:
    """Return the product of a row, or why it is left out."""
    product_id, title = _text(row, "id"), _text(row, "name")[:500]
    if not product_id or not title:
        return None, "it has no id or no name"
    if _text(row, "visibility").lower() not in ("", "published"):
        return None, "the seller has hidden it"
    if _text(row, "review_status").lower() == "rejected":
        return None, "Meta's review has rejected it"
    price, list_price = _prices(row)
    others = row.get("additional_image_urls")
    pictures = [row.get("image_url"), *(others if isinstance(others, list) else [])]
    content = ExtractedProduct(
        title=title,
        description=_text(row, "description")[:MAX_DESCRIPTION],
        price=price,
        price_raw=price.raw if price else _text(row, "price")[:200],
        list_price=list_price,
        availability=availability_of(_text(row, "availability")),
        brand=_text(row, "brand")[:200],
        sku=_text(row, "retailer_id")[:200],
        gtin=_gtin(_text(row, "gtin")),
        picture_addresses=_web_addresses(pictures)[:MAX_PICTURES],
        evidence={"all": {"from": "Graph API"}},
    )
    addresses = _web_addresses([row.get("url")])
    path = _path(_text(row, "product_type"))
    return ListedProduct(
        f"{NAME}:{product_id}"[:200], addresses[0] if addresses else "", content, paths=(path,) if path else ()
    ), ""


def _prices(row: Mapping[str, Any]) -> tuple[Money | None, Money | None]:
    """Return what a buyer pays, and the price before a reduction: both are texts made for people."""
    currency = _text(row, "currency").upper()
    regular, sale = _money(_text(row, "price"), currency), _money(_text(row, "sale_price"), currency)
    if sale is not None and (regular is None or sale.amount < regular.amount):
        return sale, regular
    return regular, None


def _money(text: str, currency: str) -> Money | None:
    parsed = parse_price(text, currency_hint=currency or None) if text else None
    return None if parsed is None else Money(parsed.amount, currency or parsed.currency, text[:200])


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return storable_text(value).strip() if isinstance(value, str) else ""


def _gtin(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) in (8, 12, 13, 14) else ""


def _web_addresses(values: Sequence[Any]) -> list[str]:
    """Keep each http(s) address once, in order."""
    texts = [value.strip() for value in values if isinstance(value, str) and len(value) <= 2000]
    return [text for text in dict.fromkeys(texts) if _is_web(text)]


def _is_web(text: str) -> bool:
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _path(text: str) -> CategoryPath:
    return tuple(CategoryStep(name[:200]) for part in text.split(">") if (name := part.strip()))
