"""What is made of a ranking: pages, filters, orders, totals; the ranking itself is given."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from catalog.index import IndexFilter
from catalog.milvus import IndexUnavailable
from catalog.ranking.ranking import Ranking
from catalog.search import away, rankings
from catalog.search.asking import Search, Sort
from catalog.search.searching import search_products
from marketplace.models import Product, Seller
from tests.catalog.products import make_product, make_seller, make_sync
from tests.catalog.search.rankings_given import give, make_live, ranked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


@pytest.fixture
def stock() -> list[Product]:
    """Eleven products of two sellers, with prices in two currencies, some without one."""
    prices = [(30, "EUR"), (10, "EUR"), (20, "USD"), (None, ""), (10, "EUR"), (50, "EUR"), (5, "USD"), (None, "EUR")]
    syncs = [make_sync(make_seller(name)) for name in ("Harbour Lane", "Old Mill")]
    return [
        make_product(
            syncs[number % 2],
            f"Lamp {number}",
            price=None if price is None else Decimal(price),
            currency=currency,
            categories=["Home > Lamps"] if number % 3 else ["Garden"],
            status="live",
        )
        for number, (price, currency) in enumerate([*prices, (40, "EUR"), (15, ""), (60, "EUR")])
    ]


def ids_of(search: Search) -> list[int]:
    return [found.product.pk for found in search_products(search).results]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("query", ["lamp", ""])
@pytest.mark.parametrize("where", [IndexFilter(), IndexFilter(min_price=Decimal(10)), IndexFilter(currency="usd")])
def test_pages_join_exactly_and_hold_nothing_twice(
    stock: list[Product], monkeypatch: pytest.MonkeyPatch, sort: Sort, query: str, where: IndexFilter
) -> None:
    order = [stock[place] for place in (3, 9, 0, 10, 4, 1, 7, 6, 2, 8, 5)]
    give(monkeypatch, lambda *_: ranked(order))
    whole = search_products(Search(query=query, where=where, sort=sort, limit=100))
    ids = [found.product.pk for found in whole.results]

    assert (len(ids), whole.has_more) == (whole.total, False)
    for limit in (4, 11):
        pages = [
            search_products(Search(query=query, where=where, sort=sort, limit=limit, offset=offset))
            for offset in range(0, len(ids) + limit, limit)
        ]
        assert [found.product.pk for page in pages for found in page.results] == ids
        assert [page.has_more for page in pages] == [
            offset + limit < len(ids) for offset in range(0, len(ids) + limit, limit)
        ]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("query", ["lamp", ""])
def test_orders_by_price_keep_to_one_currency_and_put_no_price_last(
    stock: list[Product], monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    give(monkeypatch, lambda *_: ranked(stock))

    def prices(sort: Sort, **where: Any) -> list[tuple[int | None, str]]:
        found = search_products(Search(query=query, sort=sort, where=IndexFilter(**where), limit=100)).results
        return [(None if it.product.price is None else int(it.product.price), it.product.currency) for it in found]

    euros = [(price, "EUR") for price in (10, 10, 30, 40, 50, 60)]
    dollars = [(5, "USD"), (20, "USD")]
    assert prices(Sort.PRICE)[:9] == [*euros, (15, ""), *dollars]
    assert prices(Sort.PRICE_DOWN)[:9] == [*euros[::-1], (15, ""), *dollars[::-1]]
    assert [price for price, _ in prices(Sort.PRICE)[9:]] == [None, None]
    assert prices(Sort.PRICE, currency="usd") == dollars
    newest = ids_of(Search(query=query, sort=Sort.NEWEST, limit=100))
    assert newest == [product.pk for product in reversed(stock)]


def test_filters_and_facets_of_a_whole_ranking_need_no_other(
    stock: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = give(monkeypatch, lambda *_: ranked(stock, corrected="lamp"))
    everything = search_products(Search(query="Lmap  "))
    assert [facet.name for facet in everything.facets] == ["category", "price", "seller", "availability"]
    assert (everything.total, everything.total_is_capped, everything.corrected) == (11, False, "lamp")
    assert everything.results[0].legs == {"words": 1.0}
    assert everything.results[0].matched == ("lamp",)

    own = stock[0].seller_id
    narrowed = search_products(Search(query="LMAP", where=IndexFilter(seller_ids=(own,), categories=("home",))))

    assert calls == [("lmap", IndexFilter())]
    assert narrowed.is_cached
    assert {found.product.pk for found in narrowed.results} == {stock[2].pk, stock[4].pk, stock[8].pk, stock[10].pk}
    sellers = {value.label: value for value in narrowed.facets[2].values}
    assert [(it.count, it.is_selected) for it in sellers.values()] == [(4, True), (3, False)]


def test_a_capped_ranking_is_ranked_anew_under_filters(stock: list[Product], monkeypatch: pytest.MonkeyPatch) -> None:
    where = IndexFilter(currency="USD")
    pool = ranked(stock[:4], is_capped=True)
    monkeypatch.setattr(rankings, "rank_without_index", lambda *_, **__: pool)
    calls = give(
        monkeypatch,
        lambda _, asked: ranked([stock[2], stock[6]] if asked == where else stock[:4], is_capped=asked != where),
    )
    answer = search_products(Search(query="lamp", where=where))

    assert calls == [("lamp", where)]  # whether there are more is known without the index
    assert [found.product for found in answer.results] == [stock[2], stock[6]]
    assert (answer.total, answer.total_is_capped) == (2, False)
    assert search_products(Search(query="lamp")).total_is_capped
    assert search_products(Search(query="lamp", where=where)).is_cached
    assert calls == [("lamp", where), ("lamp", IndexFilter())]


@pytest.mark.parametrize("query", ["lamp", ""])
@pytest.mark.parametrize("is_suspended", [False, True])
def test_what_is_taken_down_is_gone_at_once_and_pages_stay_full(
    stock: list[Product], monkeypatch: pytest.MonkeyPatch, query: str, is_suspended: bool
) -> None:
    give(monkeypatch, lambda *_: ranked(stock[::-1]))
    assert ids_of(Search(query=query, limit=3)) == [stock[place].pk for place in (10, 9, 8)]

    if is_suspended:
        Seller.objects.filter(name="Harbour Lane").update(status=Seller.Status.SUSPENDED)
    else:
        Product.objects.filter(pk=stock[9].pk).update(status=Product.Status.REJECTED)

    left = (9, 7, 5) if is_suspended else (10, 8, 7)
    assert ids_of(Search(query=query, limit=3)) == [stock[place].pk for place in left]
    if query:
        assert search_products(Search(query=query)).total == (5 if is_suspended else 10)


def test_what_finds_nothing_says_what_else_there_is(stock: list[Product], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = give(monkeypatch, lambda *_: Ranking(hits=()))
    answer = search_products(Search(query="zzyzx"))

    assert (answer.results, answer.total, answer.has_more) == ([], 0, False)
    assert [(it.text, it.kind) for it in answer.suggestions] == [("Home", "category"), ("Garden", "category")]
    assert search_products(Search(query="zzyzx")).is_cached
    assert len(calls) == 1


def test_degraded_answers_are_marked_and_give_way_to_whole_ones(
    stock: list[Product], monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MILVUS_URI = "http://127.0.0.1:2"  # a breaker of its own
    monkeypatch.setattr(away, "alarm", away.Alarm())
    words = Ranking(hits=ranked(stock[:2]).hits, is_degraded=True)
    monkeypatch.setattr(rankings, "rank_without_index", lambda *_, **__: words)

    def is_away(query: str, where: IndexFilter) -> Ranking:
        raise IndexUnavailable

    calls = give(monkeypatch, is_away)
    for _ in range(5):
        answer = search_products(Search(query="lamp", limit=1))
        assert (answer.is_degraded, answer.is_cached, answer.total, answer.has_more) == (True, False, 2, True)

    assert len(calls) == 1  # then it is left alone
    assert [record.levelname for record in caplog.records if record.name == "catalog.search.away"] == ["WARNING"]

    away.breaker_of_index.cache_clear()
    give(monkeypatch, lambda *_: ranked(stock))
    back = search_products(Search(query="lamp"))
    assert (back.is_degraded, back.is_cached, back.total) == (False, False, 11)


def test_without_the_embedder_answers_are_degraded_and_ranked_anew(
    stock: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = give(monkeypatch, lambda *_: Ranking(hits=ranked(stock).hits, is_degraded=True))
    for _ in range(2):
        assert search_products(Search(query="lamp")).is_degraded
    assert len(calls) == 2


def test_the_number_of_statements_does_not_grow_with_what_is_found(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    products = make_live(*(f"Lamp {number}" for number in range(30)))
    give(monkeypatch, lambda *_: ranked(products))
    search_products(Search(query="lamp"))
    with django_assert_max_num_queries(6):  # version, vocabulary each 5 s, rows, products, categories, pictures
        assert len(search_products(Search(query="lamp")).results) == 20
    search_products(Search())
    with django_assert_max_num_queries(6):
        assert len(search_products(Search()).results) == 20
