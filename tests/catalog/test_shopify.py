"""The shopify source: whole syncs of a sample shop, and what its JSON says."""

from collections.abc import Iterator
from typing import Any

import pytest

from catalog.sources import interfaces, shopify
from jobs.models import Job
from marketplace.models import Product
from tests.shops.shopify import dearer, shopify_shop, without
from tests.shops.syncing import Scrape, finish, followers, job_states, make_live, scraping
from tests.shops.truth import stored_products


@pytest.fixture
def scrape(db: None, settings: Any) -> Iterator[Scrape]:
    with scraping(settings) as run:
        yield run


def test_every_product_is_read_from_the_lists_with_its_collections(scrape: Scrape) -> None:
    with shopify_shop(products=60) as shop:
        sync = scrape(shop.site)
        truth = shop.truth()

    assert stored_products() == truth
    assert not job_states(sync, "scrape-product")
    assert job_states(sync, "scrape-catalog") == {"completed": 8}  # the site, two pages of all, five collections
    assert len(shop.asked) == len(set(shop.asked))
    assert not [path for path in shop.asked if path.startswith(("/cart", "/products/"))]
    assert sorted(followers(sync)) == sorted(
        ("process-images", pk) for pk in Product.objects.values_list("pk", flat=True)
    )
    lamp = Product.objects.get(external_id="shopify:7000000")
    assert lamp.description == "A lamp & its shade, no. 0.\nOak\nLinen"
    assert lamp.evidence["price"] == {"evidence": "shopify-json", "confidence": 1.0}
    assert finish(sync).found == 60


def test_a_resync_goes_on_with_what_changed_and_ends_what_vanished(scrape: Scrape) -> None:
    with shopify_shop(products=60) as shop:
        finish(scrape(shop.site))
        make_live()
        unchanged = scrape(shop.site)
        assert followers(unchanged) == []
        assert finish(unchanged).gone == 0
        without(shop, "lamp-7")
        dearer(shop, "lamp-8")
        sync = scrape(shop.site)
        truth = shop.truth()

    eighth = Product.objects.get(external_id="shopify:7000104")
    assert followers(sync) == [("quality-control", eighth.pk)]
    assert finish(sync).gone == 1
    assert stored_products() == truth
    assert list(stored_products(is_gone=True)) == ["shopify:7000091"]


@pytest.mark.parametrize("closed", [200, 401, 403, 404])
def test_closed_json_leaves_the_sitemap_and_the_pages(scrape: Scrape, closed: int) -> None:
    with shopify_shop(products=20, closed=closed) as shop:
        sync = scrape(shop.site)
        truth = shop.truth(by_page=True)

    assert stored_products() == truth
    assert job_states(sync, "scrape-product") == {"completed": 20}
    assert len([path for path in shop.asked if path.startswith("/products/")]) == 20


def test_products_keep_their_rows_when_the_json_is_closed_and_opened(scrape: Scrape) -> None:
    with shopify_shop(products=15) as shop:
        finish(scrape(shop.site))
        make_live()
        rows = set(Product.objects.values_list("pk", "external_id"))
        shop.closed = 403
        sync = scrape(shop.site)
        assert followers(sync) == []  # the pages say the same
        assert finish(sync).gone == 0
        assert set(Product.objects.values_list("pk", "external_id")) == rows
        Product.objects.filter(external_id="shopify:7000013").update(external_id="shopify:@lamp-1")
        shop.closed = 0
        assert finish(scrape(shop.site)).gone == 0
        assert set(Product.objects.values_list("pk", "external_id")) == rows


def test_2600_products_are_paged(scrape: Scrape) -> None:
    with shopify_shop(products=2_600, share=0.02) as shop:
        sync = scrape(shop.site)
        truth = shop.truth()

    assert stored_products() == truth
    assert not job_states(sync, "scrape-product")
    assert [path for path in shop.asked if path.startswith("/products.json")] == [
        f"/products.json?limit=250&page={page}" for page in range(1, 13)
    ]


def test_products_beyond_the_offset_limit_are_found_in_collections_and_the_sitemap(
    scrape: Scrape, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shopify, "PAGE", 50)
    monkeypatch.setattr(shopify, "OFFSET_LIMIT", 100)
    with shopify_shop(products=130, share=0.2, offset_limit=100) as shop:
        sync = scrape(shop.site)
        truth, beyond = shop.truth(), shop.truth(by_page=True)

    found = stored_products()
    assert {product.address for product in found.values()} == {product.address for product in truth.values()}
    assert len(found) == 130
    assert {key: found[key] for key in found if key in truth} == {key: truth[key] for key in found if key in truth}
    assert all(found[key] == beyond[key] for key in found if key not in truth)
    # The sitemap names products that the lists did not show, and no others are read by page.
    assert job_states(sync, "scrape-product") == {"completed": len([key for key in found if key not in truth])}
    skipped = [(job.result or {})["skipped"] for job in Job.objects.filter(grp=sync.group, task="scrape-catalog")]
    assert {shopify.SKIPPED_BEYOND: 1} in skipped


def test_a_shop_that_asks_for_rest_loses_nothing(scrape: Scrape) -> None:
    with shopify_shop(products=20, busy=1) as shop:
        sync = scrape(shop.site)
        assert stored_products() == shop.truth()

    assert set(job_states(sync, "scrape-catalog")) == {"completed"}
    attempts = Job.objects.filter(grp=sync.group, task="scrape-catalog").values_list("attempt", flat=True)
    assert set(attempts) == {1}  # a wait that was asked for spends none


def test_a_shop_behind_its_password_page_fails_with_a_remedy(scrape: Scrape) -> None:
    with shopify_shop(products=5, is_behind_password=True) as shop:
        sync = scrape(shop.site)

    job = Job.objects.get(grp=sync.group, task="scrape-catalog")
    assert (job.state, job.error_code) == ("failed", "catalog.not_public")
    assert "Password protection" in job.error_message


def test_pages_that_are_too_large_are_read_in_smaller_ones(scrape: Scrape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "MAX_JSON_BYTES", 90_000)
    with shopify_shop(products=60) as shop:
        sync = scrape(shop.site)
        assert stored_products() == shop.truth()

    assert set(job_states(sync, "scrape-catalog")) == {"completed"}
    assert "/products.json?limit=25&page=3" in shop.asked
