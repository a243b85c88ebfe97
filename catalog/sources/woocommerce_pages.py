"""What the product page of a WooCommerce shop says beside its markup, where WooCommerce's own templates put it.

The templates are those of the plugin (templates/single-product); a theme that keeps their class names is read so too.
Variations stand in the form's `data-product_variations`, with prices in major units; it says `false` where there are
so many that the page asks for each.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from catalog.extraction.document import absolute
from catalog.extraction.gtins import parse_gtin
from catalog.sources.interfaces import items_of, line_text, money_of, plain_text, text_of, web_addresses
from catalog.sources.page_products import digits_of, product_of_page
from catalog.sources.source import ExtractedProduct
from marketplace.models import Product

_FORM = "form.variations_form[data-product_variations], .variations_form[data-product_variations]"
_PANEL = "#tab-description, .woocommerce-Tabs-panel--description"
_SHORT = ".woocommerce-product-details__short-description"
_GALLERY = ".woocommerce-product-gallery__image a[href]"


def read_product_page(html: str, address: str) -> ExtractedProduct:
    """Return what the page's markup says, and where the templates are WooCommerce's, what they say.

    Raises:
        PageMalformed: the page names no product (permanent).
    """
    product = product_of_page(html, address)
    tree = LexborHTMLParser(html)
    title = tree.css_first("h1.product_title")
    description = _description(tree)
    pictures = [absolute(node.attributes.get("href") or "", address) for node in tree.css(_GALLERY)]
    variants = list(_variants(tree, product.price.currency if product.price else ""))
    return replace(
        product,
        title=(line_text(title.html) if title else "") or product.title,
        # WooCommerce's markup names the product's number as SKU where it has none (WC_Structured_Data).
        sku="" if product.sku == _number(tree) else product.sku,
        description=description or product.description,
        picture_addresses=web_addresses(pictures) or product.picture_addresses,
        variants=variants or product.variants,
    )


def _number(tree: LexborHTMLParser) -> str:
    """Return WordPress' number of the product, as the page's class names it; empty if it does not."""
    body = tree.css_first("body.single-product")
    classes = (body.attributes.get("class") or "").split() if body else []
    return next((name.removeprefix("postid-") for name in classes if name.startswith("postid-")), "")


def _description(tree: LexborHTMLParser) -> str:
    """Return the long description without its heading, else the short one."""
    panel = tree.css_first(_PANEL)
    if panel is not None:
        if (heading := panel.css_first("h2:first-child")) is not None:
            heading.decompose()
        if text := plain_text(panel.html):
            return text
    short = tree.css_first(_SHORT)
    return plain_text(short.html) if short else ""


def _variants(tree: LexborHTMLParser, currency: str) -> Iterator[dict[str, Any]]:
    form = tree.css_first(_FORM)
    if form is None:
        return
    try:
        data = json.loads(form.attributes.get("data-product_variations") or "", parse_float=Decimal)
    except (ValueError, RecursionError):
        return
    for variation in items_of(data):
        yield _variant(variation, form, currency)


def _variant(variation: Mapping[str, Any], form: LexborNode, currency: str) -> dict[str, Any]:
    options = dict(_options(variation, form))
    price = money_of(variation.get("display_price"), currency)
    regular = money_of(variation.get("display_regular_price"), currency)
    is_reduced = price is not None and regular is not None and regular.amount > price.amount
    image = variation.get("image")
    picture = (image.get("full_src") or image.get("url")) if isinstance(image, dict) else ""
    in_stock = variation.get("is_in_stock")
    state = Product.Availability.IN_STOCK if in_stock else Product.Availability.OUT_OF_STOCK
    if in_stock and "on-backorder" in text_of(variation.get("availability_html")):
        state = Product.Availability.PREORDER
    return {
        "id": text_of(variation.get("variation_id"), 40),
        "title": " / ".join(options.values()),
        "options": options,
        "sku": line_text(text_of(variation.get("sku")), 200),
        "gtin": parse_gtin(text_of(variation.get("global_unique_id"), 40)) or "",
        "price": digits_of(price),
        "list_price": digits_of(regular) if is_reduced else None,
        "availability": state if isinstance(in_stock, bool) else Product.Availability.UNKNOWN,
        "picture": text_of(picture, 2000),
    }


def _options(variation: Mapping[str, Any], form: LexborNode) -> Iterator[tuple[str, str]]:
    """Yield each option's name and value, as the form's labels and choices write them."""
    chosen = variation.get("attributes")
    if not isinstance(chosen, dict):
        return
    names = {(node.attributes.get("for") or ""): line_text(node.html, 100) for node in form.css("label[for]")}
    values = {
        (select.attributes.get("name") or "", choice.attributes.get("value") or ""): line_text(choice.html, 255)
        for select in form.css("select[name]")
        for choice in select.css("option[value]")
    }
    for attribute, value in chosen.items():
        if isinstance(value, str) and value:  # empty: any
            name = attribute.removeprefix("attribute_")
            yield names.get(name) or name.removeprefix("pa_"), values.get((attribute, value)) or value
