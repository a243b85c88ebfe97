"""Scraping jobs from the order to the result, on a real ledger and a shop with markup."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.browser import close_process_browser
from catalog.models import ScrapingJob, Site
from catalog.previews import make_preview
from catalog.scraping.contract import Order
from catalog.scraping_jobs import HasEnded, cancel_scraping, give_up_on_step, plans_for, start_scraping
from catalog.scraping_results import end_abandoned, raw_result_of, status_now, sweep_results
from catalog.tasks.scraping_jobs import run_scraping
from jobs.batch import Batch, GivenUp
from jobs.control import retry_job
from jobs.events import topic_of_tenant
from jobs.models import DeadLetter, Job, JobEvent, JobLine, Priority
from marketplace.models import Category, Product, ProductCategory, Seller, SyncRun
from tests.catalog.scraping.conftest import Run, fresh
from tests.catalog.scraping.markup_shop import MarkupShop
from tests.sample_shop import sample_catalog

pytestmark = pytest.mark.django_db


def order(shop: MarkupShop, kind: str, path: str = "/", **fields: Any) -> Order:
    return Order(target_url=f"{shop.site}{path}", scraping_type=kind, **({"rate_limit_delay_ms": 0} | fields))


def result_of(row: ScrapingJob) -> dict[str, Any]:
    found = raw_result_of(row)
    assert found is not None
    return found


def scrape(work: Run, what: Order, seller: Seller | None) -> ScrapingJob:
    row = start_scraping(what, seller=seller)
    work()
    return fresh(row)


def test_a_product_is_read_with_its_evidence_and_its_rating(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = scrape(work, order(shop, "product", "/p/1", extract_reviews=True), seller)

    assert (row.status, row.progress_pct, row.error_code) == ("completed", 100, "")
    found = result_of(row)
    product = found["product"]
    assert (product["title"], product["price"]["amount"], product["price"]["currency"]) == (
        "Red lamp",
        "19.90",
        "EUR",
    )
    assert product["images"] == [f"{shop.site}/i/1.jpg"]
    assert product["reviews"] == {"rating": "4.5", "best": "5", "count": 12, "evidence": "json-ld"}
    assert found["evidence"][0]["source"] == found["source"] == "pages"
    assert row.summary == {
        "source": "pages",
        "products": 1,
        "title": "Red lamp",
        "price": product["price"],
        "availability": "in_stock",
        "missing": [],
    }
    assert shop.asked == ["/robots.txt", "/p/1"]


def test_pictures_and_reviews_are_left_out_where_they_are_not_wanted(
    shop: MarkupShop, seller: Seller, work: Run
) -> None:
    row = scrape(work, order(shop, "product", "/p/1", extract_images=False), seller)
    product = result_of(row)["product"]
    assert "images" not in product
    assert "reviews" not in product


def test_a_category_is_read_page_by_page_up_to_its_limit(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = scrape(work, order(shop, "category_search", "/c/lamps"), seller)
    assert (row.pages, row.summary["products"], row.summary["left"]) == (1, 2, 1)

    row = scrape(work, order(shop, "category_search", "/c/lamps", max_pages=5), seller)
    found = result_of(row)
    assert row.status == "completed"
    assert [(it["address"].rpartition("/")[2], it["categories"]) for it in found["products"]] == [
        ("1", [["Lamps"]]),
        ("2", [["Lamps"]]),
        ("3", [["Lamps"]]),
    ]
    assert [(it["name"], it["count"]) for it in found["categories"]] == [("Lamps", 3)]
    assert found["category"] == {
        "address": f"{shop.site}/c/lamps",
        "name": "Lamps",
        "parent": "",
        "path": [],
        "title": "Lamps | Lamp House",
        "description": "All lamps",
        "canonical_address": "",
        "breadcrumbs": ["Home", "Lamps"],
    }
    assert row.summary == {
        "source": "pages", "products": 3, "total": None, "pages": 2, "categories": 1, "skipped": {}, "left": 0,
        "category": "Lamps",
    }  # fmt: skip


def test_a_whole_site_is_looked_at_and_its_sync_started(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = scrape(work, order(shop, "full_site", max_pages=10), seller)

    assert (row.status, row.pages, row.summary["products"], row.summary["categories"]) == ("completed", 3, 4, 2)
    sync = SyncRun.objects.get()
    assert (row.sync, row.summary["sync"], sync.trigger) == (sync, sync.pk, "scraping")
    site = Site.objects.get()
    assert row.site == site
    assert (site.source, site.robots["sitemaps"]) == ("pages", [f"{shop.site}/s.xml"])
    assert [(it["name"], it["count"]) for it in site.navigation] == [("Lamps", 3), ("Chairs", 1)]
    assert site.expires_at is None
    Site.objects.update(source="told", expires_at=timezone.now() + timedelta(days=1))
    again = scrape(work, order(shop, "full_site"), seller)
    assert (again.sync, again.summary["sync_note"]) == (sync, "was running already")
    assert Site.objects.get().source == "told"


def test_a_site_that_is_not_the_seller_s_starts_no_sync(shop: MarkupShop, seller: Seller, work: Run) -> None:
    Seller.objects.update(catalog_address="https://elsewhere.example/")
    row = scrape(work, order(shop, "full_site"), Seller.objects.get())
    assert row.status == "completed"
    assert (row.sync, row.summary["sync"]) == (None, None)
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("way", ["form", "json-ld", "opensearch"])
def test_a_search_reads_what_the_site_s_own_search_finds(way: str, shop: MarkupShop, seller: Seller, work: Run) -> None:
    shop.search = way
    row = scrape(work, order(shop, "search", query="red"), seller)

    assert (row.status, row.error_code) == ("completed", "")
    found = result_of(row)
    assert found["search"]["found_by"] == way
    assert [it["content"]["title"] for it in found["products"]] == ["Red lamp", "Red chair"]
    assert row.summary["titles"] == ["Red lamp", "Red chair"]
    assert [(it["address"], it["code"]) for it in found["problems"]] == [
        (f"{shop.site}/help", "catalog.page_not_found")
    ]
    assert "working" not in found
    assert "/about" not in shop.asked


def test_a_site_without_a_search_says_so_with_its_code(shop: MarkupShop, seller: Seller, work: Run) -> None:
    shop.search = "none"
    row = scrape(work, order(shop, "search", query="red"), seller)
    assert (row.status, row.error_code, row.summary) == ("failed", "catalog.search_not_found", {})
    assert row.expires_at > timezone.now()


def test_the_result_is_linked_to_what_the_catalog_has(shop: MarkupShop, seller: Seller, work: Run) -> None:
    lamp = Product.objects.create(seller=seller, external_id="pages:1", address="https://old.example/1")
    other = Product.objects.create(
        seller=Seller.objects.create(name="Other"), external_id="pages:1", address="https://x/"
    )
    category = Category.objects.create(seller=seller, name="Lamps", path="Lamps")
    ProductCategory.objects.create(product=lamp, category=category)
    row = scrape(work, order(shop, "category_search", "/c/lamps"), seller)
    assert list(row.products.all()) == [lamp]
    assert list(row.categories.all()) == [category]
    assert other.pk not in row.products.values_list("pk", flat=True)


def test_each_step_waits_behind_the_site_s_gates_and_its_own_delay(
    shop: MarkupShop, seller: Seller, step: Callable[[], int], work: Run
) -> None:
    what = order(shop, "category_search", "/c/lamps", max_pages=2, rate_limit_delay_ms=7_000)
    row = start_scraping(what, seller=seller, priority=Priority.HIGH)
    host = shop.site.removeprefix("http://")
    first = Job.objects.get(queue="scraping")
    assert (first.state, first.gate, first.tenant) == ("gated", f"domain:{host} lists:{host}", seller.tenant)
    assert (first.priority, first.pk) == (Priority.HIGH, row.job_id)
    assert step() == 1
    second = Job.objects.filter(queue="scraping").latest("pk")
    assert (second.gate, second.parent_id, second.priority) == (first.gate, first.pk, Priority.HIGH)
    assert (second.state, round((second.run_at - second.created_at).total_seconds())) == ("scheduled", 7)
    assert (fresh(row).status, fresh(row).pages, fresh(row).job_id) == ("running", 1, second.pk)
    work()
    assert (fresh(row).status, fresh(row).pages) == ("completed", 2)


def test_a_page_that_is_away_after_the_first_is_a_problem_and_no_end(
    shop: MarkupShop, seller: Seller, work: Run
) -> None:
    shop.failing = {"/c/lamps?page=2"}
    row = scrape(work, order(shop, "category_search", "/c/lamps", max_pages=5), seller)
    found = result_of(row)
    assert (row.status, row.summary["products"], row.summary["problems"]) == ("completed", 2, 1)
    assert found["problems"][0]["code"] == "catalog.page_not_found"
    assert not DeadLetter.objects.exists()


def test_a_first_page_that_is_lost_fails_the_job_until_staff_retry_it(
    shop: MarkupShop, seller: Seller, work: Run
) -> None:
    shop.failing = {"/p/1"}
    row = scrape(work, order(shop, "product", "/p/1"), seller)
    assert (row.status, row.error_code) == ("failed", "catalog.page_not_found")
    assert row.finished_at and row.expires_at
    shop.failing = set()
    retry_job(row.job_id or 0, actor="ada", reason="it is back")
    work()
    row = fresh(row)
    assert (row.status, row.error_code, row.summary["title"]) == ("completed", "", "Red lamp")


def test_robots_are_heeded_unless_staff_say_otherwise(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = scrape(work, order(shop, "product", "/private"), seller)
    assert (row.status, row.error_code) == ("failed", "catalog.robots_forbid")
    assert "/private" not in shop.asked
    row = scrape(work, order(shop, "product", "/private", respect_robots_txt=False), None)
    assert (row.status, row.error_code) == ("failed", "catalog.page_malformed")
    assert "/private" in shop.asked


def test_a_step_that_is_taken_twice_counts_once(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = scrape(work, order(shop, "category_search", "/c/lamps", max_pages=2), seller)
    before = (result_of(row), row.pages, row.finished_at, Job.objects.count())
    first = Job.objects.filter(queue="scraping").earliest("pk")
    Job.objects.filter(pk=first.pk).update(state="pending", attempt=0, is_suspect=True, finished_at=None)
    asked = len(shop.asked)
    work()
    row = fresh(row)
    assert (result_of(row), row.pages, row.finished_at, Job.objects.count()) == before
    assert len(shop.asked) == asked


def test_cancelling_ends_it_at_once_and_keeps_what_was_found(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = start_scraping(order(shop, "product", "/p/1"), seller=seller)
    assert status_now(row) == ("queued", 0)
    cancel_scraping(row, actor="seller", reason="changed my mind")
    work()
    row = fresh(row)
    assert (row.status, row.frontier, Job.objects.get(pk=row.job_id or 0).state) == ("cancelled", None, "cancelled")
    assert cancel_scraping(row, actor="seller", reason="again").status == "cancelled"
    assert shop.asked == []
    done = scrape(work, order(shop, "product", "/p/1"), seller)
    with pytest.raises(HasEnded):
        cancel_scraping(done, actor="seller", reason="too late")


def test_progress_is_kept_in_the_engine_s_journal_and_told_as_events(
    shop: MarkupShop, seller: Seller, work: Run
) -> None:
    row = scrape(work, order(shop, "category_search", "/c/lamps", max_pages=2), seller)
    lines = JobLine.objects.filter(progress_pct__isnull=False).values_list("message", flat=True)
    assert f"reading {shop.site}/c/lamps" in set(lines)
    told = JobEvent.objects.filter(topic=topic_of_tenant(seller.tenant), kind="scraping").order_by("pk")
    bodies: list[Any] = list(told.values_list("body", flat=True))
    own = [(it["status"], it["pages"]) for it in bodies if it["scraping_job"] == str(row.pk)]
    assert own == [("running", 1), ("completed", 2)]


def test_a_step_that_dies_after_others_leaves_the_rest(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = start_scraping(order(shop, "category_search", "/c/lamps", max_pages=3), seller=seller)
    row.frontier = row.frontier | {"taken": 1}
    row.save()
    given_up = GivenUp(1, "run-scraping", seller.tenant, None, {"scraping_job": str(row.pk), "number": 1}, "dead",
                       "catalog.site_timeout", "too slow")  # fmt: skip
    give_up_on_step(given_up)
    row = fresh(row)
    assert (row.status, row.summary["problems"]) == ("completed", 1)


def test_a_job_of_a_scraping_job_that_is_gone_does_nothing(shop: MarkupShop, seller: Seller, work: Run) -> None:
    row = start_scraping(order(shop, "product", "/p/1"), seller=seller)
    ScrapingJob.objects.all().delete()
    work()
    assert Job.objects.get(pk=row.job_id or 0).state == "completed"
    assert shop.asked == []
    assert plans_for([]) == {}
    run_scraping(Batch(jobs=[]))


def test_a_catalog_that_only_a_browser_shows_is_previewed_and_read(
    seller: Seller, work: Run, settings: Any, tmp_path: Path
) -> None:
    with sample_catalog(tmp_path, products=16) as address:
        settings.WHATSAPP_HOSTS = settings.FETCH_PRIVATE_HOSTS = [address.split("/")[2]]
        preview = make_preview(address)
        what = Order(target_url=address, scraping_type="full_site", max_pages=3, rate_limit_delay_ms=0)
        row = scrape(work, what, seller)
    close_process_browser()

    assert (preview["source"], len(preview["products"]), preview["problem"]) == ("whatsapp", 5, None)
    assert all(it["title"] and it["price"] and it["picture"] for it in preview["products"])
    assert (row.status, row.pages) == ("completed", 3)
    assert row.summary["categories"] >= 8
    assert row.summary["products"] > 0


def test_results_are_swept_when_their_time_is_over(shop: MarkupShop, seller: Seller, work: Run, settings: Any) -> None:
    settings.SCRAPING_RESULT_KEEP_DAYS = 2
    row = scrape(work, order(shop, "product", "/p/1"), seller)
    assert row.expires_at - row.finished_at == timedelta(days=2)
    now = timezone.now()
    assert sweep_results(now=now + timedelta(days=1)) == 0
    assert sweep_results(now=now + timedelta(days=3)) == 1
    assert sweep_results(now=now + timedelta(days=3)) == 0


def test_what_nobody_works_on_is_ended(shop: MarkupShop, seller: Seller) -> None:
    row = start_scraping(order(shop, "product", "/p/1"), seller=seller)
    ScrapingJob.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert end_abandoned() == 0
    Job.objects.update(state="cancelled")
    assert end_abandoned() == 1
    assert fresh(row).status == "cancelled"
