"""Products that were judged, as sellers and staff meet them."""

from typing import Any

from marketplace.models import Picture, Product, Seller
from qc.models import Verdict
from tests.marketplace.factories import make_product

NO_PRICE = {
    "code": "price.missing",
    "severity": "reject",
    "field": "price",
    "message": "The product has no price.",
    "remedy": "Add a price to the product in your catalog.",
}
IN_CAPITALS = {
    "code": "text.title_in_capitals",
    "severity": "advise",
    "field": "title",
    "message": "The title is written in capitals.",
    "remedy": "Write the title as a sentence.",
}


def make_judged(
    seller: Seller, *, decision: str = "rejected", reasons: list[dict[str, str]] | None = None, **fields: Any
) -> Product:
    """Make a product with the verdict that put it where it is."""
    reasons = [NO_PRICE] if reasons is None else reasons
    status = {"rejected": "rejected", "flagged": "flagged", "approved": "live"}[decision]
    product = make_product(seller, **{"status": status, "reasons": reasons, "content_hash": "0" * 64} | fields)
    make_verdict(product, decision=decision, reasons=reasons)
    return product


def make_verdict(product: Product, *, decision: str = "rejected", **fields: Any) -> Verdict:
    values = {"reasons": [NO_PRICE], "rule_version": "3.0", "input_hash": "x"} | fields
    return Verdict.objects.create(product=product, decision=decision, **values)


def add_picture(product: Product, **fields: Any) -> Picture:
    values = {"status": "ready", "width_px": 800, "height_px": 600, "source_address": "https://shop.example/1.jpg"}
    return Picture.objects.create(product=product, **values | fields)
