"""Feeds through the real tasks: a file that a seller sends, and what stands at an address."""

import json
import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.completion import SyncEnd, end_sync
from catalog.feed_files import FeedFileAway, feed_path, products_path, store_feed
from catalog.feed_imports import import_file, import_links, take_in
from catalog.feeds.models import FeedImport, FeedRowError
from catalog.reading import SiteReader
from catalog.robots import forget_rules
from catalog.sources.source import ListPage
from jobs.models import Job, Priority
from jobs.session import Session
from jobs.workflows import finish_groups
from marketplace.models import Category, Product, ProductCategory, Seller, SyncRun
from marketplace.syncs import SyncRunning, start_sync
from qc.verdicts import judge_products, record_judgements
from tests.catalog.products import drain, job_counts, make_product, make_seller
from tests.sample_shop import Answer, small_site

pytestmark = pytest.mark.django_db
STAGES = ("process-images", "generate-embedding", "quality-control", "index-product")
HEADER = "id,title,description,price,category,link\n"
LAMPS = (
    HEADER
    + "1,Red lamp,A lamp,19.90 EUR,Home > Lamps,https://shop.example/1\n"
    + "2,Blue lamp,Another lamp,29.90 EUR,Home > Lamps,https://shop.example/2\n"
)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.FEED_DIR = tmp_path / "feeds"
    return tmp_path / "feeds"


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def follow(session: Session) -> Callable[[SyncRun | None], SyncRun]:
    """Return a function that reads what a sync is to read, judges the products, shows them, and ends the sync."""

    def run(sync: SyncRun | None) -> SyncRun:
        assert sync is not None
        _read(session)
        drain(session, "quality-control")
        pending = Product.objects.filter(last_sync=sync, status="pending")
        record_judgements(judge_products(list(pending.values_list("pk", flat=True))))
        pending.update(status="live", indexed_at=timezone.now(), embedding_fingerprint="x")
        end_sync(SyncEnd(sync_id=sync.pk, stale=[]), priority=Priority.NORMAL)
        sync.refresh_from_db()
        return sync

    return run


def _read(session: Session) -> None:
    drain(session, "sync-seller")
    while Job.objects.filter(queue__startswith="scrape-", state__in=["gated", "pending"]).exists():
        Job.objects.filter(state="gated").update(state="pending")
        drain(session, "scrape-catalog", "scrape-product")


def following(sync: SyncRun) -> Counter[str]:
    """Count the jobs of a sync beyond its reading, by task."""
    jobs = Job.objects.filter(grp=sync.group).exclude(task__in=("sync-seller", "scrape-catalog", "scrape-product"))
    return Counter(jobs.values_list("task", flat=True))


def send(seller: Seller, content: str | bytes, *, name: str = "lamps.csv", **options: Any) -> FeedImport:
    body = content.encode() if isinstance(content, str) else content
    return import_file(seller=seller, name=name, chunks=[body], trigger="test", **options)


def statuses() -> dict[str, str]:
    return dict(Product.objects.order_by("pk").values_list("external_id", "status"))


def test_a_file_brings_its_products_live(seller: Seller, session: Session, search_index: str) -> None:
    feed = send(seller, LAMPS)
    _read(session)
    drain(session, *STAGES)
    assert finish_groups() == 1
    drain(session, "sync-seller", "index-product")
    sync = feed.sync
    assert sync is not None
    sync.refresh_from_db()

    assert (sync.status, sync.outcome["live"], sync.outcome["found"]) == ("finished", 2, 2)
    red = Product.objects.get(external_id="feed:1")
    assert (red.title, red.currency, red.address) == ("Red lamp", "EUR", "https://shop.example/1")
    assert red.price == Decimal("19.90")
    assert list(red.categories.values_list("path", flat=True)) == ["Home > Lamps"]
    feed.refresh_from_db()
    assert (feed.rows, feed.accepted, feed.refused, feed.kind) == (2, 2, 0, "csv")
    assert feed.finished_at is not None
    assert feed.file.name == ""
    assert "pictures" in feed.not_carried
    assert not {"price", "currency"} & set(feed.not_carried)
    assert "scrape-product" not in job_counts()
    stages = {task: states for task, states in job_counts().items() if task != "notify-seller"}  # it is due later
    assert {state for states in stages.values() for state in states} == {"completed"}


