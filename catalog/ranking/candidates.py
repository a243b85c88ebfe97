"""Which products may answer a query, with their words; read from PostgreSQL, beside what the index finds."""

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from catalog.index import IndexFilter
from catalog.models import SearchDocument
from catalog.narrowing import narrowed
from catalog.showing import searchable_products

# ts_rank's weights of attributes, descriptions, brands and titles, in the proportions of the re-ranking; and its
# normalisation: divided by 1 + the logarithm of the length.
WEIGHTS = "{0.25, 0.5, 1, 1}"
BY_LENGTH = 1


class Document(NamedTuple):
    """The words of a product, as SearchDocument keeps them."""

    product_id: int
    title: str
    brand: str
    codes: str
    categories: str
    description: str
    attributes: str


_PRODUCT, *_FIELDS = Document._fields
# The words first, by their index, and what else a product must be after: the planner, left to itself, looked up the
# document of every live product (200 ms instead of 40 at 19,406 products, November 2026).
_LIKELIEST = f"""
WITH holding AS MATERIALIZED (
    SELECT product_id, ts_rank(%s::float4[], stems, %s::tsquery, {BY_LENGTH}) AS likeness
      FROM catalog_searchdocument WHERE stems @@ %s::tsquery
), likeliest AS (
    SELECT product_id, likeness FROM holding WHERE product_id IN ({{shown}})
     ORDER BY likeness DESC, product_id LIMIT %s
)
SELECT {_PRODUCT}, {", ".join(_FIELDS)}
  FROM likeliest JOIN catalog_searchdocument USING (product_id)
 ORDER BY likeness DESC, product_id
"""  # noqa: S608 names of our own


def documents_with(stems: Collection[str], *, where: IndexFilter, limit: int) -> list[Document]:
    """List documents of products that buyers may see, that hold any of the stems and pass the filter.

    The likeliest come first. Milvus Lite takes 0.4 ms a hit, whatever is asked of it (CPU, measured in November 2026):
    the depth that facets and pages need is had here.
    """
    if not stems:
        return []
    query = " | ".join(f"'{stem}'" for stem in stems)
    shown, values = narrowed(searchable_products(), where).order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_LIKELIEST.format(shown=shown), [WEIGHTS, query, query, *values, limit])
        return [Document(*row) for row in cursor.fetchall()]


def documents_of(product_ids: Collection[int]) -> list[Document]:
    """Read the words of products, in the order of their ids; one without a document is not in the index any more."""
    rows = SearchDocument.objects.filter(pk__in=list(product_ids)).order_by("pk")
    return [Document(*row) for row in rows.values_list(_PRODUCT, *_FIELDS)]
