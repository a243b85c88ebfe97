"""Facets: their counts are what one gets by asking, over rows and in PostgreSQL alike."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.index import IndexFilter
from catalog.narrowing import narrowed
from catalog.search.answers import Facet, FacetValue
from catalog.search.browsing import counted_by_sql
from catalog.search.facets import MAX_VALUES, category_values, facets, facets_of, main_currency
from catalog.search.price_ranges import read_range
from catalog.search.rows import Matcher, Row, rows_of
from catalog.showing import searchable_products
from marketplace.models import Product
from tests.catalog.products import make_product, make_seller, make_sync

PATHS = ["Home", "Home > Lamps", "Home > Lamps > Table", "home > Chairs", "Garden > Lamps", "Garden"]
rows = st.builds(
    Row,
    product_id=st.integers(1, 10**6),
    seller_id=st.sampled_from([1, 2, 3]),
    seller_name=st.just("Somebody"),
    price=st.none() | st.decimals(min_value=1, max_value=200, places=2),
    currency=st.sampled_from(["EUR", "EUR", "USD", ""]),
    availability=st.sampled_from(["in_stock", "out_of_stock", "unknown"]),
    first_seen_at=st.just(datetime(2026, 11, 25, tzinfo=UTC)),
    paths=st.lists(st.sampled_from(PATHS), max_size=3, unique=True).map(tuple),
)
filters = st.builds(
    IndexFilter,
    seller_ids=st.sampled_from([(), (1,), (2, 3)]),
    categories=st.sampled_from([(), ("Home",), ("lamps",), ("Home > Lamps", "Garden")]),
    availabilities=st.sampled_from([(), ("in_stock",), ("in_stock", "unknown")]),
    min_price=st.sampled_from([None, Decimal(20)]),
    max_price=st.sampled_from([None, Decimal(100)]),
    currency=st.sampled_from(["", "eur"]),
)


def asked_for(value: FacetValue, facet: Facet, where: IndexFilter) -> IndexFilter:
    """Choose one value of a facet instead of what is chosen of it."""
    if facet.name == "seller":
        return replace(where, seller_ids=(int(value.value),))
    if facet.name == "availability":
        return replace(where, availabilities=(value.value,))
    if facet.name == "category":
        return replace(where, categories=(value.value,))
    low, high = read_range(value.value)
    return replace(where, min_price=low, max_price=high, currency=facet.currency)


@settings(max_examples=100)
@given(st.lists(rows, max_size=40), filters)
def test_counts_are_what_one_gets_by_asking(found: Sequence[Row], where: IndexFilter) -> None:
    for facet in facets_of(found, where):
        assert len({value.value for value in facet.values}) == len(facet.values)
        for value in facet.values:
            matcher = Matcher(asked_for(value, facet, where))
            assert value.count == sum(not matcher.failing(row) for row in found), (facet.name, value)


@pytest.mark.django_db
def test_postgresql_counts_and_filters_as_rows_are() -> None:
    for name, paths in (("A", ["Home > Lamps"]), ("B", ["home > chairs", "Home > Lamps > Table"]), ("C", [])):
        sync = make_sync(make_seller(name))
        for price, currency in ((Decimal(10), "EUR"), (Decimal(30), "EUR"), (Decimal(7), "USD"), (None, "")):
            make_product(sync, "Lamp", categories=paths, price=price, currency=currency, status="live")
    make_product(sync, "Hidden lamp", categories=["Home > Lamps"])
    Product.objects.filter(seller__name="A", price=10).update(availability="in_stock")
    seller_id = Product.objects.filter(seller__name="B").values_list("seller_id", flat=True)[0]
    live = rows_of(Product.objects.values_list("pk", flat=True))
    assert len(live) == 12

    for where in (
        IndexFilter(),
        IndexFilter(seller_ids=(seller_id,)),
        IndexFilter(categories=("lamps",), min_price=Decimal(10)),
        IndexFilter(categories=("HOME >  Lamps",), currency="eur"),
        IndexFilter(availabilities=("in_stock", "unknown"), max_price=Decimal(10)),
        IndexFilter(categories=("Table", "Chairs")),
        IndexFilter(categories=("100%_",)),
    ):
        assert facets(counted_by_sql(where), where) == facets_of(live, where)
        matcher = Matcher(where)
        by_sql = set(narrowed(searchable_products(), where).values_list("pk", flat=True))
        assert by_sql == {row.product_id for row in live if not matcher.failing(row)}


def test_the_tree_of_categories_opens_below_what_is_selected() -> None:
    counts = {("Home > Lamps > Table",): 3, ("Home > Chairs", "Home > Lamps"): 2, ("Garden",): 4}

    def shown(*selected: str) -> list[tuple[str, int, bool]]:
        return [(it.value, it.count, it.is_selected) for it in category_values(counts, selected)]

    assert shown() == [("Home", 5, False), ("Garden", 4, False)]
    assert shown("home") == [
        ("Home", 5, True),
        ("Home > Lamps", 5, False),
        ("Home > Chairs", 2, False),
        ("Garden", 4, False),
    ]
    assert ("Home > Lamps > Table", 3, True) in shown("table")
    assert [it.label for it in category_values(counts, ["home"])] == ["Home", "Lamps", "Chairs", "Garden"]


def test_a_level_with_one_category_is_open_and_the_commonest_spelling_is_shown() -> None:
    counts: dict[tuple[str, ...], int] = {("shop > Lamps",): 1, ("Shop > lamps",): 5, ("Shop > Chairs",): 2}

    assert [it.value for it in category_values(counts, ())] == ["Shop", "Shop > lamps", "Shop > Chairs"]


def test_many_values_are_cut_but_what_is_selected_stays() -> None:
    counts: dict[tuple[str, ...], int] = {(f"Category {number:02}",): 100 - number for number in range(40)}
    values = category_values(counts, ["Category 39"])

    assert len(values) == MAX_VALUES + 1
    assert values[-1] == FacetValue("Category 39", "Category 39", 61, is_selected=True)


def test_the_main_currency_is_the_most_frequent_that_has_a_name() -> None:
    assert main_currency({"": 9, "USD": 2, "EUR": 2}) == "EUR"
    assert main_currency({"": 9}) == ""
    assert main_currency({}) == ""
