"""What a product shares with its seller's other products: numbers, offer, and the picture that lists show.

Told of the later one, by id; the first with another title is named. What is shared with a product that comes to the
database later is told when that one is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from marketplace.models import HASH_SLICES, Product

# Of 64 bits of a perceptual hash, by which two pictures of one thing differ at most; see catalog.likeness. There are
# more HASH_SLICES than that: two such hashes have at least one in common, by which an index finds them.
MAX_BITS = 4
# Of 255, by which their average colours differ at most: the hash is of grey pixels, and goods come in several colours.
MAX_COLOUR = 6
# Pictures that share one slice and are looked at, the first ones: thousands share all of a placeholder's hash. To find
# 16 products' siblings costs 3 to 8 ms in a shop of 100,000 pictures; where all have one picture, 300 (Nov. 2026).
MOST_COMPARED = 1_000

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

_SLICE = """
    (SELECT product_id, perceptual_hash, average_colour, sha256
       FROM marketplace_picture
      WHERE seller_id = own.seller_id
        AND substring(perceptual_hash, {first}, {digits}) = substring(own.perceptual_hash, {first}, {digits})
        AND product_id < own.id AND position = 0 AND perceptual_hash <> ''
      ORDER BY product_id LIMIT %(most)s)"""
_APART = "abs(get_byte(decode(rpad({0}, 6, '0'), 'hex'), {2}) - get_byte(decode(rpad({1}, 6, '0'), 'hex'), {2}))"
_COLOURS = ("own.average_colour", "near.average_colour")

_LOOKING_THE_SAME = f"""
SELECT own.id, min(near.product_id) FILTER (WHERE near.sha256 = own.sha256), min(near.product_id)
  FROM (SELECT product.id, product.seller_id, lower(product.title) AS title,
               picture.perceptual_hash, picture.average_colour, picture.sha256
          FROM marketplace_product product
          JOIN marketplace_picture picture ON picture.product_id = product.id AND picture.position = 0
         WHERE product.id = ANY(%(products)s) AND picture.perceptual_hash <> '') own
 CROSS JOIN LATERAL ({" UNION".join(_SLICE.format(first=first, digits=digits) for first, digits in HASH_SLICES)}
 ) near
 CROSS JOIN LATERAL (SELECT status, title FROM marketplace_product WHERE id = near.product_id OFFSET 0) other
 WHERE bit_count(('x' || near.perceptual_hash)::bit(64) # ('x' || own.perceptual_hash)::bit(64)) <= %(bits)s
   AND ('' IN ({", ".join(_COLOURS)})
        OR greatest({", ".join(_APART.format(*_COLOURS, channel) for channel in range(3))}) <= %(colour)s)
   AND other.status <> 'gone' AND lower(other.title) <> own.title
 GROUP BY own.id
"""  # noqa: S608 names of our own


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
        wanted: dict[str, Any] = {"products": ids, "most": MOST_COMPARED, "bits": MAX_BITS, "colour": MAX_COLOUR}
        cursor.execute(_LOOKING_THE_SAME, wanted)
        for pk, picture, similar in cursor.fetchall():
            shared[pk] = replace(shared.get(pk, Shared()), picture=picture, similar_picture=similar)
    return shared
