"""Listings: which stored product a listed one is."""

import pytest

from catalog.listings import _known_rows
from catalog.sources.source import ListedProduct
from marketplace.models import Product, Seller
from tests.catalog.products import make_seller

LAMP = "https://shop.example/products/lamp"


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


def stored(seller: Seller, external_id: str, address: str = LAMP) -> Product:
    return Product.objects.create(seller=seller, external_id=external_id, address=address)


def known(seller: Seller, *listed: ListedProduct) -> dict[str, int]:
    rows = _known_rows(seller.pk, {product.external_id: product for product in listed})
    return {key: row.pk for key, row in rows.items()}


def test_a_product_stored_by_its_alias_takes_its_own_id(seller: Seller) -> None:
    row = stored(seller, "shopify:@lamp")

    assert known(seller, ListedProduct("shopify:7", LAMP, alias="shopify:@lamp")) == {"shopify:7": row.pk}
    row.refresh_from_db()
    assert row.external_id == "shopify:7"


def test_a_product_listed_by_its_address_keeps_its_id(seller: Seller) -> None:
    row = stored(seller, "shopify:7")

    assert known(seller, ListedProduct("shopify:@lamp", LAMP, alias="shopify:@lamp")) == {"shopify:@lamp": row.pk}
    row.refresh_from_db()
    assert row.external_id == "shopify:7"


def test_a_product_with_an_id_of_its_own_is_never_found_by_its_alias_or_address(seller: Seller) -> None:
    other, row = stored(seller, "shopify:@lamp"), stored(seller, "shopify:7")

    assert known(seller, ListedProduct("shopify:7", LAMP, alias="shopify:@lamp")) == {"shopify:7": row.pk}
    other.refresh_from_db()
    assert other.external_id == "shopify:@lamp"


@pytest.mark.parametrize("external_id", ["whatsapp:7", "shop:7", "shopify2:7"])
def test_another_sources_product_at_the_same_address_is_another(seller: Seller, external_id: str) -> None:
    stored(seller, external_id)

    assert known(seller, ListedProduct("shopify:@lamp", LAMP, alias="shopify:@lamp")) == {}
    assert known(seller, ListedProduct("shopify:7", LAMP)) == {}


def test_another_sellers_product_is_another(seller: Seller) -> None:
    stored(make_seller("Other"), "shopify:7")

    assert known(seller, ListedProduct("shopify:@lamp", LAMP, alias="shopify:@lamp")) == {}
