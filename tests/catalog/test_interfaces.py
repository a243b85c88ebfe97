"""Interfaces: JSON that is or is not what it should be, money in its units, and HTML as text."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.reading import SiteReader
from catalog.replies import SiteFailing, TooManyRequests
from catalog.robots import forget_rules
from catalog.sources.interfaces import (
    InterfaceClosed,
    currency_of,
    line_text,
    money_of,
    plain_text,
    read_json,
    text_of,
)
from catalog.sources.shopify_products import HUNDREDTHS
from catalog.sources.shopify_products import read_product as read_shopify
from catalog.sources.woocommerce_products import paths_of, tree_of
from catalog.sources.woocommerce_products import read_product as read_woo
from tests.sample_shop import Answer, small_site

ANSWERS: Mapping[str, Answer] = {
    "/good": (200, {"Content-Type": "application/json"}, b'\xef\xbb\xbf{"price": 19.90}'),
    "/html": (200, {"Content-Type": "text/html"}, b"<html></html>"),
    "/deep": (200, {"Content-Type": "application/json"}, b"[" * 200_000),
    "/binary": (200, {"Content-Type": "application/json"}, b"\xff\xfe\x00"),
    "/401": (401, {}, b"{}"),
    "/403": (403, {}, b"{}"),
    "/404": (404, {}, b"{}"),
    "/429": (429, {"Retry-After": "7"}, b"{}"),
    "/500": (500, {}, b"{}"),
    "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /cart"),
    "/cart.js": (200, {"Content-Type": "application/json"}, b"{}"),
}


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    forget_rules()
    with small_site(lambda path, _: ANSWERS[path]) as address:
        request.getfixturevalue("settings").FETCH_PRIVATE_HOSTS = [address.split("/")[2]]
        yield address


def test_numbers_keep_their_digits(site: str) -> None:
    with SiteReader() as reader:
        assert read_json(reader, f"{site}/good").data == {"price": Decimal("19.90")}


@pytest.mark.parametrize("path", ["html", "deep", "binary", "401", "403", "404", "cart.js"])
def test_an_interface_that_gives_no_json_is_closed(site: str, path: str) -> None:
    with SiteReader() as reader, pytest.raises(InterfaceClosed):
        read_json(reader, f"{site}/{path}")


@pytest.mark.parametrize(("path", "error"), [("429", TooManyRequests), ("500", SiteFailing)])
def test_trouble_that_passes_does_not_close_an_interface(site: str, path: str, error: type[Exception]) -> None:
    with SiteReader() as reader, pytest.raises(error):
        read_json(reader, f"{site}/{path}")


@pytest.mark.parametrize(
    ("amount", "minor_unit", "expected"),
    [
        ("19.90", 0, "19.90"),
        ("1299", 0, "1299"),
        (1990, 2, "19.90"),
        (1, 2, "0.01"),
        (0, 2, "0.00"),
        ("48000", 3, "48.000"),
        ("48001", 3, "48.001"),
        ("2850", 0, "2850"),
        (Decimal("19.9"), 0, "19.9"),
        ("", 0, None),
        (None, 0, None),
        (True, 0, None),
        ("-5", 0, None),
        ("1,299.00", 0, None),
        ("1e9", 0, None),
        ("NaN", 0, None),
        ("9" * 20, 0, None),
        ([1], 0, None),
    ],
)
def test_an_amount_is_read_in_its_unit(amount: Any, minor_unit: int, expected: str | None) -> None:
    money = money_of(amount, "EUR", minor_unit=minor_unit)

    assert (money and (money.amount, money.currency, money.raw)) == (
        (Decimal(expected), "EUR", f"{expected} EUR") if expected else None
    )


def test_both_forms_of_shopifys_json_say_the_same_price() -> None:
    listed = {"title": "Lamp", "variants": [{"price": "1299.50", "compare_at_price": "1400.00", "available": True}]}
    ajax = {"title": "Lamp", "variants": [{"price": 129950, "compare_at_price": 140000, "available": True}]}
    one = read_shopify(listed, currency="EUR", address="https://x/p", minor_unit=0, evidence="a")
    other = read_shopify(ajax, currency="EUR", address="https://x/p", minor_unit=HUNDREDTHS, evidence="a")

    assert one == other
    assert one is not None and one.price is not None and one.list_price is not None
    assert (str(one.price), str(one.list_price)) == ("1299.5 EUR", "1400 EUR")


@pytest.mark.parametrize(
    ("changes", "price", "list_price"),
    [
        ({}, "12.00", None),
        ({"regular_price": "1500"}, "12.00", "15.00"),
        ({"regular_price": "1000"}, "12.00", None),
        ({"currency_minor_unit": 0}, "1200", None),
        ({"currency_minor_unit": 3}, "1.200", None),
        ({"currency_minor_unit": "2"}, "12.00", None),
        ({"currency_minor_unit": None}, None, None),
        ({"currency_minor_unit": -1}, None, None),
        ({"currency_minor_unit": 99}, None, None),
        ({"price": ""}, None, None),
    ],
)
def test_the_store_apis_amounts_are_in_its_minor_unit(
    changes: dict[str, Any], price: str | None, list_price: str | None
) -> None:
    prices = {"price": "1200", "regular_price": "1200", "currency_code": "EUR", "currency_minor_unit": 2, **changes}
    product = read_woo({"name": "Lamp", "prices": prices, "price_html": "<b>12</b>"})

    assert product is not None
    assert (product.price and product.price.amount) == (Decimal(price) if price else None)
    assert (product.list_price and product.list_price.amount) == (Decimal(list_price) if list_price else None)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<p>Red &amp; <b>blue</b>\n lamp</p><ul><li>One</li><li>Two<br>three</li></ul>",
            "Red & blue lamp\nOne\nTwo\nthree",
        ),
        ("plain &#8211; text", "plain – text"),
        ("a<script>x()</script><style>y</style>b", "ab"),
        ("nul\x00", "nul"),
        ("&lt;b&gt; stays", "<b> stays"),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_html_is_read_as_lines_of_text(html: Any, text: str) -> None:
    assert plain_text(html) == text


def test_what_is_no_text_is_none() -> None:
    values: list[Any] = ["a  b\n", 7, True, None, [], {}, Decimal("1.5"), "\x00\ud800c"]
    assert [text_of(value) for value in values] == ["a b", "7", "", "", "", "", "1.5", "c"]
    assert [currency_of(value) for value in ("eur", "EURO", "", None, "E1R", "$")] == ["EUR", "", "", "", "", ""]
    assert line_text("<i>A</i>\n B &amp; C") == "A B & C"


def test_a_tree_that_bites_its_tail_ends() -> None:
    tree = tree_of([{"id": 1, "name": "A", "parent": 2}, {"id": 2, "name": "B", "parent": 1}])
    (path,) = paths_of({"categories": [{"id": 1, "name": "A"}]}, tree)

    assert len(path) == 12
    assert paths_of({"categories": [{"id": 9, "name": "X &amp; Y", "link": "https://x/y"}]}, {})[0][0].name == "X & Y"


FIELDS = """
id title name handle body_html description vendor variants images options available price compare_at_price sku barcode
featured_image src option1 prices currency_code currency_minor_unit regular_price price_html permalink categories
attributes terms variations brands taxonomy value slug is_in_stock parent link
"""
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "19.90", "<b>", "\ud800", "\x00", "EUR", "a"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=80)
@given(product=st.dictionaries(st.sampled_from(FIELDS.split()), VALUES, max_size=8))
def test_no_json_breaks_the_reading_of_products(product: dict[str, Any]) -> None:
    named = {**product, "title": "Lamp", "name": "Lamp"}
    for minor_unit in (0, HUNDREDTHS):
        assert read_shopify(named, currency="", address="https://x/p", minor_unit=minor_unit, evidence="a") is not None
    read_shopify(product, currency="", address="https://x/p", minor_unit=0, evidence="a")
    assert read_woo(named, [product]) is not None
    read_woo(product)
    paths_of(product, tree_of([product]))
