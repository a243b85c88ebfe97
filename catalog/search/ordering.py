"""Orders of results, the same over rows that were read and in PostgreSQL."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db.models import Case, F, IntegerField, QuerySet, Value, When

from catalog.index import IndexFilter
from catalog.search.asking import Sort
from catalog.search.facets import main_currency
from catalog.search.rows import Row
from marketplace.models import Product


def sorted_ids(rows: Sequence[Row], sort: Sort, *, where: IndexFilter) -> list[int]:
    """Order rows; by relevance they stay as they are."""
    if sort is Sort.NEWEST:
        newest = sorted(rows, key=lambda row: (row.first_seen_at, row.product_id), reverse=True)
        return [row.product_id for row in newest]
    if sort is Sort.RELEVANCE:
        return [row.product_id for row in rows]
    currency = where.currency.upper() or currency_of(rows)
    sign = -1 if sort is Sort.PRICE_DOWN else 1

    def place(row: Row) -> tuple[int, str, Decimal, int]:
        if row.price is None:
            return 2, "", Decimal(0), row.product_id
        is_other = row.currency != currency
        return int(is_other), row.currency if is_other else "", sign * row.price, row.product_id

    return [row.product_id for row in sorted(rows, key=place)]


def currency_of(rows: Iterable[Row]) -> str:
    """Return the currency of most rows that have a price."""
    return main_currency(Counter(row.currency for row in rows if row.price is not None))


def ordered(products: QuerySet[Product], sort: Sort, *, currency: str) -> QuerySet[Product]:
    """Order products as sorted_ids orders rows; without words, relevance is newest."""
    if sort in (Sort.RELEVANCE, Sort.NEWEST):
        return products.order_by("-first_seen_at", "-pk")
    group = Case(
        When(price__isnull=True, then=Value(2)),
        When(currency=currency, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    other = Case(
        When(price__isnull=True, then=Value("")), When(currency=currency, then=Value("")), default=F("currency")
    )
    price = F("price").desc() if sort is Sort.PRICE_DOWN else F("price").asc()
    return products.order_by(group, other, price, "pk")
