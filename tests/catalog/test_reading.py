"""Whole pages: what each says, by which evidence, and that no page does more than say nothing."""

import gc
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from catalog.extraction.document import PageMalformed
from catalog.extraction.page_data import PageData
from catalog.extraction.reading import read_page
from marketplace.money import Money

PAGES = Path(__file__).parent / "pages"
TRUTH: dict[str, dict[str, Any]] = json.loads((PAGES / "truth.json").read_text())
ADDRESS = "https://shop.example/p/lamp"
PRODUCT = '{"@type":"Product","name":"Lamp","offers":{"price":"%s","priceCurrency":"EUR"}}'


def _said(page: PageData) -> dict[str, Any]:
    return {
        "title": page.title,
        "price": page.price and page.price.amount,
        "list_price": page.list_price and page.list_price.amount,
        "currency": page.currency,
        "availability": page.availability,
        "sku": page.sku,
        "brand": page.brand,
        "gtin": page.gtin,
        "breadcrumbs": [crumb.name for crumb in page.breadcrumbs],
        "variants": len(page.variants),
        "image": next(iter(page.images), ""),
    }


def _page(body: str, *, head: str = "", markup: str = "") -> str:
    script = f'<script type="application/ld+json">{markup}</script>' if markup else ""
    return f'<html lang="en-GB"><head><title>Lamp | Shop</title>{head}{script}</head><body>{body}</body></html>'


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_page_says_what_its_shop_sells(name: str) -> None:
    expected = {key: value for key, value in TRUTH[name].items() if key != "url"}
    for key in ("price", "list_price"):
        if expected.get(key) is not None:
            expected[key] = Decimal(expected[key])

    said = _said(read_page((PAGES / f"{name}.html").read_text(), TRUTH[name]["url"]))

    assert {key: said[key] for key in expected} == expected


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_page_says_nothing_that_its_truth_does_not_know(name: str) -> None:
    said = _said(read_page((PAGES / f"{name}.html").read_text(), TRUTH[name]["url"]))

    assert {key for key in ("list_price", "sku", "brand", "gtin") if said[key] and key not in TRUTH[name]} <= {
        "sku" if name == "dollars-undecided" else ""
    } | ({"list_price"} if name == "shopify-variants" else set())


def test_markup_that_nobody_sees_loses_to_the_price_beside_the_title() -> None:
    page = read_page(
        _page('<h1>Lamp</h1><div class="price">£59.00</div><button>Add to basket</button>', markup=PRODUCT % "89.00"),
        ADDRESS,
    )

    assert page.price == Money(Decimal("59.00"), "GBP", "£59.00")
    assert page.evidence["price"] == "dom"
    assert [(claim.value.amount, claim.evidence) for claim in page.alternatives["price"]] == [
        (Decimal("89.00"), "json-ld")
    ]


def test_markup_that_is_seen_wins_over_another_amount_on_the_page() -> None:
    body = '<h1>Lamp</h1><div class="price">89.00 EUR</div><p>Old lamp bought back for 10.00 EUR</p>'

    page = read_page(_page(body, markup=PRODUCT % "89.00"), ADDRESS)

    assert (page.price and page.price.amount, page.evidence["price"]) == (Decimal("89.00"), "json-ld")
    assert page.confidence["price"] > 0.7


def test_the_shops_own_name_is_no_brand_unless_it_is_shown_as_one() -> None:
    head = '<meta property="og:site_name" content="Lumen">'
    markup = '{"@type":"Product","name":"Lamp","brand":"Lumen"}'

    filled_in = read_page(_page("<h1>Lamp</h1>", head=head, markup=markup), ADDRESS)
    shown = read_page(_page("<h1>Lamp</h1><p>Brand: <b>Lumen</b></p>", head=head, markup=markup), ADDRESS)

    assert (filled_in.brand, shown.brand) == ("", "Lumen")


def test_a_number_beside_its_label_wins_over_one_that_only_markup_has() -> None:
    markup = '{"@type":"Product","name":"Lamp","sku":"9910023"}'

    shown = read_page(_page("<h1>Lamp</h1><p>Product code: LMP-4</p>", markup=markup), ADDRESS)
    hidden = read_page(_page("<h1>Lamp</h1>", markup=markup), ADDRESS)

    assert (shown.sku, hidden.sku) == ("LMP-4", "9910023")


def test_a_button_to_buy_outweighs_the_words_of_another_state() -> None:
    words = '<h1>Lamp</h1><p class="stock unavailable">Out of stock</p>'

    assert read_page(_page(words), ADDRESS).availability == "OutOfStock"
    assert read_page(_page(words + "<button>Add to cart</button>"), ADDRESS).availability == "InStock"
    assert read_page(_page(words + "<button disabled>Add to cart</button>"), ADDRESS).availability == "OutOfStock"


def test_prices_of_other_products_are_not_the_pages_own() -> None:
    others = "".join(f'<div class="card"><a href="/p/{n}">Lamp {n}</a><b>£{n}.00</b></div>' for n in range(10, 16))

    page = read_page(
        _page(f'<h1>Lamp</h1><p>Sold in our shops</p><div class="related-products">{others}</div>'), ADDRESS
    )

    assert page.price is None


