"""Shopify's product JSON, in both of its forms, as products.

`products.json` writes prices as strings in major units ("19.90"). The form of `/products/<handle>.js`, which themes
also put into product pages, writes them as integers in hundredths, also for currencies without hundredths. Neither
names a currency. (shopify.dev, "Product API reference" of the Ajax API; the list form as public shops answer it.)

A product's price is that of its first variant that can be bought, in the shop's own order, or else of its first:
what its page shows when it is opened. Every variant's price stands in `variants`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.extraction.document import absolute
from catalog.extraction.gtins import parse_gtin
from catalog.sources.interfaces import items_of, money_of, plain_text, text_of, web_addresses
from catalog.sources.page_products import digits_of
from catalog.sources.source import ExtractedProduct
from marketplace.models import Product
from marketplace.money import Money

HUNDREDTHS = 2  # `.js` multiplies by 100, whatever the currency
ONLY_VARIANT = "Default Title"  # the name of the one variant of a product without options


def read_product(
    product: Mapping[str, Any], *, currency: str, address: str, minor_unit: int, evidence: str
) -> ExtractedProduct | None:
    """Return what one product's JSON says; None if it has no title.

    Args:
        product: one element of `products.json`, or what `.js` answers.
        currency: the shop's, or empty where it is unknown.
        address: the product's page; relative picture addresses are taken from there.
        minor_unit: 0 for `.json`, HUNDREDTHS for `.js`.
        evidence: the name of the place where the JSON stood.
    """
    title = text_of(product.get("title"))
    if not title:
        return None
    variants = items_of(product.get("variants"))
    shown = next((variant for variant in variants if variant.get("available") is True), next(iter(variants), {}))
    price = money_of(shown.get("price"), currency, minor_unit=minor_unit)
    list_price = money_of(shown.get("compare_at_price"), currency, minor_unit=minor_unit)
    html = product.get("body_html") or product.get("description") or ""
    return ExtractedProduct(
        title=title,
        description=plain_text(html),
        price=price,
        price_raw=price.raw if price else "",
        list_price=list_price if price and list_price and list_price.amount > price.amount else None,
        availability=_availability([variant.get("available") for variant in variants]),
        brand=text_of(product.get("vendor"), 200),
        sku=text_of(shown.get("sku"), 200),
        gtin=_gtin(shown),
        variants=_variants(product, variants, currency=currency, minor_unit=minor_unit, address=address),
        picture_addresses=web_addresses([_absolute(picture, address) for picture in _pictures(product)]),
        canonical_address=address,
        evidence=_evidence(evidence, price),
    )


def _availability(available: Sequence[Any]) -> Product.Availability:
    if True in available:
        return Product.Availability.IN_STOCK
    if available and all(value is False for value in available):
        return Product.Availability.OUT_OF_STOCK
    return Product.Availability.UNKNOWN


def _variants(
    product: Mapping[str, Any], variants: Sequence[Mapping[str, Any]], *, currency: str, minor_unit: int, address: str
) -> list[dict[str, Any]]:
    """Return the variants in the shop's order; none for a product that has no options."""
    if len(variants) == 1 and text_of(variants[0].get("title")) == ONLY_VARIANT:
        return []
    names = _option_names(product)
    return [_variant(variant, names, currency, minor_unit, address) for variant in variants]


def _option_names(product: Mapping[str, Any]) -> list[str]:
    options = product.get("options")
    if not isinstance(options, list):
        return []
    # `.json` and `.js` give objects; what themes put into pages gives only names.
    return [text_of(option.get("name") if isinstance(option, dict) else option, 100) for option in options]


def _variant(
    variant: Mapping[str, Any], names: Sequence[str], currency: str, minor_unit: int, address: str
) -> dict[str, Any]:
    price = money_of(variant.get("price"), currency, minor_unit=minor_unit)
    list_price = money_of(variant.get("compare_at_price"), currency, minor_unit=minor_unit)
    picture = variant.get("featured_image")
    source = text_of(picture.get("src"), 2000) if isinstance(picture, dict) else ""
    chosen = [text_of(variant.get(f"option{number}"), 255) for number in (1, 2, 3)]
    is_reduced = price is not None and list_price is not None and list_price.amount > price.amount
    return {
        "id": text_of(variant.get("id"), 40),
        "title": text_of(variant.get("title")),
        "options": {name: value for name, value in zip(names, chosen, strict=False) if name and value},
        "sku": text_of(variant.get("sku"), 200),
        "gtin": _gtin(variant),
        "price": digits_of(price),
        "list_price": digits_of(list_price) if is_reduced else None,
        "availability": _availability([variant.get("available")]),
        "picture": _absolute(source, address) if source else "",
    }


def _gtin(variant: Mapping[str, Any]) -> str:
    return parse_gtin(text_of(variant.get("barcode"), 40)) or ""


def _pictures(product: Mapping[str, Any]) -> list[str]:
    """Return the pictures' addresses in the shop's order: objects with `src`, or bare addresses."""
    images = product.get("images")
    if not isinstance(images, list):
        return []
    return [text_of(image.get("src") if isinstance(image, dict) else image, 2000) for image in images if image]


def _absolute(picture: str, address: str) -> str:
    """Return a picture's address; `.js` leaves the scheme out, and both forms are to name it alike."""
    return f"https:{picture}" if picture.startswith("//") else absolute(picture, address)


def _evidence(place: str, price: Money | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        field: {"evidence": place, "confidence": 1.0}
        for field in ("title", "description", "availability", "brand", "sku", "variants", "picture_addresses")
    }
    if price:
        told["price"] = {"evidence": place, "confidence": 1.0 if price.currency else 0.9}
    return told
