"""Duplicates: products of one seller that say the same; the first of them is the original.

Two GTINs are two products, however alike their texts: each trade item has its own (GS1 General Specifications, 2.1).
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection
from django.db.models import Q

from marketplace.models import Product


@dataclass(frozen=True, slots=True, order=True)
class Content:
    """What a seller's product says, as a hash."""

    seller_id: int
    sha256: str


def lock_contents(contents: Collection[Content]) -> None:
    """Hold these contents until the transaction ends; before any row is written, or two batches may deadlock."""
    keys = [f"{content.seller_id}:{content.sha256}" for content in contents]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(key) FROM (SELECT DISTINCT hashtextextended(name, 0) AS key"
            " FROM unnest(%s::text[]) AS name ORDER BY key) AS keys",
            [keys],
        )


def link_duplicates(contents: Collection[Content]) -> dict[int, int | None]:
    """Say of each product with one of these contents which it copies: the first with the same that is not gone.

    One with another GTIN is no copy.
    Runs in the transaction that holds the contents' locks. Returns the products for which that has changed,
    with what they copy now.
    """
    if not contents:
        return {}
    hashes: dict[int, set[str]] = defaultdict(set)
    for content in contents:
        hashes[content.seller_id].add(content.sha256)
    same = Q()
    for seller_id, its_hashes in hashes.items():
        same |= Q(seller_id=seller_id, content_hash__in=its_hashes)
    rows = (
        Product.objects.filter(same)
        .exclude(status=Product.Status.GONE)
        .order_by("pk")
        .only("pk", "seller_id", "content_hash", "gtin", "duplicate_of_id")
    )
    originals: dict[Content, list[Product]] = defaultdict(list)
    changed: dict[int, int | None] = {}
    relinked: list[Product] = []
    for row in rows:
        alike = originals[Content(row.seller_id, row.content_hash)]
        copied = next((original.pk for original in alike if _may_be_one(original.gtin, row.gtin)), None)
        if copied is None:
            alike.append(row)
        if row.duplicate_of_id != copied:
            row.duplicate_of_id = copied
            changed[row.pk] = copied
            relinked.append(row)
    Product.objects.bulk_update(relinked, ["duplicate_of"])
    return changed


def _may_be_one(gtin: str, other: str) -> bool:
    return not gtin or not other or gtin == other