def test_pictures_are_the_largest_and_neither_logos_nor_icons() -> None:
    body = """<header><img src="/logo.png"></header><div class="gallery"><h1>Lamp</h1>
    <img alt="Lamp" src="/lamp-300x300.jpg" srcset="/lamp-300x300.jpg 300w, /lamp-1200x1200.jpg 1200w">
    <img alt="Lamp" src="/lamp-back.jpg"><img src="/icons/cart.svg"><img src="/pixel.gif" width="1" height="1"></div>"""

    assert read_page(_page(body), ADDRESS).images == (
        "https://shop.example/lamp-1200x1200.jpg",
        "https://shop.example/lamp-back.jpg",
    )


def test_bytes_are_decoded_by_what_the_page_says() -> None:
    page = read_page('<meta charset="windows-1251"><h1>Лампа</h1>'.encode("windows-1251"), ADDRESS)

    assert page.title == "Лампа"


@pytest.mark.parametrize("html", ["", "<p>", "\x00", "<!doctype html><html></html>", "x" * 8_000_001])
def test_a_page_that_names_no_product_is_malformed(html: str) -> None:
    with pytest.raises(PageMalformed):
        read_page(html, ADDRESS)


EVIL = {
    "nested elements": "<div>" * 200_000,
    "balanced nesting": "<h1>Lamp</h1>" + "<div>" * 100_000 + "</div>" * 100_000,
    "formatting": "".join(f"<b id={n}>" for n in range(5_000)) + "<p>x" * 5_000,
    "attributes": "<h1>Lamp</h1><p " + " ".join(f"a{n}" for n in range(60_000)) + ">",
    "options": "<h1>Lamp</h1><select>" + "<option>$5</option>" * 50_000,
    "nested json": _page("", markup="[" * 100_000),
    "nested offers": _page(
        "<h1>Lamp</h1>",
        markup='{"@type":"Product","name":"Lamp","offers":'
        + '{"@type":"AggregateOffer","offers":' * 900
        + "1"
        + "}" * 901,
    ),
    "unending literals": _page("<h1>Lamp</h1>") + "<script>" + 'a={"price":' * 100_000 + "</script>",
    "many prices": "<h1>Lamp</h1>" + "<p class=price>$5</p>" * 30_000,
    "one long text": "<h1>Lamp</h1><p class=price>$" + "1," * 1_000_000,
    "a number without end": _page("<h1>Lamp</h1>", markup=PRODUCT.replace('"%s"', "9" * 100_000)),
    "an exponent": _page("<h1>Lamp</h1>", markup=PRODUCT.replace('"%s"', "1e999999999")),
    "separators": "<title>" + " | " * 100_000 + "</title>",
}


@pytest.mark.timeout(30)  # unbounded, each took from 20 s to hours; bounded, 2 s at most
@pytest.mark.parametrize("name", sorted(EVIL))
def test_no_page_takes_long_or_fails_otherwise_than_malformed(name: str) -> None:
    try:
        page: PageData | None = read_page(EVIL[name], ADDRESS)
    except PageMalformed:
        page = None

    assert page is None or page.price is None or page.price.amount == 5


PIECES = """<div|<h1>|</h1>|>|<script type=application/ld+json>|</script>|{"@type":"Product","name":|"Lamp"|}|[
]|,|"offers":|"price":|19.99|€|$|<del>|</del>|<meta property=og:title content=|Lamp|<s>|SKU: |A-1
<select><option>|<table><tr><td>|In stock|<a href=|<img src=|<!--|-->|&amp;|<title>|<p class=price>
<button>Add to cart|itemscope itemprop=offers |'|"|12,5|1e9|<form data-product_variations='|{a:'b',}
window.x = |<base href=http://[>|<p itemprop=price>|<p typeof=Product property=name>"""
WORDS = st.sampled_from([*PIECES.replace("\n", "|").split("|"), "\x00", "\ud800"])


@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=60))
@example_settings(max_examples=150, deadline=None)
def test_any_text_is_a_page_or_malformed(parts: list[str]) -> None:
    try:
        page = read_page("".join(parts), ADDRESS)
    except PageMalformed:
        return

    assert page.title
    assert page.price is None or page.price.amount >= 0
    assert all(0 <= confidence <= 1 for confidence in page.confidence.values())


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                [
                    "@type",
                    "@graph",
                    "@id",
                    "name",
                    "offers",
                    "price",
                    "priceCurrency",
                    "sku",
                    "brand",
                    "hasVariant",
                    "image",
                    "itemListElement",
                    "item",
                    "position",
                    "availability",
                    "priceSpecification",
                    "url",
                    "@value",
                    "gtin13",
                ]
            ),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=25,
)


@given(VALUES)
@example_settings(max_examples=150, deadline=None)
def test_any_json_is_markup_or_nothing(value: Any) -> None:
    markup = json.dumps({"@type": "Product", "name": "Lamp", "offers": value, "hasVariant": value, "@graph": [value]})

    page = read_page(_page("<h1>Lamp</h1>", markup=markup), ADDRESS)

    assert page.title == "Lamp"


def test_the_collector_of_cycles_is_as_it_was_after_a_page() -> None:
    read_page(_page("<h1>Lamp</h1>"), ADDRESS)
    with pytest.raises(PageMalformed):
        read_page("<p>nothing</p>", ADDRESS)

    assert gc.isenabled()
