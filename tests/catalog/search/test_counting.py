"""How searches go: counted in memory, written at once, and told as rates and percentiles."""

from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.core.cache import cache
from django.db.utils import OperationalError
from django.test import Client
from django.utils import timezone

from catalog.models import SearchMinute, SearchQuery
from catalog.search import counting
from catalog.search.asking import Search
from catalog.search.counting import ENDS_MS, count_search, flush, percentile, recent_figures, sweep_counts
from catalog.search.searching import search_products
from jobs.stats import queue_stats
from tests.catalog.search.rankings_given import give, make_live, ranked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "_tally", counting._Tally())
    cache.clear()


def test_searches_are_counted_by_what_became_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    products = make_live("Red lamp", "Blue lamp")
    give(monkeypatch, lambda query, _: ranked(products if query == "lamp" else []))
    for query in ("lamp", "LAMP", "lamp ", "", "nothing of the kind"):
        search_products(Search(query=query, limit=1))
    search_products(Search(query="lamp", limit=1, offset=1))
    assert not SearchMinute.objects.exists()

    flush()
    flush()

    figures = queue_stats()["search"]["last_5_min"]
    expected = {"searches": 6, "hit": 3, "stale": 0, "miss": 2, "browse": 1, "empty": 1, "degraded": 0}
    assert {name: figures[name] for name in expected} == expected
    assert (figures["hit_rate"], figures["per_min"]) == (0.6, 1.2)
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert recent_figures()["last_hour"]["searches"] == 6
    queries = SearchQuery.objects.order_by("query").values_list("query", "searches", "empty")
    assert list(queries) == [("lamp", 3, 0), ("nothing of the kind", 1, 1)]


def test_counts_add_up_over_flushes_and_a_failed_one_loses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    count_search(["miss"], took_ms=30.0, query="lamp")
    flush()
    count_search(["hit"], took_ms=0.4, query="lamp")
    with monkeypatch.context() as patch:
        patch.setattr(counting, "_COUNT_MINUTES", "SELECT 1 FROM nowhere WHERE %s = %s AND %s")
        flush()
    count_search(["hit"], took_ms=60_000.0, query="lamp")
    flush()

    figures = recent_figures()["last_5_min"]
    assert (figures["searches"], figures["hit"], figures["miss"]) == (3, 2, 1)
    assert (figures["p50_ms"], figures["p95_ms"]) == (30, ENDS_MS[-1])


def test_nothing_searched_for_has_no_rates() -> None:
    figures = recent_figures()["last_hour"]
    assert (figures["searches"], figures["hit_rate"], figures["p50_ms"], figures["p95_ms"]) == (0, None, None, None)


@pytest.mark.parametrize(("share", "end"), [(0.0, 1), (0.5, 1), (0.51, 10), (0.95, 10), (0.99, 500)])
def test_percentiles_are_ends_of_classes(share: float, end: int) -> None:
    assert percentile({"ms:1": 50, "ms:10": 47, "ms:500": 3, "hit": 100}, share) == end


def test_what_looks_like_an_address_is_not_kept_and_long_queries_are_cut() -> None:
    for query in ("jane@shop.example", "x" * 300):
        count_search(["miss"], took_ms=1.0, query=query)
    flush()
    assert list(SearchQuery.objects.values_list("query", flat=True)) == ["x" * 100]


def test_queries_are_capped_in_memory_and_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MAX_QUERIES", 2)
    for query in ("b", "a", "b", "c", "a", "b"):
        count_search(["hit"], took_ms=1.0, query=query)
    flush()
    for query in ("c", "d"):
        count_search(["hit"], took_ms=1.0, query=query)
    flush()
    old = timezone.now() - timedelta(days=40)
    SearchMinute.objects.create(minute=old, name="searches", count=1)
    SearchQuery.objects.create(day=old.date(), query="a", searches=9)

    assert sweep_counts() == 4
    assert sweep_counts() == 0
    assert list(SearchQuery.objects.values_list("query", "searches")) == [("b", 3), ("a", 2)]


def test_a_database_that_is_away_is_no_matter_of_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(counting.connection, "cursor", away)
        count_search(["hit"], took_ms=1.0, query="lamp")
        flush()
    flush()
    assert recent_figures()["last_5_min"]["searches"] == 1


def test_staff_see_what_people_look_for(admin_client: Client) -> None:
    day = timezone.now().date()
    SearchQuery.objects.create(day=day, query="red lamp", searches=7)
    SearchQuery.objects.create(day=day, query="zzyzx", searches=2, empty=2)

    page = admin_client.get("/admin/catalog/searchquery/").content.decode()
    assert "red lamp" in page
    assert "2 of 2" in page
    assert "/search/?q=red+lamp" in page
    nothing = admin_client.get("/admin/catalog/searchquery/?found=nothing").content.decode()
    assert "zzyzx" in nothing
    assert "red lamp" not in nothing


def test_a_writing_that_had_to_wait_too_long_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.SEARCH_BEHIND = True
    timer = Mock()
    monkeypatch.setattr(counting, "Timer", timer)
    monkeypatch.setattr(counting, "run_behind", lambda _: False)
    for _ in range(2):
        count_search(["hit"], took_ms=1.0)
    assert timer.call_count == 1
    _, act = timer.call_args.args

    act()
    count_search(["hit"], took_ms=1.0)

    assert timer.call_count == 2
    flush()
    assert recent_figures()["last_5_min"]["searches"] == 3
