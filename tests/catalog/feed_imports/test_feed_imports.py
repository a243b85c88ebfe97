"""Feeds through the real tasks: files that a seller sends."""

import json
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.feed_files import FeedFileAway, feed_path, products_path, store_feed
from catalog.feed_imports import take_in
from catalog.feeds.models import FeedImport, FeedRowError
from catalog.reading import SiteReader
from catalog.sources.source import ListPage
from jobs.session import Session
from jobs.workflows import finish_groups
from marketplace.models import Product, ProductCategory, Seller, SyncRun
from marketplace.syncs import SyncRunning
from tests.catalog.feed_imports.sending import HEADER, LAMPS, following, read_all, send, statuses
from tests.catalog.products import drain, job_counts, make_product

pytestmark = pytest.mark.django_db
STAGES = ("process-images", "generate-embedding", "quality-control", "index-product")


def test_a_file_brings_its_products_live(seller: Seller, session: Session, search_index: str) -> None:
    feed = send(seller, LAMPS)
    read_all(session)
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