def test_the_files_are_removed_when_the_sync_has_ended(
    seller: Seller, follow: Callable[..., SyncRun], folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        feed = send(seller, LAMPS)
        assert [path.name for path in folder.iterdir()] == [feed_path(feed.pk).name]
        follow(feed.sync)

    assert list(folder.iterdir()) == []


def test_a_feed_without_prices_pictures_or_addresses_is_not_rejected_for_them(
    seller: Seller, follow: Callable[..., SyncRun]
) -> None:
    rows = [{"id": "1", "title": "Red lamp", "brand": "Luma"}, {"id": "2", "title": "Blue lamp", "brand": "Luma"}]
    sync = follow(send(seller, "\n".join(json.dumps(row) for row in rows), name="x.jsonl").sync)

    assert sync.outcome["live"] == 2
    assert set(Product.objects.values_list("address", flat=True)) == {""}


def test_a_column_in_the_header_is_a_place_for_its_field(seller: Seller, follow: Callable[..., SyncRun]) -> None:
    feed = send(seller, "id,title,image_link,price\n1,Red lamp,,\n")
    follow(feed.sync)

    feed.refresh_from_db()
    assert not {"pictures", "price"} & set(feed.not_carried)
    assert "currency" in feed.not_carried
    codes = [reason["code"] for reason in Product.objects.get().reasons]
    assert codes == ["price.missing", "picture.missing"]


def test_where_the_feed_has_prices_a_product_needs_one(seller: Seller, follow: Callable[..., SyncRun]) -> None:
    follow(send(seller, HEADER + "1,Red lamp,,19.90 EUR,,\n2,Blue lamp,,,,\n").sync)

    assert statuses() == {"feed:1": "live", "feed:2": "rejected"}
    assert Product.objects.get(external_id="feed:2").reasons[0]["code"] == "price.missing"


def test_a_feed_that_begins_to_carry_prices_has_its_products_judged_anew(
    seller: Seller, follow: Callable[..., SyncRun]
) -> None:
    follow(send(seller, "id,title\n1,Red lamp\n2,Blue lamp\n").sync)
    assert set(statuses().values()) == {"live"}

    follow(send(seller, "id,title,price\n1,Red lamp,19.90 EUR\n2,Blue lamp,\n").sync)

    assert statuses() == {"feed:1": "live", "feed:2": "rejected"}


def test_a_later_file_replaces_the_earlier_and_leaves_the_catalogs_products(
    seller: Seller, follow: Callable[..., SyncRun]
) -> None:
    catalogs = make_product(SyncRun.objects.create(seller=seller, status="finished"), "Green lamp", status="live")
    follow(send(seller, LAMPS).sync)
    sync = follow(
        send(seller, HEADER + "2,Blue lamp,Another lamp,29.90 EUR,Home > Lamps,https://shop.example/2\n").sync
    )

    assert sync.outcome["gone"] == 1
    assert statuses() == {catalogs.external_id: "live", "feed:1": "gone", "feed:2": "live"}
    assert ProductCategory.objects.count() == 1


def test_a_file_that_keeps_others_takes_nothing_down(seller: Seller, follow: Callable[..., SyncRun]) -> None:
    follow(send(seller, LAMPS).sync)
    more = HEADER + "3,Grey lamp,A third,39.90 EUR,Home,\n"
    sync = follow(send(seller, more, keeps_others=True).sync)

    assert (sync.outcome["gone"], sync.outcome["found"]) == (0, 1)
    assert statuses() == {"feed:1": "live", "feed:2": "live", "feed:3": "live"}
    assert ProductCategory.objects.count() == 3


def test_the_catalogs_sync_leaves_what_files_brought(
    seller: Seller, follow: Callable[..., SyncRun], feeds: "Feeds", sync_feed: Callable[[str], SyncRun]
) -> None:
    follow(send(seller, LAMPS).sync)

    feeds.body = b"id,title\n9,Own lamp\n"
    sync = sync_feed("/lamps.csv")

    assert (sync.status, sync.outcome["gone"]) == ("finished", 0)
    assert statuses() == {"feed:1": "live", "feed:2": "live", "feed:9": "live"}


def test_a_file_that_says_the_same_again_writes_and_starts_nothing(
    seller: Seller,
    follow: Callable[..., SyncRun],
) -> None:
    follow(send(seller, LAMPS).sync)
    before = list(Product.objects.order_by("pk").values("updated_at", "content_hash", "status"))
    sync = follow(send(seller, LAMPS).sync)

    assert list(Product.objects.order_by("pk").values("updated_at", "content_hash", "status")) == before
    assert set(Product.objects.values_list("last_sync", flat=True)) == {sync.pk}
    assert not following(sync)


def test_equal_texts_with_different_gtins_are_two_products(seller: Seller, follow: Callable[..., SyncRun]) -> None:
    one, other = "4006381333931", "4006381333948"
    rows = f"1,Red lamp,{one}\n2,Red lamp,{other}\n3,Red lamp,{one}\n4,Red lamp,{other}\n5,Red lamp,\n"
    follow(send(seller, "id,title,gtin\n" + rows).sync)

    copies = dict(Product.objects.values_list("external_id", "duplicate_of__external_id"))
    assert copies == {"feed:1": None, "feed:2": None, "feed:3": "feed:1", "feed:4": "feed:2", "feed:5": "feed:1"}

    Product.objects.update(embedding_fingerprint="x")  # all have been through the stages
    follow(send(seller, "id,title,gtin\n" + rows.replace(f"3,Red lamp,{one}", "3,Red lamp,4006381333955")).sync)

    assert statuses()["feed:3"] == "live"


@pytest.mark.parametrize(
    "content", [HEADER, HEADER + ",,,,,\n", b"\x89PNG\r\n\x1a\n" + bytes(500), b"", "<html></html>"]
)
def test_a_file_without_products_fails_and_takes_nothing_down(
    seller: Seller, follow: Callable[..., SyncRun], content: str | bytes
) -> None:
    follow(send(seller, LAMPS).sync)
    sync = follow(send(seller, content).sync)

    assert sync.status == "failed"
    assert sync.error_code.startswith("feed.")
    assert sync.error_message
    assert set(statuses().values()) == {"live"}


def test_each_refused_row_is_told(seller: Seller, follow: Callable[..., SyncRun]) -> None:
    feed = send(seller, LAMPS + ",No id,,,,\n2,Blue again,,1 EUR,,\n3,,,2 EUR,,\n")
    follow(feed.sync)

    feed.refresh_from_db()
    assert (feed.rows, feed.accepted, feed.refused) == (5, 2, 3)
    errors = list(FeedRowError.objects.values_list("number", "code"))
    assert [number for number, _ in errors] == [3, 4, 5]
    assert errors[1][1] == "feed.duplicate_id"
    assert set(statuses().values()) == {"live"}


def test_only_so_many_errors_are_kept_and_all_are_counted(
    seller: Seller, follow: Callable[..., SyncRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.feed_rows.MAX_ERRORS", 10)
    feed = send(seller, LAMPS + ",No id,,,,\n" * 30)
    follow(feed.sync)

    feed.refresh_from_db()
    assert (feed.refused, feed.problems, feed.row_errors.count()) == (30, 30, 10)


def test_a_long_feed_comes_in_by_parts(seller: Seller, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.feed_files.PART_PRODUCTS", 100)
    feed = send(seller, "id,title\n" + "".join(f"{number},Lamp {number}\n" for number in range(1, 251)))
    drain(session, "sync-seller", "scrape-catalog")

    assert job_counts()["scrape-catalog"] == {"completed": 4}
    assert Product.objects.count() == 250
    assert Product.objects.filter(last_sync=feed.sync).count() == 250
    ids = [f"feed:{number}" for number in range(1, 251)]
    assert list(Product.objects.order_by("pk").values_list("external_id", flat=True)) == ids


def test_the_memory_of_taking_in_a_feed_does_not_grow_with_it(seller: Seller, folder: Path) -> None:
    def peak_bytes(rows: int) -> int:
        lines = (f'{{"id": "{rows}-{n}", "title": "Lamp {n}", "description": "{"x" * 8_000}"}}\n' for n in range(rows))
        feed = FeedImport.objects.create(seller=seller, name="lamps.jsonl")
        store_feed(feed.pk, (line.encode() for line in lines))
        page = ListPage("feed", "", kind="whole", cursor={"feed": feed.pk})
        tracemalloc.start()
        with SiteReader() as reader:
            take_in(reader, page, sync_id=0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(10)
    small, large = peak_bytes(100), peak_bytes(1_000)

    # The file has grown by 7.2 MB; what is kept of a row is a hash of its id.
    assert large - small < 720_000


def test_taking_a_feed_in_twice_leaves_the_same(seller: Seller, folder: Path) -> None:
    feed = send(seller, LAMPS + ",No id,,,,\n")
    page = ListPage("feed", "", kind="whole", cursor={"feed": feed.pk})

    with SiteReader() as reader:
        first, second = (take_in(reader, page, sync_id=0) for _ in range(2))

    assert first == second
    assert FeedRowError.objects.count() == 1
    assert sorted(path.name for path in folder.iterdir()) == [feed_path(feed.pk).name, products_path(feed.pk).name]


def test_a_file_that_is_not_on_this_machine_is_waited_for(seller: Seller) -> None:
    feed = send(seller, LAMPS)
    feed_path(feed.pk).unlink()

    with SiteReader() as reader, pytest.raises(FeedFileAway):
        take_in(reader, ListPage("feed", "", kind="whole", cursor={"feed": feed.pk}), sync_id=0)


def test_a_second_file_waits_for_the_first(seller: Seller, folder: Path) -> None:
    send(seller, LAMPS)

    with pytest.raises(SyncRunning):
        send(seller, LAMPS)
    assert FeedImport.objects.count() == len(list(folder.iterdir())) == 1


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
