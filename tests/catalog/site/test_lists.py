"""Lists: pages built as the common shop systems build theirs, written for the test."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.extraction.document import PageMalformed
from catalog.site.lists import ShopList, page_number, read_list, with_page
from catalog.site.page import parse_page

SITE = "https://shop.example"


def read(body: str, path: str = "/lamps", **options: dict[str, str]) -> ShopList:
    html = f"<!doctype html><html><head></head><body>{body}</body></html>"
    return read_list(parse_page(html, SITE + path), templates=options.get("templates", {}))


def addresses(shown: ShopList) -> list[str]:
    return [card.address.removeprefix(SITE) for card in shown.cards]


LOOP = """<div class="woocommerce"><nav class="woocommerce-breadcrumb"><a href="/">Home</a> / Lamps</nav>
<h1>Lamps</h1><p class="woocommerce-result-count">Showing 1-2 of 31 results</p>
<form class="woocommerce-ordering"><select><option>Sort by price: 5 €</option></select></form>
<ul class="products columns-3">
<li class="product type-product post-1 first instock"><a href="/product/oak/" class="woocommerce-LoopProduct-link">
<img src="/1.jpg"><h2>Oak</h2><span class="price"><del>&euro;&nbsp;20,00</del> <ins><bdi>&euro;&nbsp;15,00</bdi>
</ins></span></a>
<a href="?add-to-cart=1" class="button add_to_cart_button" rel="nofollow">Add to cart</a></li>
<li class="product type-product post-2 last outofstock"><a href="/product/elm/" class="woocommerce-LoopProduct-link">
<img src="/2.jpg"><h2>Elm</h2><span class="price"><bdi>&euro;&nbsp;9,00</bdi></span></a>
<a href="/product/elm/">Read more</a></li>
</ul><nav class="woocommerce-pagination"><ul class="page-numbers"><li><span class="page-numbers current">1</span></li>
<li><a class="page-numbers" href="/lamps/page/2/">2</a></li><li>
<a class="next page-numbers" href="/lamps/page/2/">&rarr;</a></li></ul></nav>
<aside class="widget widget_products"><h3>Top rated</h3><ul><li><a href="/product/ash/">
<img src="/3.jpg">Ash</a> €3</li></ul></aside>
</div>"""

GRID = """<main><ol class="breadcrumb"><li><a href="/">Home</a></li><li>Lamps</li></ol><h1>Lamps</h1>
<div class="toolbar toolbar-products"><span class="toolbar-amount">2 Items</span>
<div class="pages"><ul><li class="item pages-item-next"><a class="action next" href="/lamps.html?p=2" title="Next">
<span>Next</span></a></li></ul></div><a href="/lamps.html?product_list_order=price">Price</a></div>
<ol class="products list items product-items">
<li class="item product product-item"><div class="product-item-info"><a class="product photo" href="/oak-lamp.html">
<img></a>
<strong class="product name"><a class="product-item-link" href="/oak-lamp.html">Oak lamp</a></strong>
<div class="price-box"><span class="price">$1,200.00</span></div><a href="/oak-lamp.html#reviews">3 reviews</a>
<div class="swatch-option"><a href="/oak-lamp.html?color=5">Red</a></div></div></li>
<li class="item product product-item"><div class="product-item-info"><a class="product photo" href="/elm-lamp.html">
<img></a>
<strong class="product name"><a class="product-item-link" href="/elm-lamp.html">Elm lamp</a></strong>
<div class="price-box"><span class="price">$20.00</span></div></div></li></ol></main>
<div class="sidebar"><div class="block filter"><a href="/lamps.html?color=5">Red (2)</a></div></div>
<div class="block related"><div class="item"><a href="/ash-lamp.html"><img>Ash</a><span class="price">$3</span></div>
</div>"""

QUERIES = """<div id="content"><h2>Desktops</h2><h3>Refine Search</h3><ul class="subcategories">
<li><a href="/index.php?route=product/category&amp;path=20_26">PC (2)</a></li></ul>
<div class="product-thumb"><div class="image">
<a href="/index.php?route=product/product&amp;path=20&amp;product_id=42"><img></a></div>
<h4><a href="/index.php?route=product/product&amp;path=20&amp;product_id=42">Cinema</a></h4>
<p class="price"><span class="price-new">$110.00</span> <span class="price-old">$122.00</span></p></div>
<div class="product-thumb"><div class="image">
<a href="/index.php?route=product/product&amp;path=20&amp;product_id=30"><img></a></div>
<h4><a href="/index.php?route=product/product&amp;path=20&amp;product_id=30">Canon</a></h4>
<p class="price">$98.00</p></div>
<ul class="pagination"><li><span>1</span></li><li>
<a href="/index.php?route=product/category&amp;path=20&amp;page=2">2</a></li>
<li><a href="/index.php?route=product/category&amp;path=20&amp;page=2">&gt;</a></li></ul></div>"""

BOOKS = """<div class="row"><aside><div class="side_categories"><ul class="nav nav-list"><li>
<a href="/books/">Books</a></li></ul></div></aside>
<div><h1>Lamps</h1><form><strong>2</strong> results</form><section><ol class="row">
<li class="col-3"><article class="product_pod"><div class="image_container"><a href="oak_1/index.html">
<img alt="Oak"></a></div>
<h3><a href="oak_1/index.html" title="Oak">Oak ...</a></h3><div class="product_price"><p class="price_color">£51.77</p>
<form><button>Add to basket</button></form></div></article></li>
<li class="col-3"><article class="product_pod"><div class="image_container"><a href="elm_2/index.html">
<img alt="Elm"></a></div>
<h3><a href="elm_2/index.html" title="Elm">Elm ...</a></h3><div class="product_price"><p class="price_color">£53.74</p>
</div></article></li></ol><ul class="pager"><li class="next"><a href="page-2.html">next</a></li></ul></section></div>
</div>"""

TAILWIND = """<header><a href="/">Shop</a></header><main><div class="grid">
<a class="group" href="/en/oak-chair"><div><img src="/1"></div><div><h3>Oak chair</h3><p>from <span>US$ 12.50</span>
</p></div></a>
<a class="group" href="/en/elm-chair"><div><img src="/2"></div><div><h3>Elm chair</h3><p><span>US$ 9</span></p></div>
</a>
<a class="group" href="/en/ash-chair"><div><img src="/3"></div><div><h3>Ash chair</h3><p>Price on request</p></div>
</a></div>
<button data-page="1" class="btn-load-more">Load more</button></main>"""

TABLE = """<table><tr><td><a href="/oak">Oak</a></td><td>12,50 EUR</td></tr><tr><td><a href="/elm">Elm</a></td>
<td>1 299,- Kč</td></tr>
<tr><td><a href="/ash">Ash</a></td><td>₹ 1,23,456.00</td></tr></table>"""


@pytest.mark.parametrize(
    ("body", "path", "products", "following"),
    [
        (LOOP, "/lamps/", ["/product/oak/", "/product/elm/"], "/lamps/page/2/"),
        (GRID, "/lamps.html", ["/oak-lamp.html", "/elm-lamp.html"], "/lamps.html?p=2"),
        (
            QUERIES,
            "/index.php?path=20&route=product/category",
            [
                "/index.php?path=20&product_id=42&route=product/product",
                "/index.php?path=20&product_id=30&route=product/product",
            ],
            "/index.php?page=2&path=20&route=product/category",
        ),
        (
            BOOKS,
            "/catalogue/lamps/index.html",
            ["/catalogue/lamps/oak_1/index.html", "/catalogue/lamps/elm_2/index.html"],
            "/catalogue/lamps/page-2.html",
        ),
        (TAILWIND, "/en/chairs", ["/en/oak-chair", "/en/elm-chair", "/en/ash-chair"], "/en/chairs?page=2"),
        (TABLE, "/lamps", ["/oak", "/elm", "/ash"], ""),
    ],
)
def test_the_products_of_a_list_and_its_next_page_are_found(
    body: str, path: str, products: list[str], following: str
) -> None:
    shown = read(body, path)
    assert addresses(shown) == products
    assert shown.next_address.removeprefix(SITE) == following


def test_what_a_list_says_of_itself_is_read() -> None:
    shown = read(LOOP, "/lamps/")
    assert (shown.total, shown.heading) == (31, "Lamps")
    assert [crumb.name for crumb in read(GRID, "/lamps.html").crumbs] == ["Lamps"]


def test_sub_categories_are_told_by_their_addresses_and_blocks() -> None:
    shown = read(QUERIES, "/index.php?path=20&route=product/category")
    assert [(found.name, found.count) for found in shown.categories] == [("PC", 2)]
    nested = read('<main><h1>Home</h1><a href="/home/lamps">Lamps (3)</a><a href="/home?sort=a">A</a></main>', "/home")
    assert [(found.name, found.address) for found in nested.categories] == [("Lamps", f"{SITE}/home/lamps")]
    assert nested.skipped["narrowed list"] == 1


def test_pictures_without_prices_are_tiles() -> None:
    tiles = '<main><a href="/sofas"><img alt="Sofas"></a><a href="/beds"><img><span>Beds</span></a></main>'
    assert [(tile.name, tile.address) for tile in read(tiles, "/home").tiles] == [
        ("Sofas", f"{SITE}/sofas"),
        ("Beds", f"{SITE}/beds"),
    ]


def test_a_list_in_json_ld_counts() -> None:
    body = """<script type="application/ld+json">{"@type": "ItemList", "itemListElement": [
      {"@type": "ListItem", "position": 1, "url": "https://shop.example/oak"},
      {"@type": "ListItem", "position": 2, "item": {"@type": "Product", "@id": "/elm", "name": "Elm"}},
      {"@type": "ListItem", "url": "https://elsewhere.example/ash"}]}</script>"""
    assert addresses(read(body)) == ["/oak", "/elm"]


def test_known_templates_tell_products_where_no_price_does() -> None:
    body = '<main><ul><li><a href="/a-long-name">A</a></li><li><a href="/info">B</a></li></ul></main>'
    assert addresses(read(body, templates={"/<phrase>": "product"})) == ["/a-long-name"]


@pytest.mark.parametrize(
    "price",
    [
        "$12",
        "12 €",
        "12,50 €",
        "EUR 12",
        "19,-",
        "kr 1.299,-",
        "12 990 ₽",
        "1 299 zł",
        "₹1,299",
        "R$ 1.234,56",
        "CHF 5.–",
        "1.299,00 TL",
        "١٢٫٥٠ د.إ",
        "from £3",
        "12.990 ₫",
        "<span class='price'>1299</span>",
    ],
)
def test_prices_of_many_countries_make_a_card(price: str) -> None:
    cards = "".join(f'<div class="x"><a href="/{name}"><img>{name}</a><p>{price}</p></div>' for name in ("oak", "elm"))
    assert addresses(read(f"<main>{cards}</main>")) == ["/oak", "/elm"]


@pytest.mark.parametrize("text", ["4.5 (12)", "2026", "30 %", "12 cm", "Tel. 0123 456", "3 reviews"])
def test_other_numbers_make_no_card(text: str) -> None:
    cards = "".join(f'<div class="x"><a href="/{name}">{name}</a><p>{text}</p></div>' for name in ("oak", "elm"))
    assert addresses(read(f"<main>{cards}</main>")) == []


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("/lamps", 1),
        ("/lamps?page=3", 3),
        ("/lamps?p=2&sort=a", 2),
        ("/lamps/page/4/", 4),
        ("/lamps?offset=24", 25),
        ("/lamps?page=x", 1),
    ],
)
def test_the_number_of_a_page_is_in_its_address(address: str, number: int) -> None:
    assert page_number(SITE + address) == number


@pytest.mark.parametrize(
    ("address", "other"),
    [
        ("/lamps", "/lamps?page=7"),
        ("/lamps?p=2&sort=a", "/lamps?sort=a&p=7"),
        ("/lamps/page/4/", "/lamps/page/7/"),
    ],
)
def test_another_page_has_the_same_address_with_another_number(address: str, other: str) -> None:
    assert with_page(SITE + address, 7) == SITE + other


def test_a_page_of_ten_thousand_cards_or_levels_is_read_in_bounded_time() -> None:
    many = "".join(f'<div class="c"><a href="/p-{n}"><img></a><b>{n} €</b></div>' for n in range(2_000))
    assert len(read(f"<main><div>{many}</div></main>").cards) == 2_000
    deep = "<div>" * 5_000 + '<a href="/x">5 €</a>' + "</div>" * 5_000
    assert read(deep).cards == []


_PIECES = st.sampled_from(
    [
        "<ul>",
        "<li>",
        "</li>",
        "<div class='price'>",
        "</div>",
        "<a href='/x",
        "'>",
        "<a href=/p/1>",
        "5 €",
        "<nav>",
        "<h1>",
        "<script type='application/ld+json'>",
        '{"@type":"ItemList","itemListElement":',
        "[",
        "{",
        "}",
        "</script>",
        "<img>",
        "<b aria-controls=a id=a>",
        "&#0;",
        "\x00",
        "Next",
        "<base href='http://[",
        "<a rel=next href='?page=99999999999999'>",
    ]
)


@settings(max_examples=150)
@given(st.lists(_PIECES | st.text(max_size=20), max_size=60))
def test_no_page_raises_anything_but_our_own_error(pieces: list[str]) -> None:
    try:
        page = parse_page("".join(pieces), SITE + "/lamps")
    except PageMalformed:
        return
    shown = read_list(page, templates={})
    assert all(card.address.startswith("http") for card in shown.cards)
