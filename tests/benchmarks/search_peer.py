"""Plain full text of PostgreSQL on the same products: a stored tsvector under a GIN index, ranked by ts_rank."""

from typing import Any

from django.db import connection

from tests.benchmarks.search_catalog import Question

TABLE = "bench_fulltext"
_MAKE = (
    f"DROP TABLE IF EXISTS {TABLE}",
    f"""
    CREATE TABLE {TABLE} AS
    SELECT product.id, product.seller_id, product.price, product.currency, product.availability, category.path,
           setweight(to_tsvector('english', product.title || ' ' || product.brand || ' ' || product.sku), 'A')
           || setweight(to_tsvector('english', product.description), 'C') AS words
      FROM marketplace_product product
      JOIN marketplace_productcategory link ON link.product_id = product.id
      JOIN marketplace_category category ON category.id = link.category_id
     WHERE product.status = 'live'
    """,
    f"CREATE INDEX ON {TABLE} USING gin (words)",
    f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id)",
    f"VACUUM ANALYZE {TABLE}",
)


def make_table() -> None:
    """Copy the live products into a table of the peer's own, with its index."""
    with connection.cursor() as cursor:
        for statement in _MAKE:
            cursor.execute(statement)


def search(question: Question, *, seller_id: int | None) -> bool:
    """Find the 20 best; False, for this is never degraded."""
    where = question.where
    terms, values = ["words @@ query"], list[Any]()
    if seller_id is not None:
        terms.append("seller_id = %s")
        values.append(seller_id)
    if where.categories:
        terms.append("path LIKE %s || ' > %%'")
        values.append(where.categories[0])
    if where.availabilities:
        terms.append("availability = %s")
        values.append(where.availabilities[0])
    if where.min_price is not None:
        terms.append("price BETWEEN %s AND %s AND currency = %s")
        values += [where.min_price, where.max_price, where.currency]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, ts_rank(words, query) AS score FROM {TABLE}, websearch_to_tsquery('english', %s) query"
            f" WHERE {' AND '.join(terms)} ORDER BY score DESC, id LIMIT 20",
            [question.query, *values],
        )
        cursor.fetchall()
    return False
