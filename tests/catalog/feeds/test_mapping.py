"""What a row says, in our words."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.feeds.contract import FeedKind, FeedRow, RowError
from catalog.feeds.mapping import MappedRow, Mapper
from tests.catalog.feeds.samples import NOW


def mapped(kind: FeedKind = FeedKind.JSON_LINES, **data: Any) -> MappedRow:
    found = Mapper(kind, now=NOW).map_row(FeedRow(1, {"id": "1", "title": "A"} | data))
    assert isinstance(found, MappedRow)
    return found


def codes(row: MappedRow) -> list[tuple[str, str]]:
    return [(note.field, note.code) for note in row.notes]


@pytest.mark.parametrize(
    ("data", "availability"),
    [
        ({"availability": "in stock"}, "in_stock"),
        ({"availability": "in_stock"}, "in_stock"),
        ({"availability": "out of stock"}, "out_of_stock"),
        ({"availability": "preorder"}, "preorder"),
        ({"availability": "https://schema.org/InStock"}, "in_stock"),
        ({"availability": "nicht auf Lager"}, "out_of_stock"),
        ({"available": True}, "in_stock"),
        ({"available": False}, "out_of_stock"),
        ({"In stock?": "1"}, "in_stock"),
        ({"In stock?": "0"}, "out_of_stock"),
        ({"In stock?": "backorder"}, "preorder"),
        ({"quantity": "5"}, "in_stock"),
        ({"quantity": 0}, "out_of_stock"),
        ({"quantity": "-3"}, "out_of_stock"),
        ({"quantity": "0", "Variant Inventory Policy": "continue"}, "in_stock"),
        ({"quantity": "many"}, "unknown"),
        ({"availability": "blue", "quantity": "2"}, "in_stock"),
        ({}, "unknown"),
    ],
)
def test_availability_is_what_is_said_else_what_is_counted(data: dict[str, Any], availability: str) -> None:
    assert str(mapped(**data).availability) == availability


def test_ids_come_from_the_field_that_the_first_row_has() -> None:
    mapper = Mapper(FeedKind.JSON_LINES, now=NOW)
    first = mapper.map_row(FeedRow(1, {"sku": "S", "title": "A"}))
    second = mapper.map_row(FeedRow(2, {"id": "7", "title": "A"}))
    assert isinstance(first, MappedRow)
    assert (first.external_id, first.sku) == ("S", "S")
    assert isinstance(second, RowError)
    assert (second.field, second.code) == ("sku", "feed.id_missing")


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ({"id": "", "title": "A"}, "id", "feed.id_missing"),
        ({"id": [], "title": "A"}, "id", "feed.id_missing"),
        ({"id": "1", "title": " "}, "title", "feed.title_missing"),
        ({"id": "1" * 181, "title": "A"}, "id", "feed.id_too_long"),
        ({"id": "1", "title": "A", "status": "draft"}, "", "feed.not_published"),
        ({"id": "1", "title": "A", "published": False}, "", "feed.not_published"),
    ],
)
def test_only_id_and_title_are_required(data: dict[str, Any], field: str, code: str) -> None:
    found = Mapper(FeedKind.JSON_LINES, now=NOW).map_row(FeedRow(9, data, 11))
    assert isinstance(found, RowError)
    assert (found.number, found.line, found.field, found.code) == (9, 11, field, code)


def test_texts_are_cleaned_and_what_is_cut_is_kept_whole() -> None:
    row = mapped(
        title="Fish &amp; Chips\x00",
        description="<p>One</p><p>Two&nbsp;three</p><script>alert(1)</script>",
        sku="s" * 249,
        brand="\ud800B",
    )
    assert (row.title, row.description, row.brand) == ("Fish & Chips", "One Two three", "B")
    assert (len(row.sku), row.attributes["sku"]) == (200, "s" * 249)
    assert codes(row) == [("sku", "feed.too_long")]


def test_pictures_are_each_taken_once() -> None:
    row = mapped(
        image_link="https://c.example/1.jpg",
        additional_image_link="https://c.example/2.jpg, https://c.example/a,b.jpg,//c.example/3.jpg|https://c.example/1.jpg",
        images=[{"src": "https://c.example/4.jpg"}, "data:image/png;base64,xx"],
    )
    assert row.pictures == [f"https://c.example/{name}.jpg" for name in ("1", "4", "2", "a,b", "3")]
    assert codes(row) == [("picture", "feed.bad_picture")]
    assert len(mapped(images=[f"https://c.example/{n}.jpg" for n in range(50)]).pictures) == 10


def test_categories_are_paths() -> None:
    row = mapped(product_type=["Home > Kitchen", "Sale"], google_product_category="674", category="Home > Kitchen")
    assert row.categories == [["Home", "Kitchen"], ["Sale"]]
    assert mapped(google_product_category="Apparel &amp; Co > Shirts").categories == [["Apparel & Co", "Shirts"]]
    row = mapped(FeedKind.WOOCOMMERCE_CSV, Categories="A > B, C, D\\, E")
    assert row.categories == [["A", "B"], ["C"], ["D, E"]]


def test_gtins_are_all_kept_and_the_first_right_one_is_the_products() -> None:
    row = mapped(gtin=[["123", "4006381333931"], 4006381333931])
    assert (row.gtin, row.gtins) == ("4006381333931", ("123", "4006381333931"))
    row = mapped(gtin="8.80E+12")
    assert (row.gtin, row.gtins, codes(row)) == ("", ("8.80E+12",), [("gtin", "feed.bad_gtin")])


def test_offers_and_variants_inside_a_row_are_read() -> None:
    row = mapped(offers=[{"price": "5.00", "priceCurrency": "EUR", "availability": "https://schema.org/InStock"}])
    assert row.prices.current is not None
    assert (str(row.prices.current), str(row.availability)) == ("5 EUR", "in_stock")
    row = mapped(
        variants=[
            {"id": 2, "sku": "x", "price": "7.50", "available": True, "option1": "Red", "cost": "1"},
            {"id": 3, "price": "6.00", "available": False},
            "nonsense",
        ]
    )
    assert row.prices.current is not None
    assert str(row.prices.current) == "6"
    assert row.variants == [
        {"option1": "Red", "id": "2", "sku": "x", "price": "7.5", "availability": "in_stock"},
        {"id": "3", "price": "6", "availability": "out_of_stock"},
    ]


def test_what_else_is_said_is_kept_but_no_cost() -> None:
    row = mapped(color="red", weight="3 kg", cost="1.00", attributes={"a": 1, "b": ["x", "y"]}, tags=["p", "q"])
    assert row.attributes == {"color": "red", "weight": "3 kg", "a": "1", "b": "x", "tags": "p, q"}


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "price", "src", "x"]), inner),
    max_leaves=5,
)
NAMES = [
    "id", "title", "price", "sale_price", "sale_price_effective_date", "price_minor", "currency", "gtin", "image_link",
    "availability", "quantity", "product_type", "description", "link", "variants", "offers", "attributes", "status",
    "published", "item_group_id", "sku", "brand", "Type", "Parent", "Option1 Value", "weight",
]  # fmt: skip


@settings(max_examples=100)
@given(kind=st.sampled_from(list(FeedKind)), data=st.dictionaries(st.sampled_from(NAMES), ANY))
def test_no_row_raises(kind: FeedKind, data: dict[str, Any]) -> None:
    found = Mapper(kind, now=NOW).map_row(FeedRow(1, data))
    assert isinstance(found, RowError) or found.external_id
