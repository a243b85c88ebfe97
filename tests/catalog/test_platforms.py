"""Platforms: what is evidence of which, and what only looks like it."""

import pytest

from catalog.platforms import MOST_BY_PAGE, evidence_of, recognise_platforms
from catalog.sources.known import probe
from catalog.sources.source import Clues

PAGE = "<html><head>{head}</head><body class='{classes}'>{body}</body></html>"


def clues(
    head: str = "",
    body: str = "",
    classes: str = "",
    headers: dict[str, str] | None = None,
    cookies: tuple[str, ...] = (),
    address: str = "https://shop.example/",
) -> Clues:
    html = PAGE.format(head=head, body=body, classes=classes)
    return Clues(address, html, headers or {}, cookies, is_fetched=True)


def meta(name: str, content: str) -> str:
    return f'<meta name="{name}" content="{content}">'


@pytest.mark.parametrize(
    ("platform", "page"),
    [
        ("shopify", clues(headers={"X-ShopId": "1"})),
        ("shopify", clues(headers={"powered-by": "Shopify"})),
        ("shopify", clues(cookies=("_shopify_essential",))),
        ("shopify", clues(meta("shopify-digital-wallet", "/1/digital_wallets/dialog"))),
        ("shopify", clues('<script>var Shopify = Shopify || {};\nShopify.shop = "a.myshopify.com";</script>')),
        ("shopify", clues('<script src="//cdn.shopify.com/s/files/1/2/3/t/4/assets/theme.js?v=1"></script>')),
        ("shopify", clues('<link rel="stylesheet" href="//shop.example/cdn/shop/t/4/assets/base.css">')),
        ("shopify", clues(address="https://lamps.myshopify.com/")),
        ("woocommerce", clues(meta("generator", "WordPress 6.9") + meta("generator", "WooCommerce 10.4"))),
        ("woocommerce", clues(classes="home woocommerce-no-js")),
        ("woocommerce", clues("<script>var wc_add_to_cart_params = {};</script>")),
        ("woocommerce", clues("<script src='/wp-content/plugins/woocommerce/a.js'></script>")),
        ("bigcommerce", clues(meta("platform", "bigcommerce.stencil"))),
        ("magento", clues('<script type="text/x-magento-init">{}</script>')),
        ("prestashop", clues("<script>var prestashop = {};</script>")),
        ("wix", clues(meta("generator", "Wix.com Website Builder"))),
        ("squarespace", clues(headers={"Server": "Squarespace"})),
        ("opencart", clues(cookies=("OCSESSID",))),
        ("shopware", clues(headers={"sw-version-id": "1"})),
        ("vtex", clues(headers={"powered": "vtex"})),
        ("sfcc", clues(headers={"Server": "Demandware eCommerce Server"})),
    ],
)
def test_a_platform_is_recognised_by_each_of_its_signs(platform: str, page: Clues) -> None:
    first = recognise_platforms(page)[0]

    assert first.platform == platform
    assert first.is_enough
    assert first.weight <= MOST_BY_PAGE
    assert first.reasons


@pytest.mark.parametrize(
    "page",
    [
        clues(body='<p>We moved from <a href="https://www.shopify.com/">Shopify</a> to WooCommerce and Magento.</p>'),
        clues(
            body='<script src="https://sdks.shopifycdn.com/buy-button/latest/buy-button-storefront.min.js"></script>'
            "<script>ShopifyBuy.buildClient({domain: 'other.myshopify.com'});</script>"
        ),
        clues(body='<img src="https://cdn.shopify.com/s/files/1/1/files/lamp.jpg">'),
        clues('<link rel="preconnect" href="https://cdn.shopify.com">', headers={"Link": "<https://cdn.shopify.com>"}),
        clues(meta("description", "shopify-digital-wallet, generator WooCommerce"), "<pre>Shopify.shop = 'a'</pre>"),
        clues(body='<div class="woocommerce">a word</div>'),
        clues(address="https://myshopify.com.example.org/"),
        Clues("https://lamps.myshopify.com/"),
    ],
)
def test_a_page_that_mentions_a_platform_is_not_of_it(page: Clues) -> None:
    assert not [found for found in recognise_platforms(page) if found.is_enough]
    assert probe(page) == [] or probe(page)[0].source not in ("shopify", "woocommerce")


def test_weights_add_up_and_never_reach_certainty() -> None:
    page = clues(
        meta("shopify-digital-wallet", "/1") + '<script>Shopify.shop = "a"; Shopify.theme = {"id":1};</script>',
        headers={"X-ShopId": "1", "X-Shopify-Stage": "production"},
    )
    evidence = evidence_of("shopify", page)

    assert evidence.weight == 99
    assert evidence.reasons == (
        "header x-shopid (60)",
        "header x-shopify-stage (60)",
        "meta shopify-digital-wallet (60)",
        "script sets Shopify.shop (50)",
        "script sets Shopify.theme (40)",
    )
    (stored, *_) = probe(page)
    assert (stored.source, stored.weight) == ("shopify", 99)
    assert stored.reason == "; ".join(evidence.reasons)
