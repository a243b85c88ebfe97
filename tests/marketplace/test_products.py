"""Prices as text, and filters."""

from decimal import Decimal

import pytest

from marketplace.models import Seller
from marketplace.money import Money
from marketplace.products import amount_text, matching_products, price_text, products_of
from tests.marketplace.factories import make_category, make_product, make_seller, make_sync


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1299.0000", "1299"),
        ("129.9000", "129.90"),
        ("0.5", "0.50"),
        ("1.2345", "1.2345"),
        ("1E+3", "1000"),
        ("0", "0"),
    ],
)
def test_amounts_are_written_as_people_do(amount: str, text: str) -> None:
    assert amount_text(Money(amount=Decimal(amount), currency="KES", raw="")) == text


def test_a_price_without_a_currency_names_none(seller: Seller) -> None:
    assert price_text(make_product(seller, price=Decimal("5.5"))) == "5.50"
    assert price_text(make_product(seller, price=Decimal(5), currency="KWD")) == "5 KWD"
    assert price_text(make_product(seller, price_raw="on request")) == "on request"


def test_filters_narrow_down_and_empty_ones_do_not(seller: Seller) -> None:
    sync = make_sync(seller)
    lamp = make_product(seller, title="Brass lamp", sku="B-1", last_sync=sync)
    lamp.categories.add(make_category(seller, "Home > Lamps"), make_category(seller, "Home > Lamps > Desk lamps"))
    chair = make_product(seller, title="Chair", status="rejected", external_id="whatsapp:chair")
    make_product(make_seller(), title="Brass lamp of another")
    own = products_of(seller)
    assert list(matching_products(own)) == [chair, lamp]
    assert list(matching_products(own, status="rejected")) == [chair]
    assert list(matching_products(own, category="lamps")) == [lamp]
    assert list(matching_products(own, category="home > lamps")) == [lamp]
    assert list(matching_products(own, q="BRASS")) == [lamp]
    assert list(matching_products(own, q="b-1")) == [lamp]
    assert list(matching_products(own, q="whatsapp:chair")) == [chair]
    assert list(matching_products(own, sync=sync.pk)) == [lamp]
    assert list(matching_products(own, q="lamp", status="rejected")) == []
