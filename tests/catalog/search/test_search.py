"""Search: finds by words and meaning, shows only what buyers may see, and answers even without the index."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache.backends.redis import RedisCache
from django.test import Client

from catalog import index
from catalog.embedders.hashing import HashingEmbedder
from catalog.index import IndexFilter
from catalog.indexing import Purpose, mark_live, write_products
from catalog.ranking.ranking import rank
from catalog.ranking.without_index import rank_without_index
from catalog.search import flights, query_vectors
from catalog.search.asking import Search
from catalog.search.breaking import Breaker
from catalog.search.searching import search_products
from marketplace.models import Product, Seller, SyncRun
from qc.models import Verdict
from tests.catalog.products import add_picture, make_product, make_seller, make_sync

pytestmark = pytest.mark.django_db
embedder = HashingEmbedder()


def show(*products: Product) -> None:
    for product in products:
        Verdict.objects.create(product=product, decision="approved", rule_version="1", input_hash="x")
    ids = [product.pk for product in products]
    assert write_products(ids, purpose=Purpose.SHOW, embedder=embedder).shown == set(ids)
    assert mark_live(ids) == len(ids)


@pytest.fixture
def sync() -> SyncRun:
    return make_sync(make_seller())


@pytest.fixture
def shop(search_index: str, sync: SyncRun) -> dict[str, Product]:
    """Four live products."""
    products = {
        "lamp": make_product(sync, "Red table lamp", categories=["Home > Lamps"], price=Decimal("49.90")),
        "lamps": make_product(sync, "Two blue lamps", categories=["Home > Lamps"], price=Decimal(120)),
        "chair": make_product(sync, "Oak chair", categories=["Home > Chairs"], price=Decimal("49.90"), sku="CH-77"),
        "mug": make_product(sync, "Café mug", description="For a red lamp lit evening.", price=None, currency=""),
    }
    show(*products.values())
    return products


def titles(query: str = "", **fields: Any) -> list[str]:
    return [found.product.title for found in search_products(Search(query=query, **fields)).results]


def test_words_find_products_best_first_whatever_their_form(shop: dict[str, Product]) -> None:
    answer = search_products(Search(query="red LAMPS"))

    assert answer.results[0].product.title == "Red table lamp"
    assert {found.product for found in answer.results} == {shop["lamp"], shop["lamps"], shop["mug"]}
    assert (answer.total, answer.is_cached, answer.is_degraded, answer.has_more) == (3, False, False, False)
    scores = [found.score for found in answer.results]
    assert scores == sorted(scores, reverse=True)  # type: ignore[type-var]
    assert answer.results[0].legs.keys() >= {"words", "meaning"}
    for query in ("cafe", "CAFÉ", "ch-77", "chairs"):
        assert titles(query)[0] in ("Café mug", "Oak chair")
    for query in ("zzyzx", "the", "!!!"):
        assert titles(query) == []
    assert titles("  ") == titles("\0") == ["Café mug", "Oak chair", "Two blue lamps", "Red table lamp"]
    assert titles(limit=2, offset=1) == ["Oak chair", "Two blue lamps"]


def test_filters_narrow_search_browsing_and_the_fallback_alike(shop: dict[str, Product], settings: Any) -> None:
    for where, found in (
        (IndexFilter(categories=("Lamps",)), {"Red table lamp", "Two blue lamps"}),
        (IndexFilter(categories=("home",)), {"Red table lamp", "Two blue lamps", "Oak chair"}),
        (IndexFilter(max_price=Decimal("49.90")), {"Red table lamp", "Oak chair"}),
        (IndexFilter(min_price=Decimal("49.91")), {"Two blue lamps"}),
        (IndexFilter(currency="usd"), set()),
        (IndexFilter(seller_ids=(2**62,)), set()),
    ):
        assert set(titles("lamp chair", where=where)) == found
        assert set(titles(where=where)) == found
        ranking = rank("lamp chair", where=where, embedder=embedder)
        assert {shop_title(hit.product_id) for hit in ranking.hits} == found
        without = rank_without_index("lamp chair", where=where)
        assert {shop_title(hit.product_id) for hit in without.hits} == found


def shop_title(product_id: int) -> str:
    return Product.objects.get(pk=product_id).title


def test_a_second_search_comes_from_the_cache_until_something_changes(shop: dict[str, Product], sync: SyncRun) -> None:
    assert not search_products(Search(query="lamp")).is_cached
    second = search_products(Search(query="  LAMP "))
    assert second.is_cached
    assert second.results == search_products(Search(query="lamp")).results
    assert search_products(Search(query="lamp", limit=1)).is_cached

    show(make_product(sync, "Green lamp"))
    index.bump_version(at_once=True)

    third = search_products(Search(query="lamp"))
    assert not third.is_cached
    assert "Green lamp" in [found.product.title for found in third.results]
    for status in ("rejected", "flagged", "gone", "dead", "pending"):
        Product.objects.filter(pk=shop["lamp"].pk).update(status=status)
        assert "Red table lamp" not in titles("lamp") + titles()
    Seller.objects.update(status=Seller.Status.SUSPENDED)
    assert titles("lamp") + titles() == []


def test_without_index_or_cache_search_still_answers(
    shop: dict[str, Product], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = settings.MILVUS_URI
    settings.MILVUS_URI = "http://127.0.0.1:1"
    answer = search_products(Search(query="red lamps", limit=2))
    assert answer.is_degraded
    assert answer.has_more
    assert answer.results[0].product == shop["lamp"]

    settings.MILVUS_URI = uri
    back = search_products(Search(query="red lamps", limit=2))
    assert (back.is_degraded, back.is_cached) == (False, False)

    away = RedisCache("redis://127.0.0.1:1/0", {})
    monkeypatch.setattr(flights, "cache", away)
    monkeypatch.setattr(query_vectors, "cache", away)
    monkeypatch.setattr(flights, "_breaker", Breaker(open_s=2.0))
    assert titles("lamp")
    assert not search_products(Search(query="lamp")).is_cached


def test_the_api_answers_anybody(shop: dict[str, Product], client: Client) -> None:
    add_picture(shop["lamp"], position=0, status="broken", error_code="picture.missing")
    add_picture(shop["lamp"], position=1, display="pictures/a.jpg", thumbnail="thumbnails/a.webp")

    reply = client.get("/api/search/?q=red+table+lamp&limit=1&category=lamps")

    assert reply.status_code == 200
    body = reply.json()
    (result,) = body["results"]
    assert result["title"] == "Red table lamp"
    assert result["price"] == {"amount": "49.90", "currency": "EUR", "raw": ""}
    assert result["categories"] == ["Home > Lamps"]
    assert result["seller"] == {"id": shop["lamp"].seller_id, "name": "Harbour Lane"}
    assert result["picture"] == "http://testserver/media/pictures/a.jpg"
    assert result["thumbnail"] == "http://testserver/media/thumbnails/a.webp"
    assert body["has_more"] is True
    assert (body["cached"], body["degraded"]) == (False, False)
    assert client.get("/api/search?q=red+table+lamp&limit=1&category=lamps").json()["cached"] is True
    (result,) = client.get("/api/search/", {"q": "mug"}).json()["results"]
    assert (result["price"], result["picture"], result["thumbnail"]) == (None, None, None)


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"offset": "-1"},
        {"seller": "x"},
        {"min_price": "NaN"},
        {"min_price": "Infinity"},
        {"min_price": "20", "max_price": "10"},
        {"currency": 'E"R'},
        {"q": "x" * 501},
    ],
)
def test_what_makes_no_sense_is_refused(client: Client, parameters: dict[str, str]) -> None:
    reply = client.get("/api/search/", parameters)

    assert reply.status_code == 400
    assert reply["Content-Type"] == "application/problem+json"
