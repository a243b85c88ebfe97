"""The language of a seller's catalog: measured now and then on some of its descriptions, and kept."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models.functions import Length
from django.utils import timezone

from marketplace.models import Product
from qc.models import ShopLanguage
from qc.rules.languages import LEAST_LETTERS, language_of

SAMPLE = 50
LEAST_TEXTS = 10
# A catalog in two languages has none that the others should be in.
MAJORITY = 0.7
_HOLD_OF_FEW, _HOLD = timedelta(minutes=10), timedelta(days=1)


def languages_of_shops(
    seller_ids: Collection[int], *, may_measure: bool = False, now: datetime | None = None
) -> dict[int, str]:
    """Return the languages of sellers' catalogs, ISO 639-1; "" where none is clear.

    Args:
        seller_ids: the sellers.
        may_measure: measure first what is missing, or has held long enough; the first time loads a model.
        now: in place of the clock.
    """
    rows = {row.seller_id: row for row in ShopLanguage.objects.filter(seller__in=seller_ids)}
    if may_measure:
        now = timezone.now() if now is None else now
        due = [pk for pk in sorted(seller_ids) if pk not in rows or _is_due(rows[pk], now)]
        rows |= {pk: _measure(pk, now) for pk in due}
    return {pk: rows[pk].language if pk in rows else "" for pk in seller_ids}


def _is_due(row: ShopLanguage, now: datetime) -> bool:
    return now - row.measured_at >= (_HOLD if row.texts >= SAMPLE else _HOLD_OF_FEW)


def _measure(seller_id: int, now: datetime) -> ShopLanguage:
    language, texts = _measured(seller_id)
    row, _ = ShopLanguage.objects.update_or_create(
        seller_id=seller_id, defaults={"language": language, "texts": texts, "measured_at": now}
    )
    return row


def _measured(seller_id: int) -> tuple[str, int]:
    """Return the language of most of a seller's first descriptions, and how many told theirs."""
    rows = Product.objects.filter(seller=seller_id).exclude(status=Product.Status.GONE)
    long_enough = rows.annotate(length=Length("description")).filter(length__gte=LEAST_LETTERS)
    texts = long_enough.order_by("pk").values_list("description", flat=True)[:SAMPLE]
    found = Counter(language for text in texts if (language := language_of(text)))
    if found.total() < LEAST_TEXTS:
        return "", found.total()
    ((language, count),) = found.most_common(1)
    return (language if count >= MAJORITY * found.total() else ""), found.total()
