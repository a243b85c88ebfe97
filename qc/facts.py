"""What the rules see of products, gathered from the database."""

from collections.abc import Iterable

from marketplace.models import Picture, Product
from qc.rules.contract import PictureFacts, ProductFacts

_PICTURE_COLUMNS = ("product_id", "error_code", "width_px", "height_px", "size_bytes", "media_type", "sha256")


def facts_of(products: Iterable[Product]) -> dict[int, ProductFacts]:
    """Return the facts of products by id; their sellers should be loaded with them."""
    products = list(products)
    pictures: dict[int, list[PictureFacts]] = {product.pk: [] for product in products}
    rows = Picture.objects.filter(product__in=list(pictures)).order_by("product_id", "position")
    for product_id, *columns in rows.values_list(*_PICTURE_COLUMNS):
        pictures[product_id].append(PictureFacts(*columns))
    return {
        product.pk: ProductFacts(
            title=product.title,
            description=product.description,
            price=None if product.price is None else product.price.normalize(),
            currency=product.currency,
            list_price=None if product.list_price is None else product.list_price.normalize(),
            brand=product.brand,
            gtin=product.gtin,
            sku=product.sku,
            availability=product.availability,
            pictures=tuple(pictures[product.pk]),
            not_carried=tuple(product.not_carried),
            seller_phone=product.seller.phone,
            duplicate_of=product.duplicate_of_id,
        )
        for product in products
    }
