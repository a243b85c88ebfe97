"""What filters, facets and orders look at: a few columns of each product found, read in one query."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property, lru_cache

from django.db import connection

from catalog.category_paths import category_form, names_of
from catalog.index import IndexFilter


@dataclass(frozen=True)
class Row:
    """One live product of an active seller, as facets see it; paths are those of its categories."""

    product_id: int
    seller_id: int
    seller_name: str
    price: Decimal | None
    currency: str
    availability: str
    first_seen_at: datetime
    paths: Sequence[str]

    @cached_property
    def category_keys(self) -> frozenset[str]:
        """The forms in which a filter may name its categories, as the index has them."""
        return frozenset(key for path in self.paths for key in keys_of_path(path))


@lru_cache(maxsize=20_000)
def keys_of_path(path: str) -> frozenset[str]:
    """Return what a filter may call a category, in the form in which that is compared."""
    return frozenset(category_form(name) for name in names_of(path))


# As raw SQL: for 550 ids the ORM's IN list, of a parameter each, took four times as long as an array (November 2026).
_SHOWN = """
  FROM marketplace_product product JOIN marketplace_seller seller ON seller.id = product.seller_id
 WHERE product.id = ANY(%s) AND product.status = 'live' AND seller.status = 'active'
"""
_ROWS = f"""
SELECT product.id, product.seller_id, seller.name, product.price, product.currency, product.availability,
       product.first_seen_at,
       ARRAY(SELECT category.path FROM marketplace_productcategory link
               JOIN marketplace_category category ON category.id = link.category_id
              WHERE link.product_id = product.id ORDER BY category.path)
{_SHOWN}"""  # noqa: S608 no text of others


def rows_of(product_ids: Iterable[int]) -> list[Row]:
    """Read the rows of those of the products that buyers may see."""
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [list(product_ids)])
        return [Row(*values) for values in cursor.fetchall()]


def live_ids(product_ids: Iterable[int]) -> set[int]:
    """Return those of the products that buyers may see."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT product.id {_SHOWN}", [list(product_ids)])
        return {product_id for (product_id,) in cursor.fetchall()}


class Matcher:
    """Tells which of a search's filters a row does not pass."""

    def __init__(self, where: IndexFilter) -> None:
        self._where = where
        self._categories = [category_form(name) for name in where.categories]
        self._currency = where.currency.upper()

    def failing(self, row: Row) -> tuple[str, ...]:
        """Name the facets whose filters the row does not pass; the currency belongs to the price."""
        where = self._where
        fails = []
        if where.seller_ids and row.seller_id not in where.seller_ids:
            fails.append("seller")
        if self._categories and row.category_keys.isdisjoint(self._categories):
            fails.append("category")
        if where.availabilities and row.availability not in where.availabilities:
            fails.append("availability")
        if not self._is_priced(row):
            fails.append("price")
        return tuple(fails)

    def _is_priced(self, row: Row) -> bool:
        where = self._where
        if self._currency and row.currency != self._currency:
            return False
        if where.min_price is None and where.max_price is None:
            return True
        if row.price is None:
            return False
        is_above = where.min_price is None or row.price >= where.min_price
        return is_above and (where.max_price is None or row.price <= where.max_price)
