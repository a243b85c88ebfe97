"""Duplicates: products of one seller that say the same, or that name the same address as theirs.

The first of them is the original.

Two GTINs are two products, however alike their texts: each trade item has its own (GS1 General Specifications, 2.1).
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from django.db import connection
from django.db.models import Q, QuerySet

from catalog.likeness import is_near, title_key
from marketplace.models import Picture, Product

_LONG = ("description", "variants", "evidence", "breadcrumbs", "picture_addresses", "reasons")


@dataclass(frozen=True, slots=True, order=True)
class Content:
    """What two products of a seller may have in common: what they say, as a hash, or the address that they name."""

    seller_id: int
    sha256: str  # the address itself where the kind is "address", the title where it is "title"
    kind: str = "content"
    title: str = ""  # in which products must agree that name one address: some shops name the same for several


def lock_contents(contents: Collection[Content]) -> None:
    """Hold these contents until the transaction ends; before any row is written, or two batches may deadlock."""
    kinds = {"content": "", "address": "address:", "title": "title:"}
    keys = [f"{content.seller_id}:{kinds[content.kind]}{content.sha256}" for content in contents]
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
    originals: dict[Content, list[Product]] = defaultdict(list)
    changed: dict[int, int | None] = {}
    relinked: list[Product] = []
    for row in _rows_with(contents):
        own = [content for content in _contents_of(row) if replace(content, title="") in contents]
        alike = {
            first.pk: first for content in own for first in originals[content] if _may_be_one(first.gtin, row.gtin)
        }
        original = alike[min(alike)] if alike else row
        for content in own:  # who is like a copy is a copy of the same original
            if original not in originals[content]:
                originals[content].append(original)
        copied = None if original is row else original.pk
        if copied is None and row.duplicate_of is not None and _still_copies(row, row.duplicate_of):
            continue  # by what this call is not about
        if row.duplicate_of_id != copied:
            row.duplicate_of_id = copied
            changed[row.pk] = copied
            relinked.append(row)
    Product.objects.bulk_update(relinked, ["duplicate_of"])
    return changed


def _rows_with(contents: Collection[Content]) -> QuerySet[Product]:
    same = Q(pk__in=[])
    for seller_id in {content.seller_id for content in contents}:
        own = [content for content in contents if content.seller_id == seller_id]
        same |= Q(seller_id=seller_id, content_hash__in=[it.sha256 for it in own if it.kind == "content"])
        addresses = [it.sha256 for it in own if it.kind == "address"]
        if addresses:
            same |= Q(seller_id=seller_id, canonical_address__in=addresses)
    rows = Product.objects.filter(same).exclude(status=Product.Status.GONE).select_related("duplicate_of")
    return rows.defer(*_LONG, *(f"duplicate_of__{name}" for name in _LONG)).order_by("pk")


def says_the_same(first: Product, second: Product) -> bool:
    """Tell whether two products have the same content, or the same title and name the same address as theirs."""
    if not _may_be_one(first.gtin, second.gtin):
        return False
    if first.content_hash and first.content_hash == second.content_hash:
        return True
    is_one_address = bool(first.canonical_address) and first.canonical_address == second.canonical_address
    return is_one_address and title_key(first.title) == title_key(second.title)


def _still_copies(row: Product, original: Product) -> bool:
    if original.status == Product.Status.GONE:
        return False
    if says_the_same(original, row):
        return True
    first, second = (it.pictures.filter(position=0, status=Picture.Status.READY).first() for it in (original, row))
    return first is not None and second is not None and is_near(original, row, first, second)


def _contents_of(row: Product) -> list[Content]:
    found = [Content(row.seller_id, row.content_hash)]
    if row.canonical_address:
        found.append(Content(row.seller_id, row.canonical_address, kind="address", title=title_key(row.title)))
    return found


def _may_be_one(gtin: str, other: str) -> bool:
    return not gtin or not other or gtin == other
