"""Sites and scraping jobs in the admin."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import ScrapingJob, Site
from catalog.scraping.contract import Order
from catalog.scraping_jobs import start_scraping
from jobs.models import Audit
from marketplace.models import Seller
from tests.catalog.scraping.conftest import Run, fresh
from tests.catalog.scraping.markup_shop import MarkupShop

JOBS = "/admin/catalog/scrapingjob/"
SITES = "/admin/catalog/site/"


@pytest.fixture
def back_office(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada", "ada@example.com", "a long password"))
    return client


@pytest.fixture
def done(shop: MarkupShop, seller: Seller, work: Run) -> ScrapingJob:
    order = Order(target_url=f"{shop.site}/", scraping_type="full_site", max_pages=9, rate_limit_delay_ms=0)
    row = start_scraping(order, seller=seller)
    work()
    return fresh(row)


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_scraping_job_shows_its_result_and_leads_on(back_office: Client, done: ScrapingJob) -> None:
    page = text_of(back_office, f"{JOBS}{done.pk}/change/")
    for words in ("completed", "3 products", "Lamps", "full_site", f"{SITES}{done.site_id}/change/", "/p/4"):
        assert words in page
    assert f"/admin/marketplace/syncrun/{done.sync_id}/change/" in page


def test_a_site_shows_its_categories_as_a_tree_with_counts(back_office: Client, done: ScrapingJob) -> None:
    page = text_of(back_office, f"{SITES}{done.site_id}/change/")
    for words in ("souk-categories", "Lamps", "3 products", "1 product<", "its navigation names categories", "fresh"):
        assert words in page
    assert "2</td>" in text_of(back_office, SITES).replace("\n", "").replace(" ", "")


def test_nested_categories_fold_and_what_sites_say_is_escaped(back_office: Client) -> None:
    leaf = {"name": "<b>Red</b>", "address": "", "kind": "product", "count": 2, "children": []}
    tree = [{"name": "Lamps", "address": "", "kind": "", "count": None, "children": [leaf]}]
    site = Site.objects.create(host="shop.example", navigation=tree)
    page = text_of(back_office, f"{SITES}{site.pk}/change/")
    assert "<details open><summary>Lamps" in page
    assert "&lt;b&gt;Red&lt;/b&gt;" in page


def test_the_lists_ask_the_same_questions_for_many_rows(back_office: Client, shop: MarkupShop, seller: Seller) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            text_of(back_office, JOBS)
            text_of(back_office, SITES)
        return len(seen)

    for number in range(2):
        site = Site.objects.create(host=f"a{number}.example")
        ScrapingJob.objects.create(
            seller=seller, site=site, scraping_type="product", target_url="https://x/", status="completed"
        )
    few = queries()
    for number in range(8):
        site = Site.objects.create(host=f"b{number}.example")
        ScrapingJob.objects.create(
            seller=seller, site=site, scraping_type="product", target_url="https://x/", status="completed"
        )
    assert queries() == few


def test_staff_cancel_with_a_reason(back_office: Client, shop: MarkupShop, seller: Seller) -> None:
    row = start_scraping(Order(target_url=f"{shop.site}/p/1", scraping_type="product"), seller=seller)
    asked = text_of(back_office, f"{JOBS}{row.pk}/cancel/")
    assert "Cancel a scraping job" in asked
    answer = back_office.post(f"{JOBS}{row.pk}/cancel/", {"confirmed": "yes", "reason": "not wanted"})
    assert answer.status_code == 302
    assert fresh(row).status == "cancelled"
    entry = Audit.objects.get(action="cancel")
    assert (entry.actor, entry.reason) == ("ada", "not wanted")
