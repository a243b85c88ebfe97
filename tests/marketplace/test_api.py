"""The API of sellers, over HTTP as far as Django's client goes."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from rest_framework.test import APIClient

from jobs.models import Job, Tenant
from marketplace import api_keys
from marketplace.models import ApiKey, Picture, Product, Seller, SyncRun
from tests.marketplace.factories import (
    make_category,
    make_dead_letter,
    make_job,
    make_product,
    make_seller,
    make_sync,
)


def test_registering_shows_the_key_once(db: None) -> None:
    answer = APIClient().post("/api/sellers/", {"name": "Lamps", "catalog_address": "https://shop.example/"})
    assert answer.status_code == 201
    assert answer["Location"] == "/api/sellers/me/"
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    seller = Seller.objects.get()
    assert (body["id"], body["name"], body["plan"], body["status"]) == (seller.pk, "Lamps", "free", "active")
    again = APIClient().get("/api/sellers/me/", headers={"x-api-key": body["api_key"]})
    assert again.status_code == 200
    once = {"api_key", "_embeddingJob", "_embedding_job"}
    assert again.json() == {name: value for name, value in body.items() if name not in once}


@pytest.mark.parametrize(
    ("payload", "field", "code"),
    [
        ({}, "name", "required"),
        ({"name": ""}, "name", "blank"),
        ({"name": "x" * 201}, "name", "max_length"),
        ({"name": "A", "catalog_address": "shop"}, "catalog_address", "invalid_address"),
        ({"name": "A", "email": "me"}, "email", "invalid"),
        ({"name": "A", "plan": "premium"}, "plan", "read_only"),
        ({"name": "A", "colour": "red"}, "colour", "unknown"),
        ({"name": "A\x00"}, "name", "null_characters_not_allowed"),
    ],
)
def test_registering_names_each_field_that_is_wrong(db: None, payload: dict[str, Any], field: str, code: str) -> None:
    answer = APIClient().post("/api/sellers/", payload)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert [(error["field"], error["pointer"], error["code"]) for error in errors] == [(field, f"/{field}", code)]
    assert not Seller.objects.exists()


def test_both_headers_carry_the_key(raw_key: str, seller: Seller) -> None:
    for headers in (
        {"Authorization": f"Bearer {raw_key}"},
        {"Authorization": f"bearer {raw_key}"},
        {"X-API-Key": raw_key},
    ):
        answer = APIClient().get("/api/sellers/me/", headers=headers)
        assert answer.status_code == 200
        assert answer.json()["id"] == seller.pk


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "auth.missing"),
        ({"X-API-Key": "souk_00000000_no"}, "auth.invalid_key"),
        ({"Authorization": "Bearer souk_00000000_no"}, "auth.invalid_key"),
        ({"Authorization": "Basic YTpi"}, "auth.invalid_key"),
        ({"Authorization": "Bearer"}, "auth.invalid_key"),
    ],
)
def test_without_a_known_key_the_answer_is_401(db: None, headers: dict[str, str], code: str) -> None:
    answer = APIClient().get("/api/sellers/me/", headers=headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["code"] == code


def test_a_revoked_key_is_refused(api: APIClient) -> None:
    api_keys.revoke_key(ApiKey.objects.get(), actor="ada", reason="Leak.")
    assert api.get("/api/sellers/me/").status_code == 401


def test_a_suspended_seller_is_told_so(api: APIClient, seller: Seller) -> None:
    Seller.objects.update(status="suspended")
    answer = api.post("/api/sellers/me/syncs/")
    assert (answer.status_code, answer.json()["code"]) == (403, "seller.suspended")
    assert not SyncRun.objects.exists()


def test_patching_changes_what_is_named(api: APIClient, seller: Seller) -> None:
    answer = api.patch("/api/sellers/me/", {"description": "Lamps of brass.", "catalog_address": ""})
    assert answer.status_code == 200
    seller.refresh_from_db()
    assert (seller.name, seller.description, seller.catalog_address) == ("Lamp House", "Lamps of brass.", "")


def test_patching_refuses_all_when_one_field_is_wrong(api: APIClient, seller: Seller) -> None:
    answer = api.patch("/api/sellers/me/", {"name": "New", "status": "active", "colour": 1, "catalog_address": "x"})
    assert answer.status_code == 400
    body = answer.json()
    assert {error["field"]: error["code"] for error in body["errors"]} == {
        "status": "read_only",
        "colour": "unknown",
        "catalog_address": "invalid_address",
    }
    assert body["detail"] == "3 fields need your attention."
    seller.refresh_from_db()
    assert seller.name == "Lamp House"


def test_a_sync_is_accepted_and_followed(api: APIClient, seller: Seller) -> None:
    answer = api.post("/api/sellers/me/syncs/")
    sync = SyncRun.objects.get()
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/syncs/{sync.pk}/"
    assert answer["Retry-After"] == "2"
    followed = api.get(answer["Location"])
    assert followed.status_code == 200
    assert followed.json() == answer.json()
    assert followed.json()["stages"] == {"sync-seller": {"pending": 1}}
    assert followed.json()["error"] is None


def test_a_second_sync_answers_with_the_first(api: APIClient) -> None:
    first = api.post("/api/sellers/me/syncs/")
    second = api.post("/api/sellers/me/syncs")
    assert second.status_code == 202
    assert second["Location"] == first["Location"]
    assert Job.objects.count() == 1


def test_a_sync_too_many_is_told_when_to_come_back(api: APIClient, seller: Seller) -> None:
    Tenant.objects.create(name=seller.tenant, max_waiting=1)
    make_job(tenant=seller.tenant, state="pending")
    answer = api.post("/api/sellers/me/syncs/")
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert int(answer["Retry-After"]) >= 1
    assert answer.json()["code"] == "jobs.too_many.waiting"
    assert not SyncRun.objects.exists()


def test_a_sync_needs_an_address(api: APIClient, seller: Seller) -> None:
    Seller.objects.update(catalog_address="")
    answer = api.post("/api/sellers/me/syncs/")
    assert (answer.status_code, answer.json()["code"]) == (409, "seller.no_catalog_address")


def test_an_ended_sync_shows_its_outcome(api: APIClient, seller: Seller) -> None:
    failed = make_sync(seller, status="failed", error_code="catalog.not_public", error_message="Make it public.")
    answer = api.get(f"/api/syncs/{failed.pk}/")
    assert "Retry-After" not in answer
    assert answer.json()["error"] == {"code": "catalog.not_public", "message": "Make it public."}


def test_a_product_is_shown_whole(api: APIClient, seller: Seller, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    reason = {"code": "price.missing", "field": "price", "message": "No price.", "remedy": "Add one."}
    product = make_product(seller, price="1299.5", currency="KES", price_raw="KES 1,299.50", reasons=[reason])
    product.categories.add(make_category(seller, "Home > Lamps"))
    picture = Picture(product=product, source_address="https://shop.example/1.jpg", status="ready", width_px=10)
    picture.display.save("1.jpg", ContentFile(b"x"), save=False)
    picture.save()
    answer = api.get(f"/api/products/{product.pk}/").json()
    assert answer["price"] == {"amount": "1299.50", "currency": "KES", "raw": "KES 1,299.50"}
    assert answer["reasons"] == [reason]
    assert answer["categories"] == ["Home > Lamps"]
    assert answer["pictures"][0]["display"] == f"http://testserver{picture.display.url}"
    assert answer["pictures"][0]["thumbnail"] is None
    assert make_product(seller).pk and api.get("/api/products/").json()["results"][0]["price"] is None


def test_products_come_in_pages_that_miss_none(api: APIClient, seller: Seller) -> None:
    made = [make_product(seller).pk for _ in range(7)]
    seen: list[int] = []
    address = "/api/products/?limit=3"
    while address:
        page = api.get(address).json()
        seen += [product["id"] for product in page["results"]]
        address = page["next"]
    assert seen == made[::-1]


def test_a_page_of_products_costs_the_same_however_many(
    api: APIClient, seller: Seller, django_assert_num_queries: Any
) -> None:
    for _ in range(5):
        make_product(seller).categories.add(make_category(seller, f"C{Product.objects.count()}"))
    api.get("/api/products/")
    with django_assert_num_queries(4):  # the key, products, categories, pictures
        assert len(api.get("/api/products/").json()["results"]) == 5


@pytest.mark.parametrize("query", ["status=sold", "sync=x", "sync=0", "q=%00", "category=%00"])
def test_a_filter_that_makes_no_sense_is_named(api: APIClient, query: str) -> None:
    answer = api.get(f"/api/products/?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_filters_reach_the_list(api: APIClient, seller: Seller) -> None:
    make_product(seller)
    flagged = make_product(seller, status="flagged")
    found = api.get("/api/products/?status=flagged").json()["results"]
    assert [product["id"] for product in found] == [flagged.pk]


def test_what_is_another_sellers_is_not_there(api: APIClient, seller: Seller) -> None:
    other = make_seller()
    foreign = [
        f"/api/syncs/{make_sync(other).pk}/",
        f"/api/products/{make_product(other).pk}/",
        f"/api/jobs/{make_job(tenant=other.tenant).pk}/",
        f"/api/jobs/{make_job(tenant='').pk}/",
        "/api/syncs/99999999999999999999/",
        "/api/products/99999999999999999999/",
        "/api/jobs/99999999999999999999/",
    ]
    for address in foreign:
        answer = api.get(address)
        assert (address, answer.status_code, answer.json()["code"]) == (address, 404, "resource.not_found")
    assert api.get("/api/products/").json()["results"] == []


def test_a_job_shows_its_attempts_without_tracebacks(api: APIClient, seller: Seller) -> None:
    letter = make_dead_letter(tenant=seller.tenant)
    answer = api.get(f"/api/jobs/{letter.job_id}/")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["state"], body["progress_pct"], body["attempts_made"]) == ("failed", 0, 1)
    assert body["failure"] == {"code": "test.broken", "message": "It broke."}
    assert [attempt["error_code"] for attempt in body["attempts"]] == ["test.broken"]
    assert body["finished_at"] is not None
    assert "Traceback" not in answer.content.decode()


def test_a_completed_job_is_at_100_percent(api: APIClient, seller: Seller) -> None:
    job = make_job(tenant=seller.tenant, state="completed", result={"n": 1})
    body = api.get(f"/api/jobs/{job.pk}").json()
    assert (body["progress_pct"], body["result"], body["failure"], body["priority"]) == (100, {"n": 1}, None, "normal")


def test_queue_stats_are_for_sellers_and_staff(api: APIClient, back_office: Client, db: None) -> None:
    for client in (api, back_office):
        answer = client.get("/api/queue/stats/")
        assert answer.status_code == 200
        assert "queues" in answer.json()
    assert APIClient().get("/api/queue/stats/").status_code == 401


def test_jobs_are_not_for_staff_sessions(back_office: Client) -> None:
    assert back_office.get(f"/api/jobs/{make_job().pk}/").status_code == 401


@pytest.mark.parametrize("address", ["sellers/me", "products", "queue/stats", "schema", "docs"])
def test_addresses_answer_with_and_without_the_last_slash(api: APIClient, address: str) -> None:
    assert api.get(f"/api/{address}").status_code == 200
    assert api.get(f"/api/{address}/").status_code == 200


def test_the_schema_names_every_address_once(db: None) -> None:
    answer = APIClient().get("/api/schema/?format=json")
    paths = answer.json()["paths"]
    assert {
        "/api/sellers/",
        "/api/sellers/me/",
        "/api/sellers/me/syncs/",
        "/api/syncs/{sync_id}/",
        "/api/products/",
        "/api/products/{product_id}/",
        "/api/jobs/{job_id}/",
        "/api/queue/stats/",
    } <= paths.keys()
    assert all(path.endswith("/") for path in paths)
    security = answer.json()["components"]["securitySchemes"]
    assert (security["ApiKeyBearer"]["scheme"], security["ApiKeyHeader"]["name"]) == ("bearer", "X-API-Key")


def test_the_docs_need_nothing_from_elsewhere(db: None) -> None:
    page = APIClient().get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "//cdn" not in page
