"""Names of columns in the languages and systems that write feeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.feeds.headers import _NAMES, field_of, priced_field, squash


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("id", "id"), ("g:id", "id"), ("Product ID", "id"), ("productId", "id"), ("retailer_id", "id"),
        ("item_group_id", "group"), ("itemGroupId", "group"), ("URL handle", "group"),
        ("Title", "title"), ("Product_Name", "title"), ("Bezeichnung", "title"), ("TÍTULO", "title"),
        ("Название", "title"), ("商品名", "title"), ("Ürün Adı", "title"), ("اسم المنتج", "title"),
        ("Body (HTML)", "description"), ("Beschreibung", "description"), ("opis", "description"),
        ("image_link", "picture"), ("Image Src", "picture"), ("Image", "picture"), ("Bild-URL", "picture"),
        ("additional_image_link", "more_pictures"), ("Image 2", "more_pictures"), ("image_link_10", "more_pictures"),
        ("additional_image_link_3", "more_pictures"), ("Variant Image", "more_pictures"),
        ("Variant Price", "price"), ("Preis", "price"), ("prix TTC", "price"), ("цена", "price"), ("価格", "price"),
        ("Compare-at price", "list_price"), ("Variant Compare At Price", "list_price"), ("UVP", "list_price"),
        ("sale_price", "sale_price"), ("sale_price_effective_date", "sale_window"),
        ("Date sale price starts", "sale_starts"), ("In stock?", "availability"), ("Verfügbarkeit", "availability"),
        ("Variant Inventory Qty", "stock"), ("quantity_to_sell_on_facebook", "stock"), ("Vendor", "brand"),
        ("GTIN, UPC, EAN, or ISBN", "gtin"), ("Variant Barcode", "gtin"), ("product_type", "product_type"),
        ("Google Shopping / Google Product Category", "google_category"), ("Cost per item", "private"),
        ("Einkaufspreis", "private"), ("price_minor", "price_minor"),
        ("Weight", ""), ("Title 2", ""), ("price 2", ""), ("", ""), ("?", ""), ("x" * 10_000, ""),
    ],
)  # fmt: skip
def test_names_mean_fields(name: str, field: str) -> None:
    assert field_of(name) == field


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Price (EUR)", ("price", "EUR")),
        ("price_usd", ("price", "USD")),
        ("Preis EUR", ("price", "EUR")),
        ("Price/GBP", ("price", "GBP")),
        ("Price [TRY]", ("price", "TRY")),
        ("price", ("price", "")),
        ("price_all", ("", "")),
        ("Price (XXX)", ("", "")),
        ("Title (EUR)", ("", "")),
        ("Price / International", ("", "")),
    ],
)
def test_a_prices_name_may_bring_its_currency(name: str, meant: tuple[str, str]) -> None:
    assert priced_field(name) == meant


def test_no_name_means_two_fields() -> None:
    names = [(squash(name), field) for field, names in _NAMES.items() for name in names.split("|")]
    assert all(name for name, _ in names)
    assert len({name for name, _ in names}) == len(names)


@given(st.text(max_size=200))
def test_any_name_is_looked_up(name: str) -> None:
    assert isinstance(priced_field(name)[0], str)
