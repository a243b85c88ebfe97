"""Near-duplicates: products of one seller that have the same title and, to the eye, the same picture.

Products that differ in price, SKU or GTIN are never the same, whatever they look like; nor are two whose pictures have
other colours, though their hash, which is of grey pixels, is the same.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet
from django.db.models.functions import Lower

from catalog.duplicates import Content, lock_contents, says_the_same
from catalog.likeness import is_near, title_key
from marketplace.models import Picture, Product


@dataclass(frozen=True, slots=True)
class _Look:
    """A product with its first picture."""

    product: Product
    picture: Picture


def lock_titles(product_ids: Collection[int]) -> None:
    """Hold the titles of these products until the transaction ends; before any row is written."""
    rows = Product.objects.filter(pk__in=product_ids).values_list("seller_id", "title")
    lock_contents({Content(seller_id, title_key(title), kind="title") for seller_id, title in rows})


def link_near_duplicates(product_ids: Collection[int]) -> dict[int, int | None]:
    """Say of these products, whose pictures were just stored, which they copy: the first that is not gone.

    Runs in the transaction that holds the titles' locks. Products that copy another by their content are left as they
    are. Returns the products for which that has changed, with what they copy now.
    """
    groups = _groups_of(product_ids)
    changed: dict[int, int | None] = {}
    relinked: list[Product] = []
    for looks in groups:
        originals: list[_Look] = []
        for look in looks:
            product = look.product
            if _copies_content(product):
                continue
            original = next((first for first in originals if _are_near(first, look)), None)
            copied = original.product.pk if original else None
            if original is None:
                originals.append(look)
            if product.duplicate_of_id != copied:
                product.duplicate_of_id = copied
                changed[product.pk] = copied
                relinked.append(product)
    Product.objects.bulk_update(sorted(relinked, key=lambda product: product.pk), ["duplicate_of"])
    return changed


def _are_near(first: _Look, second: _Look) -> bool:
    return is_near(first.product, second.product, first.picture, second.picture)


def _groups_of(product_ids: Collection[int]) -> list[list[_Look]]:
    """Return the products that share a seller and a title with one of these, by title; the first ones first."""
    own = Product.objects.filter(pk__in=product_ids).values_list("seller_id", "title")
    wanted: dict[int, set[str]] = defaultdict(set)
    for seller_id, title in own:
        if title:
            wanted[seller_id].add(title)
    groups: dict[tuple[int, str], list[Product]] = defaultdict(list)
    for seller_id, titles in wanted.items():
        for row in _titled(seller_id, titles):
            groups[seller_id, title_key(row.title)].append(row)
    several = [rows for rows in groups.values() if len(rows) > 1 or rows[0].duplicate_of_id is not None]
    pictures = _first_pictures(row.pk for rows in several for row in rows)
    return [[_Look(row, pictures[row.pk]) for row in rows if row.pk in pictures] for rows in several]


def _titled(seller_id: int, titles: Iterable[str]) -> QuerySet[Product]:
    rows = Product.objects.annotate(lowered=Lower("title")).exclude(status=Product.Status.GONE)
    lowered = {title.lower() for title in titles}
    return rows.filter(seller_id=seller_id, lowered__in=lowered).select_related("duplicate_of").order_by("pk")


def _first_pictures(product_ids: Iterable[int]) -> dict[int, Picture]:
    rows = Picture.objects.filter(product_id__in=set(product_ids), position=0, status=Picture.Status.READY)
    return {row.product_id: row for row in rows}


def _copies_content(product: Product) -> bool:
    """Tell whether a product copies one that says the very same."""
    original = product.duplicate_of
    return original is not None and says_the_same(original, product)
