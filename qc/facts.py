"""What the rules see of products, gathered from the database.

Two kinds: what the seller says of the product itself, and what stands around it (its siblings, its category's prices,
its shop's language). The latter is gathered once a judgement: it may change at any moment without the product's doing,
and to judge anew because of it would have no end.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from marketplace.models import Category, Picture, Product, ProductCategory
from qc.price_levels import Key, prices_of_categories
from qc.rules.contract import CategoryPrices, PictureFacts, ProductFacts
from qc.shop_languages import languages_of_shops
from qc.siblings import Shared, shared_by

_PICTURE_COLUMNS = (
    "product_id", "error_code", "width_px", "height_px", "size_bytes", "media_type", "sha256",
    "sharpness", "contrast", "frame_share", "is_animated",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filed:
    """Where a product is filed: its category, and whether its seller has categories at all."""

    category_id: int | None = None
    path: str = ""
    has_categories: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a product."""

    shop_language: str = ""
    shared: Shared = field(default_factory=Shared)
    category_prices: CategoryPrices | None = None


def facts_of(
    products: Iterable[Product], *, earlier: Mapping[int, ProductFacts] | None = None, may_measure: bool = False
) -> dict[int, ProductFacts]:
    """Return the facts of products by id; their sellers should be loaded with them.

    Args:
        products: in any order.
        earlier: facts of the same products; what stands around the products is then taken from these.
        may_measure: measure anew what is kept of categories and shops, where it is missing or has held long enough.
    """
    products = list(products)
    pictures, filed = _pictures_of(products), _filed(products)
    if earlier is None:
        around = _surroundings_of(products, filed, may_measure=may_measure)
    else:
        around = {product.pk: _surroundings_in(earlier[product.pk]) for product in products}
    return {
        product.pk: _facts(product, tuple(pictures[product.pk]), filed[product.pk], around[product.pk])
        for product in products
    }


def _facts(product: Product, pictures: tuple[PictureFacts, ...], filed: Filed, around: Surroundings) -> ProductFacts:
    not_carried = tuple(product.not_carried)
    return ProductFacts(
        title=product.title,
        description=product.description,
        price=None if product.price is None else product.price.normalize(),
        currency=product.currency,
        list_price=None if product.list_price is None else product.list_price.normalize(),
        brand=product.brand,
        gtin=product.gtin,
        sku=product.sku,
        availability=product.availability,
        category_path=filed.path,
        pictures=pictures,
        not_carried=not_carried if filed.has_categories else (*not_carried, "categories"),
        seller_phone=product.seller.phone,
        shop_language=around.shop_language,
        duplicate_of=product.duplicate_of_id,
        same_picture_as=around.shared.picture,
        similar_picture_as=around.shared.similar_picture,
        same_gtin_as=around.shared.gtin,
        same_sku_as=around.shared.sku,
        same_offer_as=around.shared.offer,
        category_prices=around.category_prices,
    )


def _pictures_of(products: Collection[Product]) -> dict[int, list[PictureFacts]]:
    pictures: dict[int, list[PictureFacts]] = {product.pk: [] for product in products}
    rows = Picture.objects.filter(product__in=list(pictures)).order_by("product_id", "position")
    for product_id, *columns in rows.values_list(*_PICTURE_COLUMNS):
        pictures[product_id].append(PictureFacts(*columns))
    return pictures


def _filed(products: Collection[Product]) -> dict[int, Filed]:
    """Return where products are filed: in a category of goods sooner than in one such as "Sale" or "Women"."""
    links: dict[int, list[tuple[bool, int, int, str]]] = defaultdict(list)
    rows = ProductCategory.objects.filter(product__in=[product.pk for product in products])
    columns = ("product_id", "pk", "category_id", "category__path", "category__kind")
    for product_id, pk, category_id, path, kind in rows.values_list(*columns):
        links[product_id].append((kind not in ("", "product"), pk, category_id, path))
    first = {product_id: min(found) for product_id, found in links.items()}
    sellers = {product.seller_id for product in products}
    unfiled = {product.seller_id for product in products if product.pk not in first}
    with_categories = sellers - unfiled
    if unfiled:
        with_categories |= set(
            Category.objects.filter(seller__in=unfiled).values_list("seller_id", flat=True).distinct()
        )
    return {
        product.pk: Filed(
            category_id=first[product.pk][2] if product.pk in first else None,
            path=first[product.pk][3] if product.pk in first else " > ".join(map(str, product.breadcrumbs)),
            has_categories=product.seller_id in with_categories,
        )
        for product in products
    }


def _price_keys(products: Iterable[Product], filed: Mapping[int, Filed]) -> dict[int, Key]:
    return {
        product.pk: (category_id, product.currency)
        for product in products
        if product.price is not None and (category_id := filed[product.pk].category_id) is not None
    }


def _surroundings_of(
    products: Sequence[Product], filed: Mapping[int, Filed], *, may_measure: bool
) -> dict[int, Surroundings]:
    languages = languages_of_shops({product.seller_id for product in products}, may_measure=may_measure)
    keys = _price_keys(products, filed)
    prices = prices_of_categories(set(keys.values()), may_measure=may_measure)
    shared = shared_by(products)
    return {
        product.pk: Surroundings(
            shop_language=languages[product.seller_id],
            shared=shared.get(product.pk, Shared()),
            category_prices=prices.get(keys[product.pk]) if product.pk in keys else None,
        )
        for product in products
    }


def _surroundings_in(facts: ProductFacts) -> Surroundings:
    return Surroundings(
        shop_language=facts.shop_language,
        shared=Shared(
            gtin=facts.same_gtin_as,
            sku=facts.same_sku_as,
            offer=facts.same_offer_as,
            picture=facts.same_picture_as,
            similar_picture=facts.similar_picture_as,
        ),
        category_prices=facts.category_prices,
    )
