"""The index's filter as a condition on PostgreSQL's rows; both pass the same products."""

from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from catalog.category_paths import PATH_SEPARATOR
from catalog.index import IndexFilter
from marketplace.models import Category, Product, ProductCategory


def narrowed(products: QuerySet[Product], where: IndexFilter) -> QuerySet[Product]:
    """Apply the filter: within one of its fields any value will do, and every field has its say."""
    terms = Q()
    if where.seller_ids:
        terms &= Q(seller__in=where.seller_ids)
    if where.availabilities:
        terms &= Q(availability__in=where.availabilities)
    if where.min_price is not None:
        terms &= Q(price__gte=where.min_price)
    if where.max_price is not None:
        terms &= Q(price__lte=where.max_price)
    if where.currency:
        terms &= Q(currency=where.currency.upper())
    if where.categories:
        named = reduce(or_, (_named(name) for name in where.categories))
        links = ProductCategory.objects.filter(category__in=Category.objects.filter(named))
        terms &= Q(pk__in=links.values("product"))
    return products.filter(terms)


def _named(name: str) -> Q:
    """Match a category by its path or any path above it; by its name or any name above it."""
    name = " ".join(name.split())
    path = Q(path__iexact=name) | Q(path__istartswith=f"{name}{PATH_SEPARATOR}")
    if PATH_SEPARATOR in name:
        return path
    return (
        path
        | Q(path__iendswith=f"{PATH_SEPARATOR}{name}")
        | Q(path__icontains=f"{PATH_SEPARATOR}{name}{PATH_SEPARATOR}")
    )
