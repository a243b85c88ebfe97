"""What a product shares with its seller's other products: numbers, offer, and the picture that lists show.

Told of the later one, by id; the first with another title is named. What is shared with a product that comes to the
database later is told when that one is judged.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.db import connection
from django.db.models.functions import Lower
from numpy.typing import NDArray

from marketplace.models import Picture, Product

# Of 64 bits of a perceptual hash, by which two pictures of one thing differ at most; see catalog.likeness.
MAX_BITS = 4
# Of 255, by which their average colours differ at most: the hash is of grey pixels, and goods come in several colours.
MAX_COLOUR = 6
# Pictures of a seller that one is compared with, the latest ones. They are read anew for each batch.
MOST_COMPARED = 10_000
_MOST_CANDIDATES = 20

_SHARED = """
SELECT product.id,
       CASE WHEN product.gtin <> '' THEN (
           SELECT other.id FROM marketplace_product other
            WHERE other.seller_id = product.seller_id AND other.gtin = product.gtin AND other.gtin <> ''
              AND other.id < product.id AND other.status <> 'gone' AND lower(other.title) <> lower(product.title)
            ORDER BY other.id LIMIT 1) END,
       CASE WHEN product.sku <> '' THEN (
           SELECT other.id FROM marketplace_product other
            WHERE other.seller_id = product.seller_id AND other.sku = product.sku AND other.sku <> ''
              AND other.id < product.id AND other.status <> 'gone' AND lower(other.title) <> lower(product.title)
            ORDER BY other.id LIMIT 1) END,
       CASE WHEN product.title <> '' AND product.price IS NOT NULL THEN (
           SELECT other.id FROM marketplace_product other
            WHERE other.seller_id = product.seller_id AND lower(other.title) = lower(product.title)
              AND other.title <> '' AND other.id < product.id AND other.status <> 'gone'
              AND other.price = product.price AND other.currency = product.currency
            ORDER BY other.id LIMIT 1) END
  FROM marketplace_product product
 WHERE product.id = ANY(%s)
"""

_FIRST_PICTURES = """
SELECT seller.id, string_agg(packed, '')
  FROM unnest(%s::bigint[]) AS seller (id)
 CROSS JOIN LATERAL (
    SELECT decode(picture.perceptual_hash || rpad(picture.average_colour, 6, '0')
                  || CASE WHEN picture.average_colour = '' THEN '00' ELSE '01' END, 'hex')
           || int8send(picture.product_id) AS packed
      FROM marketplace_product product
      JOIN marketplace_picture picture ON picture.product_id = product.id
     WHERE product.seller_id = seller.id AND product.id <= %s AND product.status <> 'gone'
       AND picture.position = 0 AND picture.perceptual_hash <> ''
     ORDER BY product.id DESC
     LIMIT %s
 ) AS first
 GROUP BY seller.id
"""
_PACKED = np.dtype([("hash", ">u8"), ("colour", "u1", 3), ("has_colour", "u1"), ("product", ">i8")])


@dataclass(frozen=True, slots=True)
class Shared:
    """Other products of the seller, by id, with which a product shares what it should not."""

    gtin: int | None = None
    sku: int | None = None
    offer: int | None = None
    picture: int | None = None
    similar_picture: int | None = None


def shared_by(products: Sequence[Product]) -> dict[int, Shared]:
    """Return what each product shares with an earlier one of its seller."""
    ids = [product.pk for product in products]
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, [ids])
        shared = {pk: Shared(gtin, sku, offer) for pk, gtin, sku, offer in cursor.fetchall()}
    for pk, (picture, similar) in _shared_pictures(products).items():
        shared[pk] = replace(shared.get(pk, Shared()), picture=picture, similar_picture=similar)
    return shared


def _shared_pictures(products: Sequence[Product]) -> dict[int, tuple[int | None, int | None]]:
    """Return with which earlier product each shares its very picture, and with which it shares nearly the same."""
    candidates = _alike(products)
    looks = _looks_of({pk for own, others in candidates.items() for pk in (own, *others)})
    found = {}
    for own, others in candidates.items():
        if own not in looks:  # deleted since
            continue
        title, sha256 = looks[own]
        untitled = [pk for pk in others if pk in looks and looks[pk][0] != title]
        same = next((pk for pk in untitled if looks[pk][1] == sha256), None)
        found[own] = same, next(iter(untitled), None)
    return found


def _alike(products: Sequence[Product]) -> dict[int, list[int]]:
    """Return the earlier products whose pictures look the same, the first ones first, by product that has any."""
    if not products:
        return {}
    wanted: dict[int, list[int]] = defaultdict(list)
    for product in products:
        wanted[product.seller_id].append(product.pk)
    latest = max(product.pk for product in products)
    found: dict[int, list[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_PICTURES, [list(wanted), latest, MOST_COMPARED])
        for seller_id, packed in cursor.fetchall():
            rows = np.frombuffer(packed, dtype=_PACKED)
            found |= _near(rows[np.argsort(rows["product"])], wanted[seller_id])
    return found


def _near(rows: NDArray[np.void], wanted: Collection[int]) -> dict[int, list[int]]:
    ids, hashes = rows["product"].astype(np.int64), rows["hash"].astype(np.uint64)
    found = {}
    for place in np.flatnonzero(np.isin(ids, list(wanted))):
        near = np.flatnonzero(np.bitwise_count(hashes[:place] ^ hashes[place]) <= MAX_BITS)
        if len(near):
            kept = near[_has_like_colour(rows[near], rows[place])][:_MOST_CANDIDATES]
            if len(kept):
                found[int(ids[place])] = ids[kept].tolist()
    return found


def _has_like_colour(rows: NDArray[np.void], own: np.void) -> NDArray[np.bool_]:
    """Tell of each row whether its colour is about the same; where one is not known, the hash decides."""
    apart = np.abs(rows["colour"].astype(np.int16) - own["colour"].astype(np.int16)).max(axis=1)
    unknown = (rows["has_colour"] == 0) | (own["has_colour"] == 0)
    return np.asarray(unknown | (apart <= MAX_COLOUR), dtype=np.bool_)


def _looks_of(product_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the title, in lower case, and the digest of the first picture of products."""
    if not product_ids:
        return {}
    rows = Picture.objects.filter(product__in=product_ids, position=0).annotate(title=Lower("product__title"))
    return {pk: (title, sha256) for pk, title, sha256 in rows.values_list("product_id", "title", "sha256")}
