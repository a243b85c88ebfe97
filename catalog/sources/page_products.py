"""A product as its page says it, in the words of the catalog."""

from typing import Any

from catalog.extraction.page_data import PageData, Variant
from catalog.extraction.reading import read_page
from catalog.sources.interfaces import web_addresses
from catalog.sources.source import ExtractedProduct
from catalog.stock import AVAILABILITY
from marketplace.money import Money


def product_of_page(html: str, address: str) -> ExtractedProduct:
    """Return what a product's page says, with the evidence of each field.

    Raises:
        PageMalformed: the page names no product (permanent).
    """
    return product_of(read_page(html, address))


def product_of(data: PageData) -> ExtractedProduct:
    """Return what was read of a page, as sources give it."""
    return ExtractedProduct(
        title=data.title,
        description=data.description,
        price=data.price,
        price_raw=data.price.raw[:200] if data.price else "",
        list_price=data.list_price,
        availability=AVAILABILITY[data.availability],
        brand=data.brand[:200],
        sku=data.sku[:200],
        gtin=data.gtin,
        variants=[variant_of(variant) for variant in data.variants],
        picture_addresses=web_addresses(list(data.images)),
        breadcrumbs=[step.name for step in data.breadcrumbs],
        canonical_address=data.canonical_address,
        evidence=_evidence(data),
    )


def variant_of(variant: Variant) -> dict[str, Any]:
    """Return a variant as it is stored."""
    return {
        "id": variant.identity,
        "title": " / ".join(variant.options.values()),
        "options": variant.options,
        "sku": variant.sku,
        "gtin": variant.gtin,
        "price": digits_of(variant.price),
        "list_price": None,
        "availability": AVAILABILITY[variant.availability],
        "picture": variant.picture,
    }


def digits_of(price: Money | None) -> str | None:
    """Return an amount's digits, without noughts behind the point."""
    return f"{price.amount.normalize():f}" if price else None


def _evidence(data: PageData) -> dict[str, Any]:
    fields = {"images": "picture_addresses"}
    told: dict[str, Any] = {}
    for field, evidence in data.evidence.items():
        told[fields.get(field, field)] = {"evidence": evidence, "confidence": round(data.confidence.get(field, 0.0), 2)}
    return told
