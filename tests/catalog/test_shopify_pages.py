"""Shopify's pages: what they say of the shop, and what the source makes of shops that say little."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from catalog.reading import SiteReader
from catalog.robots import forget_rules
from catalog.sources.shopify import PRODUCTS, ShopifySource
from catalog.sources.shopify_pages import embedded_product, handle_of, is_password_page, shop_currency, shop_root
from catalog.sources.source import CatalogNotPublic, Clues, ListPage
from jobs.errors import PermanentError
from tests.sample_shop import Answer, small_site
from tests.shops.shopify import ShopifyShop, shopify_shop
from tests.shops.truth import plain

SOURCE = ShopifySource()


@pytest.fixture
def shop(settings: Any) -> Iterator[ShopifyShop]:
    forget_rules()
    with shopify_shop(products=5) as opened:
        settings.FETCH_PRIVATE_HOSTS = [opened.site.split("/")[2]]
        yield opened


def front(reader: SiteReader, address: str) -> Clues:
    reply = reader.get(address)
    return Clues(reply.address, reply.text, reply.headers, reply.cookies, is_fetched=True)


@pytest.mark.parametrize(
    ("html", "currency"),
    [
        ('<script>Shopify.currency = {"active":"EUR","rate":"1.0"};</script>', "EUR"),
        ('<script>Shopify.currency = {"active":"EUR","rate":"1"};</script>', "EUR"),
        ('<script>Shopify.currency = {"active":"CAD","rate":"1.36"};</script>', ""),
        ('<script>Shopify.currency = {"active":"CAD","rate":"x"};</script>', ""),
        ('<script>Shopify.currency = {broken};</script><meta property="og:price:currency" content="USD">', None),
        ('<meta property="og:price:currency" content="usd">', "USD"),
        ('<script type="application/ld+json">{"offers":{"priceCurrency":"GBP"}}</script>', "GBP"),
        ('<script type="application/ld+json">[{"priceCurrency":"GBP"},{"priceCurrency":"EUR"}]</script>', None),
        ("<p>All prices in EUR, €</p>", None),
        ("", None),
    ],
)
def test_a_page_says_the_shops_currency_or_nothing(html: str, currency: str | None) -> None:
    assert shop_currency(html) == currency


@pytest.mark.parametrize(
    ("behaviour", "currency"),
    [
        ({}, "EUR"),
        ({"rate": "1.08"}, ""),
        ({"says_currency": False}, ""),
        ({"says_currency": False, "forbids_cart": False}, "EUR"),
    ],
)
def test_lists_carry_the_currency_or_none(shop: ShopifyShop, behaviour: dict[str, Any], currency: str) -> None:
    for name, value in behaviour.items():
        setattr(shop, name, value)
    with SiteReader() as reader:
        lists = SOURCE.start(reader, front(reader, shop.site))

    assert lists is not None
    assert {page.cursor["currency"] for page in lists} == {currency}
    assert any(path == "/cart.js" for path in shop.asked) == (behaviour.get("forbids_cart") is False)


def test_a_shop_behind_its_password_page_is_not_public(shop: ShopifyShop) -> None:
    shop.is_behind_password = True
    with SiteReader() as reader:
        clues = front(reader, shop.site)
        with pytest.raises(CatalogNotPublic, match="Online Store, Preferences"):
            SOURCE.start(reader, clues)
        page = ListPage("shopify", f"{shop.site}/products.json", PRODUCTS, cursor={"page": 1, "limit": 250, "root": ""})
        with pytest.raises(CatalogNotPublic):
            SOURCE.discover(reader, page)
    with pytest.raises(CatalogNotPublic):
        SOURCE.extract("<html></html>", f"{shop.site}/password")


def test_a_headless_shop_without_json_and_sitemap_is_left_to_others(settings: Any) -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        if path in ("/", "/sitemap.xml"):
            front = b"<html><h1>Harbour Lane</h1><p>Lamps and chairs for every room.</p><a href='/item/1'>Oak lamp</a>"
            body = front if path == "/" else b"<urlset><url><loc>/item/1</loc></url></urlset>"
            return 200, {"Content-Type": "text/html", "x-shopid": "1"}, body
        return 404, {}, b""

    forget_rules()
    with small_site(answer) as site, SiteReader() as reader:
        settings.FETCH_PRIVATE_HOSTS = [site.split("/")[2]]
        clues = front(reader, site)
        assert SOURCE.probe(clues) is not None
        assert SOURCE.start(reader, clues) is None


def test_an_empty_json_of_a_collection_leads_to_its_page(shop: ShopifyShop) -> None:
    shop.empty_collections = frozenset(shop.collections)
    with SiteReader() as reader:
        lists = SOURCE.start(reader, front(reader, shop.site))
        assert lists is not None
        shown = next(page for page in lists if page.kind == "collection" and page.cursor["count"])
        (archive,) = SOURCE.discover(reader, shown).lists
        listing = SOURCE.discover(reader, archive)

    title = archive.paths[0][0].name
    truth = [product for product in shop.truth().values() if title in product.categories]
    assert [product.address for product in listing.products] == [product.address for product in truth]
    assert {product.paths for product in listing.products} == {archive.paths}


def test_other_languages_of_the_sitemap_are_not_read(shop: ShopifyShop) -> None:
    shop.closed = 404
    with SiteReader() as reader:
        lists = SOURCE.start(reader, front(reader, shop.site))

    assert lists is not None
    names = [page.address.removeprefix(shop.site).partition("?")[0] for page in lists]
    assert names == ["/sitemap_products_1.xml", "/sitemap_collections_1.xml"]


def test_the_sample_shop_keeps_shopifys_limits(shop: ShopifyShop) -> None:
    assert shop.answer("/products.json?limit=250&page=101", {})[0::2] == (
        400,
        b'{"errors":"Page * Limit exceeds the 25000 limit."}',
    )
    assert shop.answer("/products.json?limit=250&page=100", {})[0::2] == (200, b'{"products":[]}')
    assert shop.answer("/sitemap_products_1.xml", {})[0] == 400


@pytest.mark.parametrize(
    ("script", "root"),
    [
        ("", "https://shop.example/"),
        ('Shopify.routes.root = "/";', "https://shop.example/"),
        ('Shopify.routes.root = "/en-ca/";', "https://shop.example/en-ca/"),
        ('Shopify.routes.root = "//evil.example/";', "https://shop.example/"),
    ],
)
def test_a_shops_root_is_that_of_its_language(script: str, root: str) -> None:
    assert shop_root(Clues("https://shop.example/en-ca/collections/all", f"<script>{script}</script>")) == root


@pytest.mark.parametrize(
    ("address", "handle"),
    [
        ("https://x/products/lamp-1", "lamp-1"),
        ("https://x/collections/all/products/lamp-%C3%A9?variant=1", "lamp-é"),
        ("https://x/en/products/lamp/", "lamp"),
        ("https://x/products/", ""),
        ("https://x/pages/products", ""),
        ("https://x/", ""),
    ],
)
def test_an_address_names_its_handle(address: str, handle: str) -> None:
    assert handle_of(address) == handle


def test_a_theme_that_holds_only_markup_says_the_same_product(shop: ShopifyShop) -> None:
    shop.theme = "markup"
    fields = ("availability", "brand", "sku")
    for truth in shop.truth(by_page=True).values():
        page = shop.answer(truth.address.removeprefix(shop.site), {})[2].decode()
        product = SOURCE.extract(page, truth.address)

        assert [getattr(product, name) for name in fields] == [getattr(truth, name) for name in fields]
        assert (product.title, product.picture_addresses) == (truth.title, list(truth.pictures))
        assert (product.price and plain(product.price.amount)) == truth.price
        assert (product.price and product.price.currency) == truth.currency
        assert (product.list_price and plain(product.list_price.amount)) == truth.list_price


def test_a_password_page_is_known_by_its_address() -> None:
    assert is_password_page("https://x/password?return=1")
    assert is_password_page("https://x/en/password/")
    assert not is_password_page("https://x/products/password-book")


@pytest.mark.parametrize(
    "script", ["{", '{"variants": 5}', '{"handle":"lamp","variants":[1]}', "[" * 9_000 + '"variants"']
)
def test_scripts_that_hold_no_product_say_nothing(script: str) -> None:
    html = f'<script type="application/json">{script}</script>'

    assert embedded_product(html, "https://x/products/lamp") is None
    with pytest.raises(PermanentError, match="names no product"):
        SOURCE.extract(html, "https://x/products/lamp")
