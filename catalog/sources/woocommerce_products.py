"""Products as WooCommerce's Store API gives them.

Amounts are integers of the currency's smallest unit as the shop has set it: `currency_minor_unit` says how many of the
last digits stand behind the point (0, 2 and 3 occur). Names and texts are HTML. A variable product's price is the
lowest of its variations; the list names its variations without prices, which `type=variation` gives.
(developer.woocommerce.com, "Store API: Products"; the plugin's ProductSchema.)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.extraction.gtins import parse_gtin
from catalog.sources.interfaces import (
    currency_of,
    items_of,
    line_text,
    money_of,
    plain_text,
    text_of,
    web_addresses,
)
from catalog.sources.page_products import digits_of
from catalog.sources.source import CategoryPath, CategoryStep, ExtractedProduct
from marketplace.models import Product
from marketplace.money import Money

MAX_MINOR_UNIT = 6
MAX_DEPTH = 12

Category = tuple[int, str, str]  # its parent's id, its name, its address
Tree = Mapping[int, Category]


def read_product(product: Mapping[str, Any], variations: Sequence[Mapping[str, Any]] = ()) -> ExtractedProduct | None:
    """Return what one product of the list says; None if it has no name.

    Args:
        product: one element of `products`.
        variations: the elements of `products?type=variation` whose parent it is.
    """
    title = line_text(product.get("name"))
    if not title:
        return None
    price, list_price = _prices(product)
    pictures = [text_of(image.get("src"), 2000) for image in items_of(product.get("images"))]
    return ExtractedProduct(
        title=title,
        description=plain_text(product.get("description")) or plain_text(product.get("short_description")),
        price=price,
        price_raw=price.raw if price else "",
        list_price=list_price,
        availability=_availability(product),
        brand=_brand(product),
        sku=line_text(text_of(product.get("sku")), 200),
        gtin=parse_gtin(text_of(product.get("global_unique_id"), 40)) or "",
        variants=_variants(product, variations),
        picture_addresses=web_addresses(pictures),
        canonical_address=text_of(product.get("permalink"), 2000),
        evidence=_evidence(price),
    )


def tree_of(categories: Iterable[Mapping[str, Any]]) -> dict[int, Category]:
    """Return the categories by their ids."""
    tree: dict[int, Category] = {}
    for category in categories:
        identity, parent = category.get("id"), category.get("parent")
        if isinstance(identity, int) and (name := line_text(category.get("name"), 200)):
            address = text_of(category.get("permalink"), 2000)
            tree[identity] = (parent if isinstance(parent, int) else 0, name, address)
    return tree


def paths_of(product: Mapping[str, Any], tree: Tree) -> tuple[CategoryPath, ...]:
    """Return the path of each category that a product is in; of one that the tree does not know, its name alone."""
    paths: dict[CategoryPath, None] = {}
    for category in items_of(product.get("categories")):
        identity = category.get("id")
        path = _path_to(identity, tree) if isinstance(identity, int) else ()
        name = line_text(category.get("name"), 200)
        if not path and name:
            path = (CategoryStep(name, text_of(category.get("link"), 2000)),)
        if path:
            paths[path] = None
    return tuple(paths)


def _path_to(identity: int, tree: Tree) -> CategoryPath:
    steps: list[CategoryStep] = []
    while identity in tree and len(steps) < MAX_DEPTH:
        parent, name, address = tree[identity]
        steps.append(CategoryStep(name, address))
        identity = parent
    return tuple(reversed(steps))


def _prices(product: Mapping[str, Any]) -> tuple[Money | None, Money | None]:
    """Return the price, and the regular one where it is higher."""
    prices = product.get("prices")
    if not isinstance(prices, dict) or not _has_price(product):
        return None, None
    currency = currency_of(prices.get("currency_code"))
    unit = prices.get("currency_minor_unit")
    minor_unit = int(text_of(unit)) if text_of(unit).isdecimal() else -1
    if not 0 <= minor_unit <= MAX_MINOR_UNIT:
        return None, None  # without it an amount may be anything
    price = money_of(prices.get("price"), currency, minor_unit=minor_unit)
    regular = money_of(prices.get("regular_price"), currency, minor_unit=minor_unit)
    is_reduced = price is not None and regular is not None and regular.amount > price.amount
    return price, regular if is_reduced else None


def _has_price(product: Mapping[str, Any]) -> bool:
    """Tell a product without a price from one that costs nothing: both have the amount 0, only one shows it."""
    shown = product.get("price_html")
    return bool(line_text(shown)) if isinstance(shown, str) else product.get("is_purchasable") is not False


def _availability(product: Mapping[str, Any]) -> Product.Availability:
    if product.get("is_in_stock") is False:
        return Product.Availability.OUT_OF_STOCK
    if product.get("is_on_backorder") is True:
        return Product.Availability.PREORDER
    return Product.Availability.IN_STOCK if product.get("is_in_stock") is True else Product.Availability.UNKNOWN


def _brand(product: Mapping[str, Any]) -> str:
    """Return the brand of WooCommerce's own taxonomy, else of a global attribute that is called so."""
    for brand in items_of(product.get("brands")):
        if name := line_text(brand.get("name"), 200):
            return name
    for attribute in items_of(product.get("attributes")):
        if attribute.get("taxonomy") == "pa_brand":
            for term in items_of(attribute.get("terms")):
                return line_text(term.get("name"), 200)
    return ""


def _variants(product: Mapping[str, Any], variations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the variations in the shop's order; without details where those were not given."""
    details = {text_of(variation.get("id")): variation for variation in variations}
    names = {
        (text_of(attribute.get("name")), text_of(term.get("slug"))): line_text(term.get("name"), 255)
        for attribute in items_of(product.get("attributes"))
        for term in items_of(attribute.get("terms"))
    }
    return [
        _variant(variation, details.get(text_of(variation.get("id")), {}), names)
        for variation in items_of(product.get("variations"))
    ]


def _variant(
    variation: Mapping[str, Any], detail: Mapping[str, Any], names: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    options: dict[str, str] = {}
    for attribute in items_of(variation.get("attributes")):
        name, value = text_of(attribute.get("name")), text_of(attribute.get("value"))
        if name and value:  # without a value: any
            options[line_text(name, 100)] = names.get((name, value)) or value
    price, list_price = _prices(detail)
    picture = next((text_of(image.get("src"), 2000) for image in items_of(detail.get("images"))), "")
    return {
        "id": text_of(variation.get("id"), 40),
        "title": " / ".join(options.values()),
        "options": options,
        "sku": line_text(text_of(detail.get("sku")), 200),
        "gtin": parse_gtin(text_of(detail.get("global_unique_id"), 40)) or "",
        "price": digits_of(price),
        "list_price": digits_of(list_price),
        "availability": _availability(detail),
        "picture": picture,
    }


def _evidence(price: Money | None) -> dict[str, Any]:
    fields = ["title", "description", "availability", "brand", "sku", "variants", "picture_addresses"]
    return {field: {"evidence": "woocommerce-api", "confidence": 1.0} for field in [*fields, *["price"] * bool(price)]}
