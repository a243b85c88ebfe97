"""What a feed's prices mean."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from catalog.feeds.prices import Prices, read_prices

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
INSIDE = "2024-05-01T00:00+0200/2024-07-01T00:00+0200"
OUTSIDE = "2023-05-01/2023-07-01"


def prices(*, is_dotted: bool = False, **values: Any) -> Prices:
    return read_prices(values, is_dotted=is_dotted, now=NOW)


@pytest.mark.parametrize(
    ("value", "amount", "currency"),
    [
        ("12.99 USD", "12.99", "USD"),
        ("12.99USD", "12.99", "USD"),
        ("USD 12.99", "12.99", "USD"),
        ("12 EUR", "12", "EUR"),
        ("1,299.00 USD", "1299", "USD"),
        ("1.299,00 EUR", "1299", "EUR"),
        ("12,50 EUR", "12.50", "EUR"),
        ("12.50", "12.50", ""),
        ("€ 12,50", "12.50", "EUR"),
        ("$12.50", "12.50", ""),  # whose dollar is not said
        ("9990000.00 VND", "9990000", "VND"),
        ("0", "0", ""),
        (12, "12", ""),
        (Decimal("0.1"), "0.1", ""),
        ({"amount": "12.99", "currency": "usd"}, "12.99", "USD"),
        ({"value": 5, "currencyCode": "EUR"}, "5", "EUR"),
    ],
)
def test_a_price_is_an_amount_and_the_currency_that_is_said(value: object, amount: str, currency: str) -> None:
    found = prices(price=value)
    assert found.current is not None
    assert (found.current.amount, found.current.currency) == (Decimal(amount), currency)
    assert found.faults == ()


@pytest.mark.parametrize(
    "value", ["call us", "-5", "-5.00 EUR", "1e400", Decimal("1e20"), "12 ABC", True, "n/a", "1/2"]
)
def test_what_is_no_price_is_noted(value: object) -> None:
    found = prices(price=value)
    assert found.current is None
    assert [fault.code for fault in found.faults] == ["feed.bad_price"]


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_no_price_is_no_fault(value: object) -> None:
    assert prices(price=value) == Prices(None, None, "", ())


def test_a_dot_before_three_digits_is_read_as_the_kind_of_feed_prescribes() -> None:
    dotted = prices(price="1.234", is_dotted=True).current
    undotted = prices(price="1.234", currency="EUR").current
    assert dotted is not None
    assert undotted is not None
    assert (dotted.amount, undotted.amount) == (Decimal("1.234"), Decimal(1234))


@pytest.mark.parametrize(
    ("values", "current", "former"),
    [
        ({"price": "20 USD"}, "20", None),
        ({"price": "20 USD", "sale_price": "15 USD"}, "15", "20"),
        ({"price": "20 USD", "sale_price": "15 USD", "sale_window": INSIDE}, "15", "20"),
        ({"price": "20 USD", "sale_price": "15 USD", "sale_window": OUTSIDE}, "20", None),
        ({"price": "20 USD", "sale_price": "15 USD", "sale_window": "soon"}, "20", None),
        ({"price": "20 USD", "sale_price": "25 USD"}, "20", None),
        ({"price": "20 USD", "sale_price": "15 EUR"}, "20", None),
        ({"price": "20 USD", "sale_price": "15 USD", "sale_starts": "2024-06-02"}, "20", None),
        ({"price": "20 USD", "sale_price": "15 USD", "sale_ends": "2024-06-01"}, "15", "20"),
        ({"price": "20 USD", "sale_price": "15 USD", "sale_ends": "2024-05-31"}, "20", None),
        ({"price": "20 USD", "list_price": "30 USD"}, "20", "30"),
        ({"price": "20 USD", "list_price": "10 USD"}, "20", None),
        ({"list_price": "30 USD"}, "30", None),
        ({"list_price": "30", "sale_price": "20"}, "20", "30"),
        ({"sale_price": "20"}, "20", None),
        ({"price_minor": 12595}, "125.95", None),
        ({"price_minor": "12595", "price": "7"}, "7", None),
    ],
)
def test_what_is_paid_now_and_what_was_paid_before(values: dict[str, Any], current: str, former: str | None) -> None:
    found = prices(**values)
    assert found.current is not None
    assert found.current.amount == Decimal(current)
    assert (found.former.amount if found.former else None) == (Decimal(former) if former else None)


def test_a_currency_is_never_guessed_and_the_prices_own_counts() -> None:
    found = prices(price="20", currency="EUR")
    assert found.current is not None
    assert (found.current.currency, found.raw) == ("EUR", "20 EUR")
    conflict = prices(price="20 USD", currency="EUR")
    assert conflict.current is not None
    assert conflict.current.currency == "USD"
    assert [fault.code for fault in conflict.faults] == ["feed.currency_conflict"]
    assert [fault.code for fault in prices(price="20", currency="gold").faults] == ["feed.bad_currency"]
    hundredths = prices(price_minor=1999)
    assert hundredths.current is not None
    assert (hundredths.current.currency, hundredths.raw) == ("", "1999")
    assert [fault.code for fault in prices(price_minor="19.99").faults] == ["feed.bad_price"]
