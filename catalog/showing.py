"""Which products buyers may see, and with what."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import JSONField, QuerySet

from marketplace.models import Category, Picture, Product, Seller

# What the reading of catalogs notes down and no buyer sees; some of it is long.
UNSHOWN = ("evidence", "reasons", "not_carried", "picture_addresses", "edits", "unedited")
_COLUMNS = [field.attname for field in Product._meta.concrete_fields if field.name not in UNSHOWN]
_JSON_PLACES = [i for i, name in enumerate(_COLUMNS) if isinstance(Product._meta.get_field(name), JSONField)]
_CATEGORY_COLUMNS = ["id", "name", "path"]
_PICTURE_COLUMNS = [field.attname for field in Picture._meta.concrete_fields]
# One query and no compiling: the ORM's four took 5 ms of a cached search's 8 (CPU, November 2026).
_CARDS = f"""
SELECT seller.name,
       (SELECT jsonb_agg(jsonb_build_array(category.id, category.name, category.path) ORDER BY category.path)
          FROM marketplace_productcategory link JOIN marketplace_category category ON category.id = link.category_id
         WHERE link.product_id = product.id),
       (SELECT jsonb_agg(jsonb_build_array({", ".join(_PICTURE_COLUMNS)}) ORDER BY position)
          FROM marketplace_picture WHERE product_id = product.id AND status = 'ready'),
       {", ".join(f"product.{column}" for column in _COLUMNS)}
  FROM marketplace_product product JOIN marketplace_seller seller ON seller.id = product.seller_id
 WHERE product.id = ANY(%s) AND product.status = 'live' AND seller.status = 'active'
"""  # noqa: S608 names of our own


def searchable_products() -> QuerySet[Product]:
    """Find the products that buyers may see."""
    return Product.objects.filter(status=Product.Status.LIVE, seller__status=Seller.Status.ACTIVE)


def shown_products(product_ids: Iterable[int]) -> dict[int, Product]:
    """Read those of the products that buyers may see, by id, with all that a page shows of them.

    Their categories and ready pictures are read already; of the seller it knows id and name alone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CARDS, [list(product_ids)])
        products = [_product(*row) for row in cursor.fetchall()]
    return {product.pk: product for product in products}


def _product(seller_name: str, categories: str | None, pictures: str | None, *columns: Any) -> Product:
    values = list(columns)
    for place in _JSON_PLACES:  # Django has psycopg leave JSON as text
        values[place] = json.loads(values[place])
    product = Product.from_db("default", _COLUMNS, values)
    product.seller = Seller.from_db("default", ["id", "name"], [product.seller_id, seller_name])
    product._prefetched_objects_cache = {  # type: ignore[attr-defined]
        "categories": [Category.from_db("default", _CATEGORY_COLUMNS, it) for it in json.loads(categories or "[]")],
        "pictures": [Picture.from_db("default", _PICTURE_COLUMNS, it) for it in json.loads(pictures or "[]")],
    }
    return product
