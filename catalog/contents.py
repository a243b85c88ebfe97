"""What is said of a product: as JSON, so that it can wait on disk, and as a hash, so that a change is seen."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from catalog.sources.source import ExtractedProduct
from marketplace.money import Money


def kept_content(content: ExtractedProduct) -> dict[str, Any]:
    """Return what is said of a product as JSON."""
    kept = asdict(content)
    for field in ("price", "list_price"):
        if kept[field]:
            kept[field]["amount"] = str(kept[field]["amount"])
    return kept


def content_of(kept: Mapping[str, Any]) -> ExtractedProduct:
    """Return what kept_content made JSON of."""
    return ExtractedProduct(**{**kept, "price": _money_of(kept["price"]), "list_price": _money_of(kept["list_price"])})


def content_hash(product: ExtractedProduct) -> str:
    """Return the SHA-256 of what a buyer would see; the page's own address and id are not in it."""
    price = f"{product.price.amount.normalize():f}" if product.price else ""
    currency = product.price.currency if product.price else ""
    said = [product.title, product.description, price, currency, product.picture_addresses]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def _money_of(kept: Mapping[str, str] | None) -> Money | None:
    return Money(Decimal(kept["amount"]), kept["currency"], kept["raw"]) if kept else None
