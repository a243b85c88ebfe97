"""A product's public page: what its seller's catalog says of it, and the way to the shop."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from catalog.category_paths import PATH_SEPARATOR, last_name, paths_to
from catalog.pages.asked import Asked
from catalog.pages.presentation import Card, Chip, card, rendition
from catalog.pictures import DISPLAY_SIDE_PX, THUMBNAIL_SIDE_PX
from catalog.search.answers import Found
from catalog.search.similar import NotShown, similar_products
from catalog.showing import shown_products
from marketplace.models import Product
from marketplace.products import amount_text
from marketplace.public_pages import public_page

SHOWN_SIMILAR = 6
MAX_DESCRIPTION_CHARS = 300  # of what other sites show of a page
SCHEMA_STOCK = {
    Product.Availability.IN_STOCK: "https://schema.org/InStock",
    Product.Availability.OUT_OF_STOCK: "https://schema.org/OutOfStock",
    Product.Availability.PREORDER: "https://schema.org/PreOrder",
}
# As Django's json_script does it: nothing in a string can end the script or begin a comment in it.
SCRIPT_ESCAPES = {ord(sign): f"\\u{ord(sign):04X}" for sign in "<>&\u2028\u2029"}


@public_page
@require_safe
def product_page(request: HttpRequest, product_id: int) -> HttpResponse:
    """Show a live product; any other is not there."""
    product = shown_products([product_id]).get(product_id)
    if product is None:
        raise Http404
    shown = card(Found(product=product, score=None))
    pictures = [picture for picture in product.pictures.all() if picture.display and picture.thumbnail]
    displays = [rendition(picture, side_px=DISPLAY_SIDE_PX) for picture in pictures]
    address = request.build_absolute_uri(request.path)
    context = {
        "card": shown,
        "product": product,
        "pictures": displays,
        "thumbnails": [rendition(picture, side_px=THUMBNAIL_SIDE_PX) for picture in pictures],
        "trail": trail(product),
        "shop_address": shop_address(product),
        "seller_address": Asked(sellers=(product.seller_id,)).address(),
        "amount": amount_text(product.money) if product.money is not None and product.currency else "",
        "description": " ".join(product.description.split())[:MAX_DESCRIPTION_CHARS],
        "address": address,
        "picture_address": request.build_absolute_uri(displays[0].address) if displays else "",
        "json_ld": json_ld(product, address, [request.build_absolute_uri(each.address) for each in displays]),
        "similar": _similar(product),
    }
    return render(request, "catalog/product.html", context)


def shop_address(product: Product) -> str:
    """Return its page in the seller's shop; empty where that is no web address."""
    try:
        parts = urlsplit(product.address)
    except ValueError:
        return ""
    return product.address if parts.scheme in ("http", "https") and parts.netloc else ""


def trail(product: Product) -> list[Chip]:
    """Return the way down to its deepest category, each step a search."""
    paths = [category.path for category in product.categories.all()]
    if not paths:
        return []
    deepest = max(paths, key=lambda path: (path.count(PATH_SEPARATOR), path))
    return [Chip(last_name(path), Asked(categories=(path,)).address()) for path in paths_to(deepest)]


def json_ld(product: Product, address: str, pictures: list[str]) -> SafeString:
    """Describe the product for machines as schema.org does, safe inside a script element."""
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "description": product.description,
        "image": pictures,
        "sku": product.sku,
        "gtin": product.gtin,
        "brand": {"@type": "Brand", "name": product.brand} if product.brand else None,
        "url": address,
        "offers": _offer(product, product.price),
    }
    text = json.dumps({name: value for name, value in data.items() if value}, ensure_ascii=False)
    return mark_safe(text.translate(SCRIPT_ESCAPES))  # noqa: S308 - escaped for a script, where HTML's own escapes do not count


def _offer(product: Product, price: Decimal | None) -> dict[str, Any] | None:
    """Describe the offer; one without a price or its currency is none."""
    if price is None or not product.currency:
        return None
    offer = {
        "@type": "Offer",
        "price": f"{price.normalize():f}",
        "priceCurrency": product.currency,
        "availability": SCHEMA_STOCK.get(Product.Availability(product.availability)),
        "url": shop_address(product),
        "seller": {"@type": "Organization", "name": product.seller.name},
    }
    return {name: value for name, value in offer.items() if value}


def _similar(product: Product) -> list[Card]:
    try:
        return [card(found) for found in similar_products(product.pk, limit=SHOWN_SIMILAR).results]
    except NotShown:  # since it was read
        return []
