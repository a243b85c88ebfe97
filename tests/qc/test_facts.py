"""Facts: what the rules see of a product and of what stands around it, in a number of queries that does not grow."""

from decimal import Decimal
from typing import Any

import pytest

from marketplace.models import Category, Picture, Product, ProductCategory, Seller
from qc.facts import facts_of
from qc.models import CategoryPriceLevel, ShopLanguage
from qc.rules.contract import ProductFacts
from qc.verdicts import judge_products, record_judgements
from tests.marketplace.factories import make_category, make_product, make_seller

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return make_seller()


def file_in(product: Product, category: Category) -> None:
    ProductCategory.objects.create(product=product, category=category)


def facts(product: Product, **options: Any) -> ProductFacts:
    return facts_of([Product.objects.select_related("seller").get(pk=product.pk)], **options)[product.pk]


def test_what_was_measured_of_a_picture_is_seen(seller: Seller) -> None:
    product = make_product(seller)
    Picture.objects.create(
        product=product, status="ready", width_px=700, height_px=600, sharpness=0.4, contrast=12.5, frame_share=0.1,
        is_animated=True,
    )  # fmt: skip
    Picture.objects.create(product=product, position=1, status="ready", width_px=700, height_px=600)

    measured, unmeasured = facts(product).pictures

    assert (measured.sharpness, measured.contrast, measured.frame_share) == (0.4, 12.5, 0.1)
    assert measured.is_animated is True
    assert (unmeasured.sharpness, unmeasured.contrast, unmeasured.frame_share, unmeasured.is_animated) == (None,) * 4


def test_a_category_of_goods_comes_before_one_of_offers(seller: Seller) -> None:
    product = make_product(seller)
    for path, kind in (("Sale", "featured"), ("Shop > Lamps", "product"), ("Shop > Lights", "product")):
        category = make_category(seller, path)
        Category.objects.filter(pk=category.pk).update(kind=kind)
        file_in(product, category)

    assert facts(product).category_path == "Shop > Lamps"


def test_a_trail_on_the_page_stands_for_a_category(seller: Seller) -> None:
    assert facts(make_product(seller, breadcrumbs=["Home", "Lamps"])).category_path == "Home > Lamps"


def test_a_seller_without_categories_has_no_place_for_them(seller: Seller) -> None:
    product = make_product(seller, not_carried=["price"])
    assert facts(product).not_carried == ("price", "categories")

    make_category(seller, "Lamps")
    assert facts(product).not_carried == ("price",)


def test_the_prices_of_the_category_are_those_of_the_others(seller: Seller) -> None:
    category = make_category(seller, "Lamps")
    products = [make_product(seller, price=price, currency="EUR") for price in (10, 20, 40)]
    for product in products:
        file_in(product, category)
    make_product(seller, price=999, currency="EUR")

    assert facts(products[0]).category_prices is None
    level = facts(products[0], may_measure=True).category_prices

    assert level is not None
    assert (level.median, level.count) == (Decimal(20), 2)
    assert level.log_spread == pytest.approx(1.4826 * 0.6931, abs=0.01)
    assert facts(products[1]).category_prices == level


def test_a_judgement_measures_what_stands_around_and_keeps_it(seller: Seller) -> None:
    product = make_product(seller, price=10, currency="EUR")
    file_in(product, make_category(seller, "Lamps"))

    judge_products([product.pk])

    assert CategoryPriceLevel.objects.get().count == 1
    assert ShopLanguage.objects.get().language == ""


def test_what_changes_around_a_product_does_not_have_it_judged_anew(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_product(seller, price=10, currency="EUR", status="pending", sku="A")
    second = make_product(seller, price=10, currency="EUR", status="pending", sku="A")
    judgements = judge_products([second.pk])
    assert judgements[second.pk].facts.same_sku_as == first.pk
    first.delete()
    monkeypatch.setattr("qc.verdicts.judge", None)

    record_judgements(judgements)

    assert second.verdicts.count() == 1


@pytest.mark.parametrize("count", [1, 30])
def test_the_number_of_queries_does_not_grow_with_the_products(
    seller: Seller, count: int, django_assert_num_queries: Any
) -> None:
    category = make_category(seller, "Lamps")
    for _ in range(count):
        product = make_product(seller, price=5, currency="EUR")
        file_in(product, category)
        Picture.objects.create(product=product, status="ready", perceptual_hash="0" * 16, sha256="a" * 64)
    products = list(Product.objects.select_related("seller"))

    with django_assert_num_queries(6):
        facts_of(products)
