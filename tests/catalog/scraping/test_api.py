"""Scraping jobs and previews over HTTP."""

import threading
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from catalog import previews
from catalog.models import ScrapingJob
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.models import Audit, Job, Priority, Tenant, Worker
from jobs.session import Session, set_current_session
from marketplace import api_keys
from marketplace.models import Seller
from tests.catalog.scraping.conftest import Run
from tests.catalog.scraping.markup_shop import MarkupShop
from tests.catalog.scraping.pages_source import PagesSource

JOBS = "/api/scraping/jobs/"
PREVIEW = "/api/scraping/preview/"


@pytest.fixture
def api(seller: Seller) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_keys.issue_key(seller=seller)[1]}")
    return client


@pytest.fixture
def back_office(db: None) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("ada", "ada@example.com", "a long password"))
    return client


def order(shop: MarkupShop, **fields: Any) -> dict[str, Any]:
    return {"target_url": f"{shop.site}/p/1", "scraping_type": "product", **fields}


@pytest.mark.parametrize("path", [JOBS, JOBS.rstrip("/")])
def test_an_order_is_accepted_and_followed_to_its_result(
    path: str, shop: MarkupShop, api: APIClient, work: Run
) -> None:
    answer = api.post(path, order(shop))
    body = answer.json()
    assert answer.status_code == 202
    assert (answer["Location"], answer["Retry-After"]) == (f"{JOBS}{body['job_id']}/", "2")
    assert (body["status"], body["progress_pct"], body["raw_result"]) == ("queued", 0, None)
    assert body["parameters"] == {
        "max_pages": 1, "timeout_ms": 30_000, "extract_images": True, "extract_reviews": False,
        "respect_robots_txt": True, "rate_limit_delay_ms": 1_000, "category_path": "", "category_name": "",
        "parent_category": "", "query": "",
    }  # fmt: skip
    assert body["site_intelligence_id"] == shop.site.removeprefix("http://")
    work()
    answer = api.get(answer["Location"].rstrip("/"))
    body = answer.json()
    assert "Retry-After" not in answer
    assert (body["status"], body["progress_pct"], body["error"]) == ("completed", 100, None)
    assert (body["summary"]["title"], body["raw_result"]["product"]["title"]) == ("Red lamp", "Red lamp")
    (listed,) = api.get(JOBS).json()["results"]
    assert listed["job_id"] == body["job_id"]
    assert "raw_result" not in listed


@pytest.mark.parametrize(
    ("given", "priority"),
    [
        ("critical", Priority.CRITICAL), ("urgent", Priority.CRITICAL), ("high", Priority.HIGH),
        ("normal", Priority.NORMAL), ("low", Priority.LOW), ("LOW", Priority.LOW),
        (1, Priority.CRITICAL), (5, Priority.NORMAL), (10, Priority.LOW), ("10", Priority.LOW),
    ],
)  # fmt: skip
def test_both_forms_of_a_priority_are_accepted(given: Any, priority: int, shop: MarkupShop, api: APIClient) -> None:
    body = api.post(JOBS, order(shop, priority=given)).json()
    assert body["priority"] == Priority(priority).name.lower()
    assert Job.objects.get(pk=body["ledger_job"]).priority == priority


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"priority": 2}, "priority", "critical, urgent, high"),
        ({"priority": True}, "priority", "critical, urgent, high"),
        ({"priority": None}, "priority", ""),
        ({"target_url": "shop"}, "target_url", "An address starts with https://"),
        ({"target_url": ""}, "target_url", ""),
        ({"scraping_type": "everything"}, "scraping_type", "everything"),
        ({"max_pages": 0}, "max_pages", "1"),
        ({"max_pages": 201}, "max_pages", "200"),
        ({"timeout_ms": 10}, "timeout_ms", "1000"),
        ({"rate_limit_delay_ms": -1}, "rate_limit_delay_ms", "0"),
        ({"respect_robots_txt": False}, "respect_robots_txt", "Only staff"),
        ({"scraping_type": "search"}, "query", "needs a query"),
        ({"query": "lamp"}, "query", "Only a job of the type search"),
        ({"site_intelligence_id": "other.example"}, "site_intelligence_id", "The domain of target_url is"),
        ({"seller": 1}, "seller", "Leave this out"),
        ({"colour": "red"}, "colour", "no such field"),
    ],
)
def test_a_field_that_is_wrong_says_what_to_do(
    fields: dict[str, Any], field: str, words: str, shop: MarkupShop, api: APIClient
) -> None:
    answer = api.post(JOBS, order(shop, **fields))
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["detail"]
    assert not ScrapingJob.objects.exists()


