"""The directory over HTTP: who may write, what is answered at once, and what everybody sees."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from rest_framework.test import APIClient

from jobs.dead_letters import free_keys_of
from jobs.models import Audit, Job
from marketplace.directory import create_entry
from marketplace.models import DirectoryEntry, Seller
from marketplace.sellers import suspend_seller
from tests.marketplace.factories import make_seller

JSON = "application/json"
BAKERY = {
    "name": "Harbour Bakery",
    "category": "Bakery",
    "description": "Bread and rye rolls.",
    "address": "1 Quay Street",
    "phone": "+254 700 000000",
    "email": "hello@bakery.example",
    "website": "https://bakery.example/",
}


def make_entry(name: str = "Harbour Bakery", **fields: Any) -> DirectoryEntry:
    return create_entry(by="ada", name=name, **fields)[0]


def only_job() -> Job:
    return Job.objects.get(task="generate-business-embedding")


def test_creating_answers_with_the_business_and_its_job(back_office: Client) -> None:
    answer = back_office.post("/api/directory/", BAKERY, JSON)
    assert answer.status_code == 201
    body, entry, job = answer.json(), DirectoryEntry.objects.get(), only_job()
    assert answer["Location"] == f"/api/directory/{entry.pk}/"
    assert {name: body[name] for name in BAKERY} == BAKERY
    assert (body["id"], body["seller"], body["embedding"]["status"]) == (entry.pk, None, "queued")
    assert body["_embeddingJob"] == {
        "id": job.pk,
        "status": "queued",
        "message": "The business is found by its words now, and by its meaning soon.",
    }
    assert body["_embedding_job"] == body["_embeddingJob"]
    assert (job.priority, job.payload) == (1, {"businessId": entry.pk, "operation": "create"})
    assert {name: job.meta[name] for name in ("by", "source", "original_name")} == {
        "by": "ada",
        "source": "api",
        "original_name": "Harbour Bakery",
    }
    assert Audit.objects.get().action == "create business"


@pytest.mark.parametrize(
    ("payload", "field", "code"),
    [
        ({}, "name", "required"),
        ({"name": " "}, "name", "blank"),
        ({"name": "x" * 201}, "name", "max_length"),
        ({"name": "A", "description": "x" * 20_001}, "description", "max_length"),
        ({"name": "A", "email": "me"}, "email", "invalid"),
        ({"name": "A", "website": "bakery"}, "website", "invalid"),
        ({"name": "A", "seller": 1}, "seller", "read_only"),
        ({"name": "A", "colour": "red"}, "colour", "unknown"),
        ({"name": "A\x00"}, "name", "null_characters_not_allowed"),
    ],
)
def test_invalid_data_is_refused_by_field(back_office: Client, payload: dict[str, Any], field: str, code: str) -> None:
    answer = back_office.post("/api/directory/", payload, JSON)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert not DirectoryEntry.objects.exists()
    assert not Job.objects.exists()


def test_only_staff_with_the_permission_write(api: APIClient, seller: Seller) -> None:
    entry = make_entry()
    clerk = Client()
    clerk.force_login(User.objects.create_user("carl", is_staff=True))
    for client, code in ((APIClient(), 401), (api, 403), (clerk, 403)):
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("post", "/api/directory/", BAKERY),
            ("patch", f"/api/directory/{entry.pk}/", {"name": "New"}),
            ("delete", f"/api/directory/{entry.pk}/", {}),
            ("post", "/api/admin/embeddings/bulk/", {"businessIds": [entry.pk]}),
            ("post", f"/api/admin/embeddings/retry/{entry.pk}/", {}),
        ]
        for method, path, body in calls:
            options: dict[str, Any] = {"content_type": JSON} if isinstance(client, Client) and client is clerk else {}
            answer = getattr(client, method)(path, body, **options)
            assert answer.status_code == code, (method, path, code)
    clerk_user = User.objects.get(username="carl")
    clerk_user.user_permissions.set(Permission.objects.filter(codename="add_directoryentry"))
    assert clerk.post("/api/directory/", BAKERY, JSON).status_code == 201
    assert clerk.delete(f"/api/directory/{entry.pk}/").status_code == 403


def test_everybody_reads_without_the_state_of_the_vector(back_office: Client) -> None:
    entry = make_entry(**{name: value for name, value in BAKERY.items() if name != "name"})
    public = Client().get(f"/api/directory/{entry.pk}").json()
    assert {name: public[name] for name in BAKERY} == BAKERY
    assert public["embedding"] is None
    assert back_office.get(f"/api/directory/{entry.pk}/").json()["embedding"]["status"] == "queued"
    listed = Client().get("/api/directory/").json()
    assert listed["results"] == [public]
    assert Client().get("/api/directory/999/").status_code == 404


def test_the_list_is_paged_and_leaves_suspended_sellers_out(
    back_office: Client, django_assert_max_num_queries: Any
) -> None:
    seller = make_seller()
    for number in range(4):
        make_entry(f"b{number}")
    make_entry("suspended", seller=seller)
    suspend_seller(seller, actor="ada", reason="Fraud.")
    with django_assert_max_num_queries(2):
        page = Client().get("/api/directory/?limit=3").json()
    assert [business["name"] for business in page["results"]] == ["b3", "b2", "b1"]
    assert [business["name"] for business in Client().get(page["next"]).json()["results"]] == ["b0"]
    hidden = DirectoryEntry.objects.get(name="suspended")
    assert Client().get(f"/api/directory/{hidden.pk}/").status_code == 404
    assert back_office.get(f"/api/directory/{hidden.pk}/").status_code == 200


def test_patching_enqueues_a_job_only_where_what_is_embedded_changed(back_office: Client) -> None:
    entry = make_entry()
    answer = back_office.patch(f"/api/directory/{entry.pk}/", {"phone": "+254 1", "name": "Harbour Bakery"}, JSON)
    assert answer.status_code == 200
    assert (answer.json()["phone"], answer.json()["_embeddingJob"]["status"]) == ("+254 1", "not_needed")
    assert (answer.json()["_embeddingJob"]["id"], Job.objects.count()) == (None, 1)
    answer = back_office.patch(f"/api/directory/{entry.pk}/", {"category": "Bakery"}, JSON)
    job = Job.objects.latest("pk")
    assert answer.json()["_embeddingJob"]["id"] == job.pk
    assert (job.priority, job.payload) == (2, {"businessId": entry.pk, "operation": "update"})
    assert back_office.patch("/api/directory/999/", {"name": "A"}, JSON).status_code == 404
    refused = back_office.patch(f"/api/directory/{entry.pk}/", {"name": ""}, JSON)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "name")


def test_deleting_takes_off_what_staff_wrote_but_no_sellers_own(back_office: Client) -> None:
    entry, own = make_entry(), make_entry("Lamps", seller=make_seller())
    assert back_office.delete(f"/api/directory/{entry.pk}/").status_code == 204
    assert back_office.delete(f"/api/directory/{entry.pk}/").status_code == 404
    refused = back_office.delete(f"/api/directory/{own.pk}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "directory.of_seller")
    assert list(DirectoryEntry.objects.all()) == [own]
    assert Audit.objects.get().subject == f"business {entry.pk}: Harbour Bakery"


def test_bulk_answers_with_a_job_for_each_known_business(back_office: Client) -> None:
    done = make_entry("done")
    DirectoryEntry.objects.filter(pk=done.pk).update(embedding_status="done", embedding_job_id=only_job().pk)
    Job.objects.update(state="completed")
    queued = make_entry("queued")
    answer = back_office.post(
        "/api/admin/embeddings/bulk", {"businessIds": [queued.pk, 999_999, done.pk, queued.pk]}, JSON
    )
    assert answer.status_code == 202
    waiting, new = Job.objects.order_by("-pk")[1], Job.objects.latest("pk")
    assert answer.json() == {
        "queued": 1,
        "jobs": [
            {"businessId": queued.pk, "jobId": waiting.pk, "status": "duplicate"},
            {"businessId": done.pk, "jobId": new.pk, "status": "queued"},
        ],
        "unknown": [999_999],
    }
    assert (new.priority, new.payload["operation"], new.meta["source"]) == (2, "bulk", "admin")
    assert DirectoryEntry.objects.get(pk=done.pk).embedding_status == "queued"
    assert Audit.objects.get().count == 2


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "businessIds", "required"),
        ({"businessIds": []}, "businessIds", "empty"),
        ({"businessIds": ["x"]}, "businessIds.0", "invalid"),
        ({"businessIds": [0]}, "businessIds.0", "min_value"),
        ({"businessIds": [2**70]}, "businessIds.0", "max_value"),
        ({"businessIds": list(range(1, 1_002))}, "businessIds", "max_length"),
        ({"ids": [1], "businessIds": [1]}, "ids", "unknown"),
    ],
)
def test_bulk_refuses_what_is_no_list_of_ids(back_office: Client, body: dict[str, Any], field: str, code: str) -> None:
    answer = back_office.post("/api/admin/embeddings/bulk/", body, JSON)
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_bulk_and_retry_of_nothing_known_are_404(back_office: Client) -> None:
    assert back_office.post("/api/admin/embeddings/bulk/", {"businessIds": [1, 2]}, JSON).status_code == 404
    assert back_office.post("/api/admin/embeddings/retry/1/", {}, JSON).status_code == 404
    assert not Audit.objects.exists()


def test_a_failed_business_is_retried_and_its_job_reported(back_office: Client) -> None:
    entry = make_entry()
    job = only_job()
    Job.objects.filter(pk=job.pk).update(
        state="failed", attempt=1, error_code="gemini.key", error_message="The key is wrong."
    )
    report = back_office.get(f"/api/admin/jobs/{job.pk}/").json()
    assert (report["jobId"], report["businessId"], report["state"]) == (job.pk, entry.pk, "failed")
    assert (report["attemptsMade"], report["maxRetries"], report["operation"]) == (1, 3, "create")
    assert (report["failedReason"], report["progress"]) == ("The key is wrong.", 0)
    assert report["metadata"] == {
        "triggeredBy": "ada",
        "at": job.meta["at"],
        "source": "api",
        "retriedAt": None,
        "originalName": "Harbour Bakery",
    }
    free_keys_of([job.pk])
    answer = back_office.post(f"/api/admin/embeddings/retry/{entry.pk}/", {"reason": "The key is right now."}, JSON)
    new = Job.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (202, f"/api/admin/jobs/{new.pk}/")
    assert answer.json() == {"businessId": entry.pk, "jobId": new.pk, "status": "queued"}
    assert Audit.objects.get().reason == "The key is right now."


def test_registering_and_changing_a_seller_write_its_entry(db: None) -> None:
    facts = {name: BAKERY[name] for name in ("name", "category", "description", "address", "phone")}
    answer = APIClient().post("/api/sellers/", facts | {"email": "owner@bakery.example"})
    assert answer.status_code == 201
    entry = DirectoryEntry.objects.get()
    assert answer.json()["_embeddingJob"]["id"] == only_job().pk
    assert (entry.seller_id, {name: getattr(entry, name) for name in facts}) == (answer.json()["id"], facts)
    assert (entry.email, entry.website) == ("", "")  # the address of the account is for us alone
    job = only_job()
    assert (job.tenant, job.meta["by"]) == (str(entry.seller_id), f"seller {entry.seller_id}")
    api = APIClient()
    api.credentials(HTTP_X_API_KEY=answer.json()["api_key"])
    changed = api.patch("/api/sellers/me/", {"catalog_address": "https://bakery.example/", "phone": "+254 2"})
    assert (changed.status_code, changed.json()["_embeddingJob"]["status"]) == (200, "not_needed")
    changed = api.patch("/api/sellers/me/", {"description": "Cakes."})
    assert changed.json()["_embeddingJob"] == changed.json()["_embedding_job"]
    assert (changed.json()["_embeddingJob"]["status"], Job.objects.count()) == ("queued", 2)
    entry.refresh_from_db()
    assert (entry.phone, entry.description) == ("+254 2", "Cakes.")


def test_a_seller_from_before_the_directory_gets_an_entry_with_the_first_change(api: APIClient, seller: Seller) -> None:
    assert not DirectoryEntry.objects.exists()
    assert api.patch("/api/sellers/me/", {"phone": "+254 2"}).json()["_embeddingJob"]["status"] == "queued"
    assert DirectoryEntry.objects.get(seller=seller).name == "Lamp House"


def test_the_search_is_public_and_checks_its_parameters(db: None) -> None:
    make_entry()
    body = Client().get("/api/directory/search/?q=bakery&limit=5").json()
    assert [found["business"]["name"] for found in body["results"]] == ["Harbour Bakery"]
    assert body["results"][0]["legs"].keys() == {"words"}
    assert (body["degraded"], body["has_more"]) == (False, False)
    assert Client().get("/api/directory/search").json()["results"][0]["score"] is None
    for query in ("limit=0", "limit=101", "offset=-1", f"q={'x' * 501}"):
        assert Client().get(f"/api/directory/search/?{query}").status_code == 400, query
