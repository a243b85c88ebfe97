"""Rules on prices, beyond what the labels say: bounds, and that odd amounts are judged and never break them."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qc.rules import prices
from qc.rules.contract import CategoryPrices, ProductFacts
from qc.rules.currencies import is_currency, minor_digits
from qc.rules.ruleset import Setting, make_ruleset

AMOUNTS = st.one_of(st.none(), st.decimals(min_value=-10, max_value=Decimal("1E14"), places=4))
LEVELS = st.builds(
    CategoryPrices,
    median=st.decimals(min_value=0, max_value=Decimal("1E13"), places=4),
    log_spread=st.floats(min_value=0, max_value=50),
    count=st.integers(min_value=0, max_value=10**6),
)


def codes(facts: ProductFacts, **limits: float) -> list[str]:
    ruleset = make_ruleset({"price.outlier": Setting(limits=limits)}, rules=prices.RULES)
    return [reason.code for reason in ruleset.reasons_against(facts)]


@given(price=AMOUNTS, list_price=AMOUNTS, currency=st.text(max_size=4), category_prices=st.one_of(st.none(), LEVELS))
def test_no_amount_breaks_a_rule(
    price: Decimal | None, list_price: Decimal | None, currency: str, category_prices: CategoryPrices | None
) -> None:
    codes(ProductFacts(price=price, list_price=list_price, currency=currency, category_prices=category_prices))


@pytest.mark.parametrize(
    ("price", "is_found"),
    [("0.19", True), ("0.20", False), ("2000", False), ("2001", True)],
)
def test_an_outlier_is_a_hundred_times_more_or_less(price: str, is_found: bool) -> None:
    facts = ProductFacts(
        price=Decimal(price), currency="EUR", category_prices=CategoryPrices(Decimal(20), log_spread=5.0, count=10)
    )

    assert codes(facts) == (["price.outlier"] if is_found else [])


def test_an_outlier_needs_others_and_staff_say_how_many() -> None:
    level = CategoryPrices(Decimal(20), log_spread=0.3, count=9)
    facts = ProductFacts(price=Decimal(900), currency="EUR", category_prices=level)

    assert codes(facts) == []
    assert codes(facts, least_others=9) == ["price.outlier"]
    assert codes(replace(facts, price=Decimal(30)), least_others=9) == []


def test_currencies_of_today_and_of_yesterday_are_known() -> None:
    assert all(map(is_currency, ("EUR", "USD", "INR", "VES", "HRK")))
    assert not any(map(is_currency, ("", "EURO", "XYZ", "eur", "€")))
    assert [minor_digits(code) for code in ("EUR", "JPY", "KWD", "CLF", "USD")] == [2, 0, 3, 4, 2]
