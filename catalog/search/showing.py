"""Which products buyers may see, and with what."""

from collections.abc import Iterable

from django.db.models import Prefetch, QuerySet

from marketplace.models import Picture, Product, Seller

# What the reading of catalogs notes down and no buyer sees; some of it is long.
UNSHOWN = ("evidence", "reasons", "not_carried", "picture_addresses")


def searchable_products() -> QuerySet[Product]:
    """Find the products that buyers may see."""
    return Product.objects.filter(status=Product.Status.LIVE, seller__status=Seller.Status.ACTIVE)


def shown_products(product_ids: Iterable[int]) -> QuerySet[Product]:
    """Find those of the products that buyers may see, with all that a result shows."""
    pictures = Picture.objects.filter(status=Picture.Status.READY).order_by("position")
    return (
        searchable_products()
        .filter(pk__in=list(product_ids))
        .defer(*UNSHOWN)
        .select_related("seller")
        .prefetch_related("categories", Prefetch("pictures", queryset=pictures))
    )
