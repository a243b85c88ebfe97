"""WooCommerce's places: where its interface stands, what its requests are, and what its pages say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.sources.archives import read_archive
from catalog.sources.shopify_pages import embedded_product, shop_currency, shop_root
from catalog.sources.source import Clues
from catalog.sources.woocommerce import CARDS, TRAIL, _rest_roots, _split_variable, home_of, rest_address
from catalog.sources.woocommerce_pages import read_product_page
from jobs.errors import JobError

ADDRESS = "https://shop.example/product/lamp/"
OFFER = '{"@type":"Offer","price":"5.00","priceCurrency":"EUR"}'
PRODUCT = '{"@type":"Product","name":"Lamp","sku":"7","offers":' + OFFER + "}"
MARKUP = f'<script type="application/ld+json">{PRODUCT}</script>'


@pytest.mark.parametrize(
    ("html", "headers", "roots"),
    [
        ("", {}, ["https://x/wp-json/", "https://x/?rest_route=/"]),
        (
            '<link rel="https://api.w.org/" href="https://x/wp-json/">',
            {},
            ["https://x/wp-json/", "https://x/?rest_route=/"],
        ),
        (
            '<link rel="https://api.w.org/" href="https://x/index.php?rest_route=/">',
            {},
            ["https://x/index.php?rest_route=/", "https://x/?rest_route=/"],
        ),
        (
            "",
            {"Link": '<https://x/api>; rel="https://api.w.org/", <https://x/?p=1>; rel=shortlink'},
            ["https://x/api/", "https://x/?rest_route=/"],
        ),
        (
            '<link rel="https://api.w.org/" href="http://localhost:8080/wp-json/">',
            {},
            ["https://x/wp-json/", "https://x/?rest_route=/", "http://localhost:8080/wp-json/"],
        ),
        ('<link rel="https://api.w.org/" href="http://[bad">', {}, ["https://x/wp-json/", "https://x/?rest_route=/"]),
        (
            "<script src='https://x/blog/wp-content/plugins/woocommerce/a.js'></script>",
            {},
            ["https://x/blog/wp-json/", "https://x/blog/?rest_route=/"],
        ),
    ],
)
def test_the_interface_is_looked_for_where_the_page_says(html: str, headers: dict[str, str], roots: list[str]) -> None:
    clues = Clues("https://x/shop/", html, headers, is_fetched=True)

    assert _rest_roots(clues, home_of(clues)) == roots


@pytest.mark.parametrize(
    ("api", "address"),
    [
        ("https://x/wp-json/wc/store/v1/", "https://x/wp-json/wc/store/v1/products?per_page=100&include=1,2"),
        ("https://x/?rest_route=/wc/store/v1/", "https://x/?rest_route=/wc/store/v1/products&per_page=100&include=1,2"),
    ],
)
def test_a_route_may_be_a_parameter(api: str, address: str) -> None:
    assert rest_address(api, "products", per_page=100, include="1,2") == address


def test_variations_are_asked_for_in_requests_of_a_hundred() -> None:
    counts = [60, 40, 1, 250, 5, 0, *[100] * 8]
    items = [{"id": number, "variations": [{"id": 1}] * count} for number, count in enumerate(counts, 1)]
    now, later = _split_variable(items)

    assert now == [[(1, 60), (2, 40)], [(3, 1)], [(4, 250)], [(5, 5)], [(7, 100)], [(8, 100)]]
    assert later == [[(number, 100) for number in range(9, 15)]]
    assert _split_variable([{"id": "x", "variations": [{}]}, {"id": 1}]) == ([], [])


def test_the_number_in_place_of_a_sku_is_none() -> None:
    page = f'<body class="single-product postid-7">{MARKUP}<h1 class="product_title">Lamp &amp; shade</h1>'

    assert read_product_page(page, ADDRESS).sku == ""
    assert read_product_page(page.replace("postid-7", "postid-8"), ADDRESS).sku == "7"
    assert read_product_page(page, ADDRESS).title == "Lamp & shade"


@pytest.mark.parametrize("data", ["false", "", "{", "[1]", '[{"attributes": 5}]', "[" * 50_000])
def test_a_form_without_variations_says_nothing(data: str) -> None:
    form = f'<form class="variations_form" data-product_variations="{data}"></form>'
    product = read_product_page(f"<body>{MARKUP}<h1>Lamp</h1>{form}", ADDRESS)

    assert [variant["options"] for variant in product.variants] in ([], [{}])


def test_a_category_page_shows_its_cards_and_its_place() -> None:
    page = """<header><a href="/product/best/">Best</a></header><main>
    <nav class="woocommerce-breadcrumb"><a href="/">Home</a> / <a href="/c/a/">A &amp; B</a> / C</nav><h1>C</h1><ul>
    <li class="product-category product"><a href="/c/a/c/d/">D</a></li>
    <li class="product"><a class="button" href="?add-to-cart=1">Add</a><a href="/product/one/?x=1#top">One</a></li>
    <li class="wc-block-product product"><a href="/product/two/">Two</a><a href="/product/two/#r">Reviews</a></li>
    <li class="product"></li></ul><a class="next page-numbers" href="/c/a/c/page/2/">next</a></main>"""
    shown = read_archive(page, "https://x/c/a/c/", cards=CARDS, trail=TRAIL)

    assert shown.heading == "C"
    assert shown.links == ["https://x/product/one/", "https://x/product/two/"]
    assert shown.following == "https://x/c/a/c/page/2/"
    assert shown.trail == [("Home", "https://x/"), ("A & B", "https://x/c/a/")]


@pytest.mark.parametrize(
    ("address", "links", "following"),
    [
        ("https://x/c/", '<link rel="next" href="/c/?p=2">', "https://x/c/?p=2"),
        (
            "https://x/c",
            '<a href="/c?page=1">1</a><a href="/c?page=2&sort=a">2</a><a href="/c?page=3">3</a>',
            "?page=2&sort=a",
        ),
        ("https://x/c?page=2", '<a href="/c?page=1">1</a><a href="/c?page=3">3</a>', "?page=3"),
        ("https://x/c?page=3", '<a href="/c?page=1">1</a><a href="/c?page=2">2</a><a href="/d?page=4">D</a>', ""),
        ("https://x/c/page/2/", '<a href="/c/page/3/">3</a>', "/page/3/"),
        ("https://x/c/", '<a class="next" href="#">swipe</a><a href="/c/page/2/">2</a>', "/page/2/"),
        ("https://x/c/", '<a class="next" href="">swipe</a>', ""),
        ("https://x/c?page=x", '<a href="/c?page=1">1</a>', "?page=1"),
    ],
)
def test_a_category_page_leads_on_to_its_next_number(address: str, links: str, following: str) -> None:
    shown = read_archive(f"<main>{links}</main>", address)

    assert shown.following.removeprefix("https://x/c") == following.removeprefix("https://x/c")


@settings(max_examples=60)
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                MARKUP, "<main>", "<h1>", "</h1>", '<li class="product">', '<a href="http://[">', '<a href="//x">',
                '<nav class="woocommerce-breadcrumb"><a href="\x00">a', '<link rel="https://api.w.org/" href="//[/">',
                '<form class="variations_form" data-product_variations=\'[{"attributes":{"a":"b"}}]\'>', "\x00", "é",
                '<script type="application/json">{"variants":[{}],"handle":"lamp"}</script>', "</main>", "<title>x",
                'Shopify.currency = {"active":1,"rate":[]};', 'Shopify.currency = [1];', 'Shopify.routes.root = "/x"',
            ]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_no_page_breaks_the_reading(pieces: list[str]) -> None:
    html = "".join(pieces)
    clues = Clues(ADDRESS, html, is_fetched=True)
    read_archive(html, ADDRESS, cards=CARDS, trail=TRAIL)
    read_archive(html, ADDRESS)
    _rest_roots(clues, home_of(clues))
    shop_root(clues)
    shop_currency(html)
    embedded_product(html, "https://x/products/lamp")
    try:
        read_product_page(html, ADDRESS)
    except JobError as error:
        assert error.code == "catalog.page_malformed"
