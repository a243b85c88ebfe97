"""Proposals over HTTP."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from catalog.generation.models import GenerationRequest
from jobs.models import Job
from jobs.session import Session
from jobs.workflows import finish_groups
from marketplace import api_keys
from marketplace.models import Product, Seller
from tests.catalog.generation.proposals import ANSWER, make_lamp, propose
from tests.catalog.products import drain, make_seller
from tests.fakes.gemini import GeminiApi

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


@pytest.fixture
def api(seller: Seller) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_keys.issue_key(seller=seller)[1]}")
    return client


def test_a_request_is_accepted_followed_and_decided_on(
    api: APIClient, seller: Seller, gemini_api: GeminiApi, session: Session
) -> None:
    product = make_lamp(seller)
    gemini_api.replies = [json.dumps(ANSWER)]

    asked = api.post("/api/generations/", {"products": [product.pk], "kinds": ["title", "attributes"]})

    job = Job.objects.get(task="ai_generation")
    body = asked.json()
    assert (asked.status_code, asked["Location"]) == (202, f"/api/generations/{body['id']}/")
    assert (body["status"], body["jobs"], body["kinds"]) == ("running", [job.pk], ["title", "attributes"])
    assert (job.queue, job.priority, job.max_attempts) == ("ai-generation", 1, 3)
    assert api.get(asked["Location"])["Retry-After"] == "2"
    drain(session, "ai-generation")
    finish_groups()
    drain(session, "ai-generation")

    shown = api.get(asked["Location"]).json()
    assert (shown["status"], shown["progress"]) == (
        "finished", {"total": 1, "done": 1, "waiting": 0, "ready": 1, "empty": 0, "failed": 0},
    )  # fmt: skip
    assert [it["id"] for it in api.get("/api/generations/").json()["results"]] == [body["id"]]
    (proposal,) = api.get(f"{asked['Location']}proposals/").json()["results"]
    assert (proposal["product"], proposal["state"]) == (product.pk, "ready")
    title, _attributes = proposal["texts"]
    assert (title["field"], title["source"], title["text"]) == ("title", "lamp brass", "Brass table lamp, 40 cm")

    taken = api.post(f"/api/proposed-texts/{title['id']}/accept/", {"text": "My lamp"})
    assert (taken.status_code, taken.json()["state"], taken.json()["accepted_text"]) == (200, "accepted", "My lamp")
    again = api.post(f"/api/proposed-texts/{title['id']}/refuse/")
    assert (again.status_code, again.json()["code"]) == (409, "generation.not_open")
    assert api.post(f"{asked['Location']}accept/").json() == {"accepted": 1, "left": 0}
    assert Product.objects.get().attributes == {"Height": "40 cm", "Material": "Brass"}
    assert api.post(f"/api/proposed-texts/{title['id']}/undo/").json()["state"] == "undone"
    assert Product.objects.get().title == "lamp brass"
    assert api.post(f"/api/proposed-texts/{title['id']}/undo/").json()["code"] == "generation.not_accepted"


def test_without_a_key_the_answer_says_that_it_is_not_set_up(api: APIClient, seller: Seller, settings: Any) -> None:
    settings.GEMINI_API_KEY = ""
    answer = api.post("/api/generations/", {"products": [make_lamp(seller).pk], "kinds": ["title"]})
    assert (answer.status_code, answer.json()["code"]) == (503, "generation.not_set_up")
    assert not Job.objects.filter(task="ai_generation").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kinds": ["title"]}, "products"),
        ({"products": [], "kinds": ["title"]}, "products"),
        ({"products": [1], "kinds": []}, "kinds"),
        ({"products": [1], "kinds": ["poem"]}, "kinds.0"),
        ({"products": [1], "kinds": ["translation"]}, "languages"),
        ({"products": [1], "kinds": ["title"], "language": "xx"}, "language"),
        ({"products": [1], "kinds": ["title"], "tone": "shrill"}, "tone"),
        ({"products": [1], "kinds": ["title"], "colour": "red"}, "colour"),
        ({"products": [987654321], "kinds": ["title"]}, "products"),
    ],
)
def test_a_bad_request_says_which_field(
    api: APIClient, gemini_api: GeminiApi, body: dict[str, Any], field: str
) -> None:
    answer = api.post("/api/generations/", body)
    assert (answer.status_code, answer.json()["errors"][0]["field"].partition(".1")[0]) == (400, field)
    assert not GenerationRequest.objects.exists()


def test_the_day_s_limit_says_when_to_come_back(
    api: APIClient, seller: Seller, gemini_api: GeminiApi, settings: Any
) -> None:
    settings.GENERATIONS_PER_SELLER_DAY = 1
    products = [make_lamp(seller).pk for _ in range(2)]
    answer = api.post("/api/generations/", {"products": products, "kinds": ["title"]})
    assert (answer.status_code, answer.json()["code"]) == (429, "generation.too_many")
    assert int(answer["Retry-After"]) > 0


def test_another_s_proposals_are_not_there(api: APIClient, gemini_api: GeminiApi) -> None:
    text = propose(product := make_lamp(make_seller("Other")))
    generation = text.proposal.request_id
    for path in (f"/api/generations/{generation}/", f"/api/generations/{generation}/proposals/"):
        assert api.get(path).status_code == 404
    assert api.get("/api/generations/").json()["results"] == []
    for path in ("accept", "refuse", "undo"):
        assert api.post(f"/api/proposed-texts/{text.pk}/{path}/").status_code == 404
    assert api.post(f"/api/generations/{generation}/accept/").status_code == 404
    answer = api.post("/api/generations/", {"products": [product.pk], "kinds": ["title"]})
    assert answer.json()["errors"][0]["field"] == "products"
    text.refresh_from_db()
    assert (text.state, Product.objects.get(pk=product.pk).edits) == ("open", {})


def test_an_unusable_version_says_what_to_change(api: APIClient, seller: Seller) -> None:
    text = propose(make_lamp(seller))
    answer = api.post(f"/api/proposed-texts/{text.pk}/accept/", {"text": "x" * 501})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "text")


def test_staff_may_ask_for_a_seller_and_look_but_not_decide(seller: Seller, gemini_api: GeminiApi) -> None:
    staff = APIClient(raise_request_exception=False)
    staff.force_login(User.objects.create_superuser("ada", password="a long password"))
    mine, other = make_lamp(seller), make_lamp(make_seller("Other"))

    mixed = staff.post("/api/generations/", {"products": [mine.pk, other.pk], "kinds": ["title"]})
    answer = staff.post("/api/generations/", {"products": [mine.pk], "kinds": ["title"]})

    assert (mixed.status_code, answer.status_code) == (400, 202)
    row = GenerationRequest.objects.get()
    assert (row.seller, row.requested_by, row.trigger) == (seller, "ada", "staff")
    assert staff.get(answer["Location"]).status_code == 200
    assert staff.post(f"/api/proposed-texts/{propose(mine).pk}/accept/").status_code in (401, 403)
    assert staff.get(f"/api/generations/{uuid4()}/").status_code == 404
