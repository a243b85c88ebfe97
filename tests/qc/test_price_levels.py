"""Price levels: measured now and then, and steady while the catalog hardly moves."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from marketplace.models import Category, Product, ProductCategory
from qc.models import CategoryPriceLevel
from qc.price_levels import prices_of_categories
from qc.rules.contract import CategoryPrices
from tests.marketplace.factories import make_category, make_product, make_seller

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def category() -> Category:
    return make_category(make_seller(), "Lamps")


def stock(category: Category, prices: Sequence[float], currency: str = "EUR", **fields: object) -> None:
    for price in prices:
        product = make_product(category.seller, price=Decimal(str(price)), currency=currency, **fields)
        ProductCategory.objects.create(product=product, category=category)


def measured(category: Category, *, after: timedelta = timedelta(0), currency: str = "EUR") -> CategoryPrices | None:
    key = (category.pk, currency)
    return prices_of_categories({key}, may_measure=True, now=NOW + after).get(key)


def test_a_level_is_of_one_currency_and_of_what_is_sold(category: Category) -> None:
    stock(category, [10, 20, 40])
    stock(category, [9000], currency="JPY")
    stock(category, [1, 1, 1], status="gone")
    stock(category, [1, 1, 1], status="rejected")
    stock(category, [0])

    level = measured(category)

    assert level is not None
    assert (level.median, level.count) == (Decimal(20), 2)
    assert measured(category, currency="USD") is None


def test_nothing_is_measured_unless_it_may_be(category: Category) -> None:
    stock(category, [10, 20, 40])

    assert prices_of_categories({(category.pk, "EUR")}) == {}
    assert CategoryPriceLevel.objects.count() == 0


@pytest.mark.parametrize(("count", "hold"), [(5, timedelta(minutes=1)), (30, timedelta(hours=1))])
def test_a_level_holds_the_longer_the_more_prices_it_has(category: Category, count: int, hold: timedelta) -> None:
    stock(category, [10] * count)
    assert measured(category) == CategoryPrices(Decimal(10), 0.0, count - 1)
    stock(category, [50] * count * 2)

    assert measured(category, after=hold - timedelta(seconds=1)) == CategoryPrices(Decimal(10), 0.0, count - 1)
    assert measured(category, after=hold) == CategoryPrices(Decimal(50), 0.0, 3 * count - 1)


def test_a_level_that_hardly_moved_stays_as_it_was(category: Category) -> None:
    stock(category, range(10, 31))
    before = measured(category)
    Product.objects.update(price=F("price") * Decimal("1.03"))
    stock(category, [20])

    assert measured(category, after=timedelta(hours=2)) == before

    Product.objects.update(price=F("price") * Decimal("1.1"))
    after = measured(category, after=timedelta(hours=4))
    assert after is not None
    assert after.median == pytest.approx(Decimal("22.33"), abs=Decimal("0.01"))


def test_a_category_without_prices_is_not_measured_at_every_turn(category: Category) -> None:
    assert measured(category) is None
    assert CategoryPriceLevel.objects.get().measured_at == NOW
    stock(category, [10, 10])

    assert measured(category, after=timedelta(seconds=59)) is None
    assert measured(category, after=timedelta(seconds=60)) == CategoryPrices(Decimal(10), 0.0, 1)
