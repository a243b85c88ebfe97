"""Rows of a group become one product; ids are taken once; nothing is lost in silence."""

import io

from catalog.feeds.contract import FeedProduct, FeedRow, RowError
from catalog.feeds.folding import Folder
from catalog.feeds.mapping import MappedRow, Mapper
from catalog.feeds.opening import open_feed
from tests.catalog.feeds.samples import NOW, outcomes, said

SHOPIFY = b"""Handle,Title,Body (HTML),Vendor,Product Category,Type,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Variant SKU,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,\
Variant Barcode,Image Src,Cost per item,Status
shirt,Shirt,"<p>Soft &amp; <b>red</b></p>",Acme,Apparel > Shirts,Shirt,true,Color,Red,Size,M,S-R,3,deny,19.99,29.99,\
4006381333931,https://cdn.example/1.jpg,5.00,active
shirt,,,,,,,,Blue,,M,S-B,0,deny,17.99,,,https://cdn.example/2.jpg,,
shirt,,,,,,,,,,,,,,,,,https://cdn.example/3.jpg,,
mug,Mug,,Acme,,,true,Title,Default Title,,,MUG,0,continue,5,,,,2.50,active
draft,Draft,,Acme,,,false,Title,Default Title,,,D,,,5,,,,,draft
draft,,,,,,,,x,,,D2,,,5,,,,,
lone,,,,,,,,,,,,,,,,,https://cdn.example/4.jpg,,
"""


def test_shopifys_rows_are_folded_by_handle() -> None:
    found = outcomes(SHOPIFY)
    shirt, mug = (item for item in found if isinstance(item, FeedProduct))
    assert said(shirt) == {
        "external_id": "shirt",
        "title": "Shirt",
        "description": "Soft & red",
        "price": "19.99",  # the cheaper one is sold out
        "currency": "",
        "list_price": "29.99",
        "availability": "in_stock",
        "brand": "Acme",
        "sku": "S-R",
        "gtin": "4006381333931",
        "address": "",
        "pictures": [f"https://cdn.example/{n}.jpg" for n in (1, 2, 3)],
        "categories": [["Apparel", "Shirts"]],
        "variants": [
            {"Color": "Red", "Size": "M", "sku": "S-R", "gtin": "4006381333931", "price": "19.99",
             "availability": "in_stock", "picture": "https://cdn.example/1.jpg"},
            {"Color": "Blue", "Size": "M", "sku": "S-B", "price": "17.99", "availability": "out_of_stock",
             "picture": "https://cdn.example/2.jpg"},
        ],
    }  # fmt: skip
    assert (mug.external_id, mug.product.variants, str(mug.product.availability)) == ("mug", [], "in_stock")
    assert not any("2.5" in text or "5.00" in text for text in [*shirt.attributes.values(), *mug.attributes.values()])
    assert [(item.number, item.code) for item in found if isinstance(item, RowError)] == [
        (5, "feed.not_published"),
        (6, "feed.not_published"),
        (7, "feed.title_missing"),
    ]


WOOCOMMERCE = b"""ID,Type,SKU,Name,Published,\
Visibility in catalog,Description,Date sale price starts,Date sale price ends,\
In stock?,Stock,Sale price,Regular price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s)
10,variable,HOOD,Hoodie,1,visible,Warm,,,1,,,,"Clothing > Hoodies, Sale",\
"https://x.example/a.jpg, https://x.example/b.jpg",,Color,"Blue, Red"
11,simple,MUG,Mug,1,visible,,2020-01-01,2020-02-01,1,,7.5,10,Kitchen,,,,
12,variation,HOOD-B,Hoodie - Blue,1,visible,,,,1,,30,45,,https://x.example/c.jpg,id:10,Color,Blue
13,variation,HOOD-R,Hoodie - Red,1,visible,,,,0,,,45,,,HOOD,Color,Red
14,simple,H,Hidden,1,hidden,,,,1,,,1,,,,,
15,"simple, virtual",V,Card,-1,visible,,,,1,,,1,,,,,
"""


def test_woocommerces_variations_are_folded_by_id_or_sku_of_their_parent() -> None:
    found = outcomes(WOOCOMMERCE)
    mug, hoodie = (item for item in found if isinstance(item, FeedProduct))
    assert (said(mug)["price"], said(mug)["list_price"], mug.external_id) == ("10", None, "11")  # the sale is over
    assert (hoodie.external_id, hoodie.rows, hoodie.product.title) == ("10", (1, 3, 4), "Hoodie")
    assert (said(hoodie)["price"], said(hoodie)["list_price"]) == ("30", "45.00")
    assert hoodie.categories == [["Clothing", "Hoodies"], ["Sale"]]
    assert [(v["Color"], v["id"], v["availability"]) for v in hoodie.product.variants] == [
        ("Blue", "12", "in_stock"),
        ("Red", "13", "out_of_stock"),
    ]
    assert [(item.number, item.code) for item in found if isinstance(item, RowError)] == [
        (5, "feed.not_published"),
        (6, "feed.not_published"),
    ]


def test_a_group_may_be_scattered_within_the_window() -> None:
    data = b"id,title,item_group_id\n1,A1,a\n2,B1,b\n3,C,\n4,A2,a\n5,B2,b\n"
    found = {item.external_id: item.rows for item in outcomes(data) if isinstance(item, FeedProduct)}
    assert found == {"3": (3,), "a": (1, 4), "b": (2, 5)}


def test_a_row_far_from_its_group_is_refused_by_name() -> None:
    data = b"id,title,item_group_id\n1,A1,a\n2,B1,b\n3,B2,b\n4,B3,b\n5,A2,a\n"
    found: list[FeedProduct | RowError] = []
    with open_feed(io.BytesIO(data)) as feed:
        mapper, folder = Mapper(feed.kind, now=NOW), Folder(feed.kind, window_rows=2)
        for row in feed.rows():
            assert isinstance(row, FeedRow)
            mapped = mapper.map_row(row)
            assert isinstance(mapped, MappedRow)
            found += folder.add(mapped)
        found += folder.finish()
    products = [(item.external_id, item.rows) for item in found if isinstance(item, FeedProduct)]
    assert products == [("a", (1,)), ("b", (2, 3, 4))]
    (error,) = (item for item in found if isinstance(item, RowError))
    assert (error.number, error.code) == (5, "feed.group_scattered")
    assert "rows from 1 on" in error.message


def test_ids_are_taken_once_among_rows_and_products() -> None:
    data = b"id,title,item_group_id\n1,A,\n1,B,\n2,C,g\n2,D,h\ng,E,\n"
    found = outcomes(data)
    assert [(item.number, item.code) for item in found if isinstance(item, RowError)] == [
        (2, "feed.duplicate_id"),
        (4, "feed.duplicate_id"),
    ]
    assert [(item.external_id, item.rows) for item in found if isinstance(item, FeedProduct)] == [
        ("1", (1,)),
        ("g", (3, 5)),
    ]


def test_variants_in_several_currencies_have_no_lowest_price() -> None:
    data = b"id,title,item_group_id,price\n1,A,g,9 USD\n2,A,g,5 EUR\n"
    (product,) = outcomes(data)
    assert isinstance(product, FeedProduct)
    assert (said(product)["price"], said(product)["currency"]) == ("9", "USD")
