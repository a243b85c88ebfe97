"""What the products of a category cost: measured now and then, and kept, so that a verdict does not waver.

A level that was measured again stays as it was unless it has moved by more than a little: of two judgements of the
same product, the second one then differs only where the catalog has really changed.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from qc.models import CategoryPriceLevel
from qc.rules.contract import CategoryPrices

Key = tuple[int, str]  # category and currency

# How long a level holds, by the number of prices in it: a first sync fills the categories within minutes.
_HOLDS = ((12, timedelta(minutes=1)), (100, timedelta(hours=1)))
_LONGEST_HOLD = timedelta(days=1)
MOVED = 0.05  # of a logarithm: about 5 %
GROWN = 1.25

_LEVELS = """
WITH member AS (
    SELECT link.category_id, product.currency, ln(product.price::float8) AS log_price
      FROM unnest(%s::bigint[], %s::text[]) AS wanted (category_id, currency)
      JOIN marketplace_productcategory link ON link.category_id = wanted.category_id
      JOIN marketplace_product product ON product.id = link.product_id AND product.currency = wanted.currency
     WHERE product.price > 0 AND product.status NOT IN ('gone', 'dead', 'rejected')
), middle AS (
    SELECT category_id, currency, percentile_cont(0.5) WITHIN GROUP (ORDER BY log_price) AS log_median
      FROM member GROUP BY category_id, currency
)
SELECT category_id, currency, exp(min(log_median)),
       1.4826 * percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(log_price - log_median)), count(*)
  FROM member JOIN middle USING (category_id, currency)
 GROUP BY category_id, currency
"""


@dataclass(frozen=True, slots=True)
class _Level:
    """What was measured of a category in one currency."""

    median: Decimal
    log_spread: float
    count: int


_NOTHING = _Level(Decimal(0), 0.0, 0)


def prices_of_categories(
    keys: Collection[Key], *, may_measure: bool = False, now: datetime | None = None
) -> dict[Key, CategoryPrices]:
    """Return what the other products of categories cost, as far as that is known.

    Args:
        keys: categories with currencies.
        may_measure: measure first what is missing, or has held long enough.
        now: in place of the clock.
    """
    rows = _kept(keys)
    if may_measure:
        now = timezone.now() if now is None else now
        rows |= _measure([key for key in sorted(keys) if key not in rows or _is_due(rows[key], now)], rows, now)
    return {
        key: CategoryPrices(row.median.normalize(), row.log_spread, row.count - 1)
        for key, row in rows.items()
        if row.count > 1
    }


def _kept(keys: Collection[Key]) -> dict[Key, CategoryPriceLevel]:
    rows = CategoryPriceLevel.objects.filter(category__in={category_id for category_id, _ in keys})
    return {key: row for row in rows if (key := (row.category_id, row.currency)) in keys}


def _measure(
    due: Sequence[Key], kept: Mapping[Key, CategoryPriceLevel], now: datetime
) -> dict[Key, CategoryPriceLevel]:
    """Write the levels of what is due, in the order of its keys, and return them."""
    if not due:
        return {}
    measured = _measured(due)
    rows = {}
    for category_id, currency in due:
        found = measured.get((category_id, currency), _NOTHING)
        rows[category_id, currency] = CategoryPriceLevel(
            category_id=category_id,
            currency=currency,
            measured_at=now,
            **asdict(_settled(kept.get((category_id, currency)), found)),
        )
    CategoryPriceLevel.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["category", "currency"],
        update_fields=["median", "log_spread", "count", "measured_at"],
    )
    return rows


def _is_due(row: CategoryPriceLevel, now: datetime) -> bool:
    hold = next((hold for count, hold in _HOLDS if row.count < count), _LONGEST_HOLD)
    return now - row.measured_at >= hold


def _settled(row: CategoryPriceLevel | None, found: _Level) -> _Level:
    """Return what holds from now on: what held, where the level has hardly moved."""
    if row is None or not row.count or not found.count:
        return found
    has_moved = abs(math.log(found.median / row.median)) > MOVED or abs(found.log_spread - row.log_spread) > MOVED
    has_grown = max(found.count, row.count) > GROWN * min(found.count, row.count)
    return found if has_moved or has_grown else _Level(row.median, row.log_spread, row.count)


def _measured(keys: Collection[Key]) -> Mapping[Key, _Level]:
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS, [[category_id for category_id, _ in keys], [currency for _, currency in keys]])
        return {
            (category_id, currency): _Level(Decimal(f"{median:.4f}"), round(log_spread, 3), count)
            for category_id, currency, median, log_spread, count in cursor.fetchall()
        }
