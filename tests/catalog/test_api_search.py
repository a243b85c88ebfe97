"""Search over HTTP: what is asked, what is answered, and what is refused; rankings are given."""

import io
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from catalog.api import search as api
from catalog.search.pictures import Answer
from marketplace.models import Product, Seller
from tests.catalog.products import make_product, make_seller, make_sync, picture_bytes
from tests.catalog.search.rankings_given import give, ranked

pytestmark = pytest.mark.django_db


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> list[Product]:
    cache.clear()
    sync = make_sync(make_seller())
    products = [
        make_product(sync, title, categories=[path], availability=state, status="live")
        for title, path, state in (
            ("Red lamp", "Home > Lamps", "in_stock"),
            ("Blue lamp", "Home > Lamps", "out_of_stock"),
            ("Lamp of oak", "Garden", "in_stock"),
        )
    ]
    give(monkeypatch, lambda query, _: ranked(products if query in ("lamp", "lmap") else [], corrected="lamp"))
    return products


def titles(reply: Any) -> list[str]:
    assert reply.status_code == 200, reply.content
    return [result["title"] for result in reply.json()["results"]]


def test_filters_may_be_given_several_times(stock: list[Product], client: Client) -> None:
    def found(query: str) -> list[str]:
        return titles(client.get(f"/api/search/?q=lamp&{query}"))

    assert found("category=garden&category=lamps&availability=in_stock") == ["Red lamp", "Lamp of oak"]
    assert found("availability=in_stock&availability=out_of_stock&category=Home+%3E+Lamps") == ["Red lamp", "Blue lamp"]
    seller = Seller.objects.get()
    assert len(found(f"seller={seller.pk}&seller={seller.pk + 1}&category=&currency=")) == 3
    assert found(f"seller={seller.pk + 1}") == []
    assert found("sort=newest&limit=2") == ["Lamp of oak", "Blue lamp"]


def test_facets_and_explanations_are_there_when_asked_for(stock: list[Product], client: Client) -> None:
    plain = client.get("/api/search/?q=lmap").json()
    assert (plain["facets"], plain["results"][0]["explanation"]) == ([], None)
    assert (plain["total"], plain["total_is_capped"], plain["corrected"], plain["suggestions"]) == (
        3,
        False,
        "lamp",
        [],
    )

    body = client.get("/api/search?q=lmap&facets=1&explain=1&availability=in_stock").json()
    assert body["results"][0]["explanation"] == {"legs": {"words": 1.0}, "matched": ["lamp"]}
    facets = {facet["name"]: facet["values"] for facet in body["facets"]}
    assert facets["availability"] == [
        {"value": "in_stock", "label": "In stock", "count": 2, "selected": True},
        {"value": "out_of_stock", "label": "Out of stock", "count": 1, "selected": False},
    ]
    assert facets["category"][0] == {"value": "Garden", "label": "Garden", "count": 1, "selected": False}


def test_what_the_caller_holds_is_not_sent_again(stock: list[Product], client: Client) -> None:
    first = client.get("/api/search/?q=lamp")
    assert first["Cache-Control"] == "public, no-cache"
    again = client.get("/api/search/?q=lamp", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])

    Product.objects.filter(title="Red lamp").update(status=Product.Status.REJECTED)
    changed = client.get("/api/search/?q=lamp", headers={"If-None-Match": first["ETag"]})
    assert titles(changed) == ["Blue lamp", "Lamp of oak"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=cheapest", "sort"),
        ("availability=maybe", "availability.0"),
        ("seller=0", "seller.0"),
        ("seller=1&seller=x", "seller.1"),
        ("offset=10001", "offset"),
        ("limit=101", "limit"),
        ("facets=perhaps", "facets"),
        ("&".join(["category=a"] * 51), "category"),
    ],
)
def test_what_makes_no_sense_names_its_field(client: Client, query: str, field: str) -> None:
    reply = client.get(f"/api/search/?{query}")
    assert (reply.status_code, reply["Content-Type"]) == (400, "application/problem+json")
    assert [error["field"] for error in reply.json()["errors"]] == [field]


def test_suggestions_are_answered_with_a_short_life(stock: list[Product], client: Client) -> None:
    for path in ("/api/search/suggest/", "/api/search/suggest"):
        reply = client.get(path, {"q": "red", "limit": "1"})
        found = {"text": "Red lamp", "kind": "product", "product_id": stock[0].pk}
        assert reply.json() == {"suggestions": [found]}
        assert reply["Cache-Control"] == "public, max-age=10"
    assert client.get("/api/search/suggest/").json() == {"suggestions": []}
    assert client.get("/api/search/suggest/", {"limit": 21}).status_code == 400


def test_nothing_is_like_what_is_not_shown(stock: list[Product], client: Client) -> None:
    Product.objects.filter(pk=stock[0].pk).update(status=Product.Status.FLAGGED)
    for product_id in (stock[0].pk, 2**40):
        reply = client.get(f"/api/search/similar/{product_id}/")
        assert (reply.status_code, reply.json()["code"]) == (404, "resource.not_found")
    assert client.get("/api/search/similar/1/?limit=51").status_code == 400


def post(client: Client, content: bytes, **fields: Any) -> Any:
    return client.post("/api/search/image/", {"picture": SimpleUploadedFile("a.jpg", content), **fields})


def test_a_picture_that_cannot_be_searched_by_is_refused_clearly(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    cache.clear()
    bomb = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(bomb, "PNG")
    truncated = picture_bytes()[:500]
    for content, status, code in (
        (b"no picture", 415, "picture.undecodable"),
        (truncated, 415, "picture.undecodable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "picture.undecodable"),
        (bomb.getvalue(), 413, "picture.too_large"),
        (b"", 400, "request.invalid"),
    ):
        reply = post(client, content)
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert reply["Content-Type"] == "application/problem+json"

    monkeypatch.setattr(api, "MAX_PICTURE_BYTES", 1000)
    assert post(client, b"x" * 1001).json()["code"] == "picture.too_large"
    assert post(client, picture_bytes(8, 8)[:900], min_price="2", max_price="1").status_code == 400
    monkeypatch.setattr(api, "MULTIPART_BYTES", 0)
    assert post(client, b"x" * 1001).status_code == 413
    assert client.post("/api/search/image", {}).json()["errors"][0]["field"] == "picture"
    assert client.post("/api/search/image/", {}, content_type="application/json").status_code == 415


def test_searches_by_picture_have_a_pace_of_their_own(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    cache.clear()
    settings.SEARCH_PICTURES_PER_MIN = 2
    monkeypatch.setattr(api, "search_by_picture", lambda *_, **__: Answer(results=[], total=0))
    replies = [post(client, picture_bytes()) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[0]["Cache-Control"] == "no-store"
    assert int(replies[2]["Retry-After"]) > 0
    assert client.get("/api/search/suggest/").status_code == 200
