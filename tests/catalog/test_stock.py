"""Stock, in the words of the marketplace."""

import pytest

from catalog.stock import availability_of


@pytest.mark.parametrize(
    ("text", "availability"),
    [
        ("in stock", "in_stock"),
        ("https://schema.org/OutOfStock", "out_of_stock"),
        ("preorder", "preorder"),
        ("available for order", "in_stock"),
        ("oos", "out_of_stock"),
        ("", "unknown"),
        ("perhaps", "unknown"),
    ],
)
def test_availability_is_read_or_unknown(text: str, availability: str) -> None:
    assert availability_of(text) == availability
