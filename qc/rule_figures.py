"""Figures of the rules: how many products each one keeps back or advises now."""

from django.core.cache import cache
from django.db import connection

from marketplace.products import AWAY

# Several people may keep the page open, and all reasons are read for it.
HELD_S = 15
_BY_CODE = """
SELECT reason->>'code', count(*)
  FROM marketplace_product, jsonb_array_elements(reasons) AS reason
 WHERE status <> ALL(%s)
 GROUP BY 1
"""


def products_by_code() -> dict[str, int]:
    """Count the products by the codes of their reasons, as they were at most HELD_S ago."""
    counts: dict[str, int] | None = cache.get_or_set("qc:products-by-code", _counted, HELD_S)
    return counts or {}


def _counted() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_BY_CODE, [[str(it) for it in AWAY]])
        return dict(cursor.fetchall())
