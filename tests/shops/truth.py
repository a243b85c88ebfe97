"""What a sample shop really sells: the shops are made from this, and what was read is compared with it."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from marketplace.models import Product, ProductCategory


@dataclass(frozen=True)
class TruthProduct:
    """One product as a right reading stores it."""

    external_id: str
    address: str
    title: str
    price: str | None  # in major units, as plain decimal digits
    currency: str
    availability: str  # of Product.Availability
    sku: str = ""
    brand: str = ""
    gtin: str = ""
    list_price: str | None = None
    categories: tuple[str, ...] = ()  # paths: names from the root, joined by " > "
    pictures: tuple[str, ...] = ()
    variants: tuple[dict[str, Any], ...] = field(default=())


def as_json(products: Iterable[TruthProduct]) -> str:
    """Return the truth as JSON."""
    return json.dumps([asdict(product) for product in products], ensure_ascii=False, indent=1)


def stored_products(*, is_gone: bool = False) -> dict[str, TruthProduct]:
    """Return what the database holds, by external id, in the words of the truth."""
    paths: dict[int, list[str]] = {}
    for product_id, path in ProductCategory.objects.values_list("product_id", "category__path"):
        paths.setdefault(product_id, []).append(path)
    rows = Product.objects.filter(status=Product.Status.GONE) if is_gone else Product.objects.exclude(status="gone")
    return {
        row.external_id: TruthProduct(
            external_id=row.external_id,
            address=row.address,
            title=row.title,
            price=plain(row.price),
            currency=row.currency,
            availability=row.availability,
            sku=row.sku,
            brand=row.brand,
            gtin=row.gtin,
            list_price=plain(row.list_price),
            categories=tuple(sorted(paths.get(row.pk, []))),
            pictures=tuple(row.picture_addresses),
            variants=tuple(row.variants),
        )
        for row in rows
    }


def plain(amount: Decimal | None) -> str | None:
    """Return an amount's digits without noughts behind."""
    return None if amount is None else f"{amount.normalize():f}"
