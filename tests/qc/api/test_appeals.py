"""Appeals over the API."""

import pytest
from rest_framework.test import APIClient

from marketplace import api_keys
from marketplace.models import Seller
from qc.models import Appeal
from tests.marketplace.factories import make_seller
from tests.qc.rejected import make_judged

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller() -> Seller:
    return make_seller()


@pytest.fixture
def api(seller: Seller) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_keys.issue_key(seller=seller)[1]}")
    return client


def test_an_appeal_is_opened_read_and_withdrawn(api: APIClient, seller: Seller) -> None:
    product = make_judged(seller)
    opened = api.post(f"/api/products/{product.pk}/appeals/", {"why": "Look again."})
    assert (opened.status_code, opened.headers["Location"]) == (201, f"/api/appeals/{Appeal.objects.get().pk}/")
    body = opened.json()
    assert (body["state"], body["why"], body["product"], body["answer"]) == ("open", "Look again.", product.pk, "")
    assert (body["verdict"]["decision"], body["verdict"]["reasons"][0]["code"]) == ("rejected", "price.missing")
    assert api.get(opened.headers["Location"]).json() == body
    assert [it["id"] for it in api.get("/api/appeals/").json()["results"]] == [body["id"]]
    again = api.post(f"/api/products/{product.pk}/appeals/", {"why": "Now."})
    assert (again.status_code, again.json()["code"]) == (409, "appeal.open")
    assert api.delete(opened.headers["Location"]).json()["state"] == "withdrawn"
    assert api.delete(opened.headers["Location"]).json()["code"] == "appeal.not_open"


def test_bad_fields_are_told(api: APIClient, seller: Seller) -> None:
    path = f"/api/products/{make_judged(seller).pk}/appeals/"
    for body in ({}, {"why": ""}, {"why": "x" * 501}, {"why": "x", "more": 1}):
        answer = api.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")


def test_what_is_another_s_is_not_there(api: APIClient) -> None:
    product = make_judged(make_seller())
    assert api.post(f"/api/products/{product.pk}/appeals/", {"why": "x"}).status_code == 404
    appeal = Appeal.objects.create(
        seller=product.seller, product=product, verdict=product.verdicts.get(), why="x", asked_by="x"
    )
    for call in (api.get, api.delete):
        assert call(f"/api/appeals/{appeal.pk}/").status_code == 404
    assert api.get("/api/appeals/").json()["results"] == []