@pytest.mark.parametrize("address", ["http://10.0.0.1/", "http://169.254.169.254/latest", "http://[::1]/"])
def test_a_private_address_is_refused_with_a_remedy(address: str, api: APIClient) -> None:
    for path, body in ((JOBS, {"target_url": address, "scraping_type": "product"}), (PREVIEW, {"address": address})):
        answer = api.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "catalog.address_refused")
        assert "public http or https address" in answer.json()["detail"]


def test_more_than_may_wait_is_refused(shop: MarkupShop, seller: Seller, api: APIClient) -> None:
    Tenant.objects.update_or_create(name=seller.tenant, defaults={"max_waiting": 1})
    assert api.post(JOBS, order(shop)).status_code == 202
    answer = api.post(JOBS, order(shop))
    assert (answer.status_code, answer.json()["code"]) == (429, "jobs.too_many.waiting")
    assert int(answer["Retry-After"]) >= 1


def test_a_failure_comes_with_a_remedy(shop: MarkupShop, api: APIClient, work: Run) -> None:
    location = api.post(JOBS, order(shop, target_url=f"{shop.site}/private"))["Location"]
    work()
    error = api.get(location).json()["error"]
    assert error["code"] == "catalog.robots_forbid"
    assert "robots.txt" in error["remedy"]


def test_a_job_is_cancelled_and_a_finished_one_is_not(shop: MarkupShop, api: APIClient, work: Run) -> None:
    location = api.post(JOBS, order(shop))["Location"]
    assert api.delete(location).json()["status"] == "cancelled"
    assert api.delete(location).status_code == 200
    work()
    assert shop.asked == []
    location = api.post(JOBS, order(shop))["Location"]
    work()
    answer = api.delete(location)
    assert (answer.status_code, answer.json()["code"]) == (409, "scraping.has_ended")


def test_the_list_pages_by_cursor_and_filters(shop: MarkupShop, api: APIClient) -> None:
    ids = [api.post(JOBS, order(shop)).json()["job_id"] for _ in range(5)]
    ScrapingJob.objects.filter(pk=ids[0]).update(status="failed")
    seen: list[str] = []
    address: str | None = f"{JOBS}?limit=2"
    while address:
        page = api.get(address).json()
        seen += [it["job_id"] for it in page["results"]]
        address = page["next"]
    assert seen == ids[::-1]
    assert [it["job_id"] for it in api.get(f"{JOBS}?status=failed").json()["results"]] == ids[:1]
    assert api.get(f"{JOBS}?status=lost").status_code == 400


def test_another_seller_s_job_is_not_there(shop: MarkupShop, api: APIClient) -> None:
    other = Seller.objects.create(name="Other")
    row = ScrapingJob.objects.create(seller=other, scraping_type="product", target_url=shop.site)
    for pk in (row.pk, uuid4()):
        assert api.get(f"{JOBS}{pk}/").status_code == 404
        assert api.delete(f"{JOBS}{pk}/").status_code == 404
    assert api.get(JOBS).json()["results"] == []
    assert APIClient().get(JOBS).status_code in (401, 403)


def test_staff_set_robots_aside_for_a_seller_and_are_written_down(
    shop: MarkupShop, seller: Seller, back_office: APIClient
) -> None:
    assert back_office.post(JOBS, order(shop, seller=seller.pk + 1)).status_code == 400
    answer = back_office.post(JOBS, order(shop, respect_robots_txt=False, seller=seller.pk))
    assert answer.status_code == 202
    row = ScrapingJob.objects.get()
    assert (row.seller, row.parameters["respect_robots_txt"]) == (seller, False)
    assert (Audit.objects.get().actor, Audit.objects.get().action) == ("ada", "scrape")
    assert back_office.get(answer["Location"]).status_code == 200


