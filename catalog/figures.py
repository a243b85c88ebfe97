"""How good a catalog is in the marketplace: complete, in its categories, without copies, read without failures."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from marketplace.models import Picture, Product, ProductCategory, Seller

# What a buyer must be told of every product (requirement S17), and how a product shows that it is there.
REQUIRED: dict[str, Q] = {
    "title": ~Q(title=""),
    "price": Q(price__isnull=False),
    "currency": ~Q(currency=""),
    "availability": ~Q(availability=Product.Availability.UNKNOWN),
    "picture": Q(has_picture=True),
    "canonical_address": ~Q(canonical_address=""),
    "category": Q(has_category=True),
}


@dataclass(frozen=True, slots=True)
class CatalogFigures:
    """What a catalog amounts to; shares are of the products that stand in it now, from 0 to 1."""

    products: int
    by_status: dict[str, int]
    complete_share: float  # with every required field
    missing: dict[str, int]  # by required field
    copies: int  # found to be a copy of another product, and kept from buyers
    live_duplicates_share: float  # live, and yet the same as another live one
    failed_share_by_host: dict[str, float]


def catalog_figures(seller: Seller) -> CatalogFigures:
    """Count the seller's products; those that are gone from the catalog are left out."""
    products = _standing(seller)
    total = products.count()
    counts = products.aggregate(
        complete=Count("pk", filter=Q(*REQUIRED.values())),
        copies=Count("pk", filter=Q(duplicate_of__isnull=False)),
        **{f"has_{field}_": Count("pk", filter=present) for field, present in REQUIRED.items()},
    )
    live = products.filter(status=Product.Status.LIVE)
    return CatalogFigures(
        products=total,
        by_status=dict(products.order_by().values_list("status").annotate(count=Count("pk"))),
        complete_share=_share(counts["complete"], total),
        missing={field: total - counts[f"has_{field}_"] for field in REQUIRED},
        copies=counts["copies"],
        live_duplicates_share=_share(_surplus(live), live.count()),
        failed_share_by_host=_failures(products),
    )


def _standing(seller: Seller) -> QuerySet[Product]:
    ready = Picture.objects.filter(product=OuterRef("pk"), status=Picture.Status.READY)
    linked = ProductCategory.objects.filter(product=OuterRef("pk"))
    products = Product.objects.filter(seller=seller).exclude(status=Product.Status.GONE)
    return products.annotate(has_picture=Exists(ready), has_category=Exists(linked))


def _surplus(live: QuerySet[Product]) -> int:
    """Count the live products that have the content, or the canonical address, of one before them."""
    seen: set[str] = set()
    surplus = 0
    for content, address in live.order_by("pk").values_list("content_hash", "canonical_address").iterator():
        marks = {mark for mark in (content, address) if mark}
        surplus += bool(marks & seen)
        seen |= marks
    return surplus


def _failures(products: QuerySet[Product]) -> dict[str, float]:
    """Return by host the share of products whose pages or pictures could not be had."""
    total: Counter[str] = Counter()
    dead: Counter[str] = Counter()
    for address, status in products.order_by().values_list("address", "status").iterator():
        host = urlsplit(address).netloc
        total[host] += 1
        dead[host] += status == Product.Status.DEAD
    return {host: _share(dead[host], total[host]) for host in sorted(total)}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
