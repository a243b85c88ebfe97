"""The language of a shop: that of most of its descriptions, and none where it has two."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.models import Product, Seller
from qc.models import ShopLanguage
from qc.shop_languages import languages_of_shops
from tests.marketplace.factories import make_product, make_seller

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
GERMAN = "Diese Lampe aus Messing und Leinen ist vierzig Zentimeter hoch und gibt ein warmes Licht für den Abend."
ENGLISH = "This lamp of brass and linen is forty centimetres high and gives a warm light for the whole evening."


@pytest.fixture
def seller() -> Seller:
    return make_seller()


def describe(seller: Seller, text: str, count: int) -> None:
    for _ in range(count):
        make_product(seller, description=text)


def language(seller: Seller, *, after: timedelta = timedelta(0)) -> str:
    return languages_of_shops({seller.pk}, may_measure=True, now=NOW + after)[seller.pk]


def test_the_language_is_that_of_most_descriptions(seller: Seller) -> None:
    describe(seller, GERMAN, 10)
    describe(seller, ENGLISH, 2)
    describe(seller, "Lampe", 30)

    assert language(seller) == "de"
    assert ShopLanguage.objects.get().texts == 12


def test_a_shop_in_two_languages_has_none(seller: Seller) -> None:
    describe(seller, GERMAN, 10)
    describe(seller, ENGLISH, 8)

    assert language(seller) == ""


def test_a_few_descriptions_tell_no_language(seller: Seller) -> None:
    describe(seller, GERMAN, 9)

    assert language(seller) == ""


def test_what_was_measured_holds_for_a_while(seller: Seller) -> None:
    assert languages_of_shops({seller.pk}) == {seller.pk: ""}
    assert ShopLanguage.objects.count() == 0
    describe(seller, GERMAN, 10)
    assert language(seller) == "de"
    Product.objects.update(description=ENGLISH)

    assert language(seller, after=timedelta(minutes=9)) == "de"
    assert language(seller, after=timedelta(minutes=10)) == "en"
