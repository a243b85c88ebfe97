"""Ranges of prices: round edges, no empty range, and counts that equal what one gets."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.search.price_ranges import range_text, ranges_of, read_range, round_number

prices = st.decimals(min_value=0, max_value=100_000, places=2)


@settings(max_examples=60)
@given(st.dictionaries(prices, st.integers(1, 50), max_size=30))
def test_each_range_counts_the_prices_between_its_ends(counts: dict[Decimal, int]) -> None:
    ranges = ranges_of(counts)

    assert len(ranges) in (0, 2, 3, 4, 5)
    for (low, high), count in ranges:
        inside = [n for price, n in counts.items() if (low or 0) <= price and (high is None or price <= high)]
        assert count == sum(inside) > 0
        assert read_range(range_text(low, high)) == (low, high)
    covered = {p for p in counts for (low, high), _ in ranges if (low or 0) <= p and (high is None or p <= high)}
    assert covered == (set(counts) if ranges else set())


def test_edges_are_round_and_cut_the_prices_into_like_parts() -> None:
    counts = {Decimal(price): 1 for price in range(1, 101)}

    assert [range_text(*ends) for ends, _ in ranges_of(counts)] == ["0-20", "20-40", "40-60", "60-80", "80-"]


@pytest.mark.parametrize("counts", [{}, {Decimal(5): 9}, {Decimal(0): 3}])
def test_one_price_alone_is_no_range(counts: dict[Decimal, int]) -> None:
    assert ranges_of(counts) == []


@pytest.mark.parametrize(
    ("price", "number"), [("0.0123", "0.015"), ("7", "8"), ("9.99", "10"), ("26", "25"), ("1234", "1500"), ("17", "15")]
)
def test_round_numbers(price: str, number: str) -> None:
    assert round_number(Decimal(price)) == Decimal(number)


@pytest.mark.parametrize("text", ["", "-", "x-5", "50-25", "NaN-5", "5", "-5-10", "1-Infinity"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no range of prices"):
        read_range(text)
