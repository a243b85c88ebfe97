"""The woocommerce source: whole syncs of a sample shop, and what its interface says."""

from collections.abc import Iterator
from typing import Any

import pytest

from catalog.sources import woocommerce
from marketplace.models import Product
from tests.shops.syncing import Scrape, finish, followers, job_states, make_live, scraping
from tests.shops.truth import TruthProduct, stored_products
from tests.shops.woocommerce import change, woo_shop


@pytest.fixture
def scrape(db: None, settings: Any) -> Iterator[Scrape]:
    with scraping(settings) as run:
        yield run


def by_address(products: dict[str, TruthProduct]) -> dict[str, TruthProduct]:
    return {product.address: product for product in products.values()}


def test_every_product_is_read_from_the_store_api_with_its_category_paths(scrape: Scrape) -> None:
    with woo_shop(products=60) as shop:
        sync = scrape(shop.site)
        truth = shop.truth()

    assert by_address(stored_products()) == truth
    assert not job_states(sync, "scrape-product")
    assert job_states(sync, "scrape-catalog") == {"completed": 1}
    assert len(shop.asked) == len(set(shop.asked)) <= 7
    assert len(followers(sync)) == 60
    lamp = Product.objects.get(external_id="woocommerce:140")
    assert lamp.description == "A lamp & its shade no. 1.\nOak"
    assert Product.objects.get(external_id="woocommerce:100").description == "Short no. 0."
    assert finish(sync).found == 60


@pytest.mark.parametrize(
    "behaviour",
    [
        {"folder": "/shop1"},
        {"folder": "/shop1", "says_api": False},
        {"is_pretty": False},
        {"is_pretty": False, "says_api": False, "folder": "/blog"},
        {"namespace": "wc/store"},
        {"currency": "KWD", "minor_unit": 3},
        {"currency": "JPY", "minor_unit": 0},
    ],
)
def test_the_interface_is_found_wherever_wordpress_stands(scrape: Scrape, behaviour: dict[str, Any]) -> None:
    with woo_shop(products=15, **behaviour) as shop:
        scrape(shop.site)
        assert by_address(stored_products()) == shop.truth()


def test_a_resync_goes_on_with_what_changed_and_ends_what_vanished(scrape: Scrape) -> None:
    with woo_shop(products=30) as shop:
        finish(scrape(shop.site))
        make_live()
        unchanged = scrape(shop.site)
        assert followers(unchanged) == []
        assert finish(unchanged).gone == 0
        shop.items = [item for item in shop.items if item.slug != "lamp-7"]
        change(shop, "lamp-8", name="A new name")
        sync = scrape(shop.site)
        truth = shop.truth()

    eighth = Product.objects.get(title="A new name")
    assert followers(sync) == [("generate-embedding", eighth.pk)]
    assert finish(sync).gone == 1
    assert by_address(stored_products()) == truth


@pytest.mark.parametrize("closed", [401, 404])
def test_a_closed_interface_leaves_the_sitemap_and_the_pages(scrape: Scrape, closed: int) -> None:
    with woo_shop(products=30, closed=closed) as shop:
        sync = scrape(shop.site)
        truth = shop.truth(by_page=True)

    found = by_address(stored_products())
    assert {key: _bare(product) for key, product in found.items()} == {
        key: _bare(product) for key, product in truth.items()
    }
    assert job_states(sync, "scrape-product") == {"completed": 30}


def test_products_keep_their_rows_when_the_interface_is_closed_and_opened(scrape: Scrape) -> None:
    with woo_shop(products=20, unpriced=False) as shop:
        finish(scrape(shop.site))
        make_live()
        rows = set(Product.objects.values_list("pk", "external_id"))
        shop.closed = 401
        sync = scrape(shop.site)
        assert followers(sync) == []  # the pages say the same
        assert finish(sync).gone == 0
        assert set(Product.objects.values_list("pk", "external_id")) == rows


def test_pages_are_named_in_blocks_to_the_last(scrape: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(woocommerce, "PAGE", 10)
    monkeypatch.setattr(woocommerce, "BLOCK", 3)
    with woo_shop(products=80) as shop:
        sync = scrape(shop.site)
        assert by_address(stored_products()) == shop.truth()

    assert job_states(sync, "scrape-catalog")["completed"] == 8
    assert sum("orderby=id&order=asc" in path and "type=" not in path for path in shop.asked) == 8


def test_variations_beyond_one_jobs_requests_are_read_by_following_jobs(
    scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(woocommerce, "VARIATION_REQUESTS", 1)
    monkeypatch.setattr(woocommerce, "PAGE", 20)
    with woo_shop(products=60) as shop:
        sync = scrape(shop.site)
        assert by_address(stored_products()) == shop.truth()

    assert job_states(sync, "scrape-catalog")["completed"] > 3
    assert not job_states(sync, "scrape-product")


def test_variations_without_details_keep_their_options(scrape: Scrape) -> None:
    with woo_shop(products=20, gives_variations=False) as shop:
        scrape(shop.site)
        truth = shop.truth()

    found = by_address(stored_products())
    assert found.keys() == truth.keys()
    for address, product in truth.items():
        assert [one["options"] for one in found[address].variants] == [one["options"] for one in product.variants]
        assert all(one["price"] is None for one in found[address].variants)


def test_a_large_tree_is_read_anew_for_each_list(scrape: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(woocommerce, "MAX_TREE_BYTES", 10)
    with woo_shop(products=15) as shop:
        scrape(shop.site)
        assert by_address(stored_products()) == shop.truth()


def _bare(product: TruthProduct) -> dict[str, Any]:
    return {name: getattr(product, name) for name in product.__dataclass_fields__ if name != "external_id"}
