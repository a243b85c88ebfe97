"""Feeds through the real tasks: what stands at an address, and links to pages of products."""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from catalog.feed_imports import import_links
from catalog.feeds.models import FeedImport
from catalog.robots import forget_rules
from marketplace.models import Category, Product, ProductCategory, Seller, SyncRun
from marketplace.syncs import start_sync
from tests.catalog.feed_imports.sending import LAMPS, following, send, statuses
from tests.sample_shop import Answer, small_site

pytestmark = pytest.mark.django_db


class Feeds:
    """Serves one feed with an ETag, and counts what was asked for."""

    def __init__(self) -> None:
        self.body = LAMPS.encode()
        self.etag = '"1"'
        self.media_type = "text/csv"
        self.asked: list[tuple[str, int]] = []
        self.lock = threading.Lock()

    def answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        status = 404 if path == "/robots.txt" else 304 if headers.get("If-None-Match") == self.etag else 200
        with self.lock:
            self.asked.append((path, status))
        body = self.body if status == 200 else b""
        return status, {"Content-Type": self.media_type, "ETag": self.etag}, body


@pytest.fixture
def feeds(settings: Any) -> Iterator[Feeds]:
    feeds = Feeds()
    forget_rules()
    with small_site(feeds.answer) as site:
        settings.FETCH_PRIVATE_HOSTS = [site.split("/")[2]]
        feeds.site = site
        yield feeds


@pytest.fixture
def sync_feed(feeds: Feeds, seller: Seller, follow: Callable[..., SyncRun]) -> Callable[[str], SyncRun]:
    def run(path: str) -> SyncRun:
        Seller.objects.update(catalog_address=feeds.site + path)
        seller.refresh_from_db()
        feeds.asked.clear()
        return follow(start_sync(seller=seller, trigger="test")[0])

    return run


def test_a_feed_that_has_not_changed_costs_one_request_and_keeps_every_product(
    feeds: Feeds, sync_feed: Callable[[str], SyncRun]
) -> None:
    feeds.body += b",No id,,,,\n"
    first = sync_feed("/lamps.csv")
    assert feeds.asked == [("/robots.txt", 404), ("/lamps.csv", 200)]
    second = sync_feed("/lamps.csv")

    assert feeds.asked == [("/lamps.csv", 304)]
    assert (first.outcome["live"], second.outcome["live"], second.outcome["gone"]) == (2, 2, 0)
    assert second.stages == {"sync-seller": {"completed": 1}, "scrape-catalog": {"completed": 1}}
    assert not following(second)
    assert set(ProductCategory.objects.values_list("sync_id", flat=True)) == {second.pk}
    newest = FeedImport.objects.first()
    assert newest is not None
    assert (newest.sync, newest.rows, newest.refused, newest.row_errors.count()) == (second, 3, 1, 1)


def test_a_feed_that_has_changed_is_read_again_and_only_what_changed_goes_on(
    feeds: Feeds, sync_feed: Callable[[str], SyncRun]
) -> None:
    sync_feed("/lamps.csv")
    feeds.body, feeds.etag = LAMPS.replace("29.90", "24.90").encode(), '"2"'
    sync = sync_feed("/lamps.csv")

    assert feeds.asked == [("/lamps.csv", 200)]
    assert sync.outcome["live"] == 2
    assert following(sync) == {"quality-control": 1, "index-product": 1}


def test_products_that_died_have_the_feed_read_again_although_it_is_the_same(
    feeds: Feeds, sync_feed: Callable[[str], SyncRun]
) -> None:
    sync_feed("/lamps.csv")
    Product.objects.filter(external_id="feed:2").update(status="dead")
    sync = sync_feed("/lamps.csv")

    assert feeds.asked == [("/lamps.csv", 200)]
    assert sync.outcome["live"] == 2


@pytest.mark.parametrize(
    ("path", "media_type", "body"),
    [
        ("/export?format=csv", "text/csv; charset=utf-8", LAMPS),
        ("/lamps.jsonl", "text/plain", '{"id": "1", "title": "Red lamp"}\n{"id": "2", "title": "Blue lamp"}\n'),
        (
            "/merchant",
            "application/xml",
            '<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><title>x</title>'
            "<item><g:id>1</g:id><g:title>Red lamp</g:title></item>"
            "<item><g:id>2</g:id><g:title>Blue lamp</g:title></item></channel></rss>",
        ),
    ],
)
def test_a_feed_is_told_by_its_name_its_type_or_how_it_begins(
    feeds: Feeds, sync_feed: Callable[[str], SyncRun], path: str, media_type: str, body: str
) -> None:
    feeds.media_type, feeds.body = media_type, body.encode()

    assert sync_feed(path).outcome["live"] == 2


def test_the_catalogs_sync_leaves_what_files_brought(
    seller: Seller, follow: Callable[..., SyncRun], feeds: Feeds, sync_feed: Callable[[str], SyncRun]
) -> None:
    follow(send(seller, LAMPS).sync)

    feeds.body = b"id,title\n9,Own lamp\n"
    sync = sync_feed("/lamps.csv")

    assert (sync.status, sync.outcome["gone"]) == ("finished", 0)
    assert statuses() == {"feed:1": "live", "feed:2": "live", "feed:9": "live"}


def test_links_bring_the_products_of_their_pages(seller: Seller, follow: Callable[..., SyncRun], settings: Any) -> None:
    def answer(path: str, headers: Mapping[str, str]) -> Answer:
        number = path.split("/")[2] if path.startswith("/p/") else ""
        title = "Page Not Found" if number == "3" else f"Lamp {number}"
        page = f'<meta property="og:title" content="{title}"><meta property="product:price:amount" content="9.90">'
        return (200, {"Content-Type": "text/html"}, page.encode()) if number else (404, {}, b"")

    forget_rules()
    with small_site(answer) as site:
        settings.FETCH_PRIVATE_HOSTS = settings.WHATSAPP_HOSTS = [site.split("/")[2]]
        links = [f"{site}/p/{number}/447700900100" for number in (1, 2, 2, 3)]
        sync = follow(import_links(seller=seller, addresses=links, trigger="test"))
        assert sync.outcome["found"] == 3
        follow(import_links(seller=seller, addresses=links[:1], trigger="test", keeps_others=True))

    codes = {product.external_id: product.reasons[0]["code"] for product in Product.objects.all()}
    assert codes == {
        "whatsapp:1": "picture.missing",
        "whatsapp:2": "picture.missing",
        "whatsapp:3": "catalog.page_not_found",
    }
    assert not Category.objects.exists()