# --- previews ---------------------------------------------------------------------------------------
def test_a_preview_shows_the_first_products_with_evidence(shop: MarkupShop, api: APIClient, work: Run) -> None:
    first = api.post(PREVIEW, {"address": f"{shop.site}/"}, headers={"Prefer": "respond-async, wait=0"})
    assert (first.status_code, first.json()["status"]) == (202, "working")
    work()
    answer = api.get(first["Location"])
    body = answer.json()
    assert (answer.status_code, body["status"], body["source"], body["problem"]) == (200, "ready", "pages", None)
    assert body["evidence"] == [{"source": "pages", "weight": 40, "reason": "its navigation names categories"}]
    assert [(it["title"], it["price"]["amount"], it["availability"]) for it in body["products"]] == [
        ("Red lamp", "19.90", "in_stock"),
        ("Blue lamp", "24.50", "in_stock"),
        ("Red chair", "80.00", "in_stock"),
        ("Green lamp", "12.00", "in_stock"),
    ]
    assert body["products"][0]["picture"] == f"{shop.site}/i/1.jpg"
    asked = len(shop.asked)
    again = api.post(PREVIEW, {"address": f"{shop.site}/"})
    assert (again.status_code, again.json()["id"], len(shop.asked)) == (200, body["id"], asked)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/about", "catalog.unsupported_address", "front page"),
        ("/private", "catalog.robots_forbid", "robots.txt"),
        ("/nothing", "catalog.page_not_found", "Check the address"),
    ],
)
def test_a_preview_says_why_not_and_what_to_do(
    path: str, code: str, words: str, shop: MarkupShop, api: APIClient, work: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PagesSource, "probe", lambda *_: None)
    first = api.post(PREVIEW, {"address": f"{shop.site}{path}"}, headers={"Prefer": "wait=0"})
    work()
    body = api.get(first["Location"]).json()
    assert (body["status"], body["products"], body["problem"]["code"]) == ("unreadable", [], code)
    assert words in body["problem"]["remedy"]
    assert not Job.objects.filter(state__in=["failed", "dead"]).exists()


def test_products_that_cannot_be_read_are_skipped_with_their_reasons(
    shop: MarkupShop, api: APIClient, work: Run
) -> None:
    shop.failing = {"/p/1"}
    first = api.post(PREVIEW, {"address": f"{shop.site}/"}, headers={"Prefer": "wait=0"})
    work()
    body = api.get(first["Location"]).json()
    assert [it["title"] for it in body["products"]] == ["Blue lamp", "Red chair", "Green lamp"]
    assert [(it["address"], it["code"]) for it in body["skipped"]] == [(f"{shop.site}/p/1", "catalog.page_not_found")]


def test_previews_are_limited_by_the_minute(shop: MarkupShop, api: APIClient, settings: Any) -> None:
    settings.PREVIEWS_PER_MIN = 2
    codes = [api.post(PREVIEW, {"address": f"{shop.site}/"}, headers={"Prefer": "wait=0"}) for _ in range(3)]
    assert [answer.status_code for answer in codes] == [202, 202, 429]
    assert int(codes[2]["Retry-After"]) > 0


def test_another_seller_s_preview_is_not_there(shop: MarkupShop, api: APIClient) -> None:
    other = Seller.objects.create(name="Other")
    job_id = previews.start_preview(f"{shop.site}/", tenant=other.tenant)
    assert api.get(f"{PREVIEW}{job_id}/").status_code == 404


@pytest.mark.parametrize("body", [{}, {"address": "shop"}, {"address": "https://x.example/", "more": 1}])
def test_a_preview_of_no_address_is_refused(body: dict[str, Any], api: APIClient) -> None:
    assert api.post(PREVIEW, body).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_preview_is_answered_as_soon_as_a_worker_has_made_it(
    shop: MarkupShop, seller: Seller, api: APIClient
) -> None:
    done = threading.Event()

    def worker() -> None:
        session = Session(name="test-previewer", queues=["preview"])
        session.worker_id = Worker.objects.create(name="test-previewer", hostname="here", pid=1, queues=[]).pk
        set_current_session(session)
        while not done.wait(0.02):
            pass_gates()
            run_once("preview", session=session, limit=1)
        set_current_session(None)
        connection.close()

    thread = threading.Thread(target=worker)
    thread.start()
    try:
        answer = api.post(PREVIEW, {"address": f"{shop.site}/"})
    finally:
        done.set()
        thread.join()
    assert (answer.status_code, answer.json()["status"], len(answer.json()["products"])) == (200, "ready", 4)
