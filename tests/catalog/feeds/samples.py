"""One catalog, written as every kind of feed; `truth.json` says what it holds."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from catalog.feeds.contract import FeedKind, FeedLimits, FeedProduct, RowError
from catalog.feeds.opening import open_feed
from catalog.feeds.reading import read_products

TRUTH: list[dict[str, Any]] = json.loads(Path(__file__).with_name("truth.json").read_text(encoding="utf-8"))
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)

# The rows by Google's and Meta's names.
ROWS: list[dict[str, str]] = [
    {
        "id": "mug-1", "title": 'Bécher & Krug, 27" groß', "description": 'Hält warm, "lange".\nZweite Zeile.',
        "link": "https://shop.example/p/mug-1?a=1&b=2", "image_link": "https://cdn.example/1.jpg",
        "additional_image_link": "https://cdn.example/2.jpg", "availability": "in_stock", "price": "12.50 EUR",
        "sale_price": "9.99 EUR", "sale_price_effective_date": "2024-05-01T00:00+0000/2024-07-01T00:00+0000",
        "brand": "Acme", "gtin": "4006381333931", "product_type": "Küche > Becher",
        "google_product_category": "674", "sku": "M-1", "item_group_id": "", "color": "", "condition": "new",
    },
    {
        "id": "shirt-r", "title": "Hemd rot", "link": "https://shop.example/p/shirt", "availability": "in stock",
        "price": "20 EUR", "sku": "S-R", "item_group_id": "shirt", "color": "rot",
    },
    {
        "id": "shirt-b", "title": "Hemd blau", "link": "https://shop.example/p/shirt", "availability": "out of stock",
        "price": "18.00 EUR", "sku": "S-B", "item_group_id": "shirt", "color": "blau",
    },
    {"id": "plain", "title": "Nur ein Name"},
]  # fmt: skip
COLUMNS = list(ROWS[0])


def delimited(delimiter: str, *, codec: str = "utf-8", names: dict[str, str] | None = None, before: str = "") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow([(names or {}).get(name, name) for name in COLUMNS])
    writer.writerows([[row.get(name, "") for name in COLUMNS] for row in ROWS])
    return (before + text.getvalue()).encode(codec)


GERMAN = {
    "id": "Produkt-ID", "title": "Bezeichnung", "description": "Beschreibung", "link": "Produktlink",
    "image_link": "Bild-URL", "additional_image_link": "Weitere Bilder", "availability": "Verfügbarkeit",
    "price": "Preis", "sale_price": "Angebotspreis", "brand": "Marke", "gtin": "EAN", "product_type": "Kategorie",
    "sku": "Artikelnummer", "color": "Farbe",
}  # fmt: skip


def json_rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [dict(row) for row in ROWS]
    rows[0] |= {
        "price": {"amount": "12.50", "currency": "EUR"},
        "image_link": ["https://cdn.example/1.jpg", {"src": "https://cdn.example/2.jpg"}],
        "additional_image_link": None,
        "brand": {"name": "Acme"},
        "gtin": [["4006381333931"]],
    }
    rows[1] |= {"price": 20, "currency": "EUR"}
    rows[2] |= {"price": 18.00, "currency": "EUR"}
    return rows


def json_lines() -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in json_rows()).encode()


def rss(prefix: str = "g:", *, declares: bool = True) -> bytes:
    def item(row: dict[str, str]) -> str:
        fields = "".join(f"<{prefix}{name}>{escape(text)}</{prefix}{name}>" for name, text in row.items() if text)
        return f"<item>{fields}</item>"

    space = ' xmlns:g="http://base.google.com/ns/1.0"' if declares else ""
    items = "\n".join(item(row) for row in ROWS)
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{head}<rss version="2.0"{space}><channel><title>Shop</title>{items}</channel></rss>'.encode()


def atom() -> bytes:
    def entry(row: dict[str, str]) -> str:
        fields = "".join(
            f"<g:{name}><![CDATA[{text}]]></g:{name}>" for name, text in row.items() if text and name != "link"
        )
        link = f'<link href="{escape(row["link"])}"/>' if row.get("link") else ""
        return f"<entry><id>urn:other</id>{link}{fields}</entry>"

    entries = "".join(entry(row) for row in ROWS)
    space = 'xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"'
    return f"<feed {space}><title>Shop</title>{entries}</feed>".encode()


FEEDS: dict[str, tuple[FeedKind, Callable[[], bytes]]] = {
    "csv": (FeedKind.CSV, lambda: delimited(",")),
    "csv with a mark": (FeedKind.CSV, lambda: delimited(",", codec="utf-8-sig")),
    "semicolons, German, windows-1252": (FeedKind.CSV, lambda: delimited(";", codec="cp1252", names=GERMAN)),
    "semicolons, UTF-16, sep": (FeedKind.CSV, lambda: delimited(";", codec="utf-16", before="sep=;\r\n")),
    "UTF-16 without a mark": (FeedKind.TSV, lambda: delimited("\t", codec="utf-16-be")),
    "bars": (FeedKind.CSV, lambda: delimited("|")),
    "tsv": (FeedKind.TSV, lambda: delimited("\t")),
    "Meta's csv": (FeedKind.CSV, lambda: delimited(",", before='# ref_application_id 1\r\n"# Required | id",x\r\n')),
    "json lines": (FeedKind.JSON_LINES, json_lines),
    "json list": (FeedKind.JSON, lambda: json.dumps(json_rows(), indent=2).encode()),
    "json object": (FeedKind.JSON, lambda: json.dumps({"shop": {"a": [1]}, "products": json_rows()}).encode("utf-16")),
    "google rss": (FeedKind.GOOGLE_XML, rss),
    "google rss, undeclared": (FeedKind.GOOGLE_XML, lambda: rss(declares=False)),
    "google atom": (FeedKind.GOOGLE_XML, atom),
    "plain xml": (FeedKind.XML, lambda: rss("", declares=False)),
}


def outcomes(data: bytes, *, limits: FeedLimits | None = None) -> list[FeedProduct | RowError]:
    with open_feed(io.BytesIO(data), limits=limits) as feed:
        return list(read_products(feed, now=NOW))


def products(data: bytes) -> list[FeedProduct]:
    found = outcomes(data)
    assert [item for item in found if isinstance(item, RowError)] == []
    return [item for item in found if isinstance(item, FeedProduct)]


def said(found: FeedProduct) -> dict[str, Any]:
    """Return a product in the words of the truth."""
    product = found.product
    return {
        "external_id": found.external_id,
        "title": product.title,
        "description": product.description,
        "price": f"{product.price.amount.normalize():f}" if product.price else None,
        "currency": product.price.currency if product.price else None,
        "list_price": f"{found.list_price.amount:.2f}" if found.list_price else None,
        "availability": str(product.availability),
        "brand": product.brand,
        "sku": product.sku,
        "gtin": found.gtin,
        "address": found.address,
        "pictures": product.picture_addresses,
        "categories": found.categories,
        "variants": product.variants,
    }
