"""Search of the directory: words and meaning together, only what may be shown, whatever is away."""

from collections.abc import Callable
from typing import Any

import pytest

from catalog.directory import nearest
from catalog.directory.searching import search_directory
from catalog.search.query_vectors import breaker_of
from jobs.errors import RateLimitedError, RetryableError
from marketplace.directory import update_entry
from marketplace.models import DirectoryEntry, Seller
from marketplace.sellers import register_seller, suspend_seller
from tests.catalog.directory.conftest import CountingEmbedder, make_business

pytestmark = pytest.mark.django_db


def names(query: str, **options: Any) -> list[str]:
    return [found.entry.name for found in search_directory(query, **options).results]


@pytest.fixture
def town(work: Callable[[], None]) -> None:
    make_business("Harbour Bakery")
    make_business("Bakery on the Hill", description="Cakes for weddings.", address="7 Hill Road")
    make_business("Café Olé", category="Café", description="Coffee and cakes.", address="3 Quay Street")
    make_business("Lamp House", category="Lighting", description="Lamps of brass and glass.", address="9 High Street")
    work()


def test_an_exact_name_comes_first_and_each_leg_is_told(town: None) -> None:
    answer = search_directory("lamp house")
    best = answer.results[0]
    assert best.entry.name == "Lamp House"
    assert best.legs.keys() == {"words", "meaning"}
    assert best.score == pytest.approx(2 / 61)
    assert (answer.is_degraded, answer.has_more) == (False, False)


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("cafe ole", "Café Olé"),  # without accents
        ("wedding cake", "Bakery on the Hill"),  # other endings
        ("brass lighting", "Lamp House"),
        ("quay street coffee", "Café Olé"),
        ("harbuor bakerry", "Harbour Bakery"),  # misspelt: by meaning, which is pieces of words here
    ],
)
def test_words_find_what_they_are_about(town: None, query: str, first: str) -> None:
    assert names(query)[0] == first


def test_what_has_nothing_to_do_with_the_query_is_not_found(town: None) -> None:
    assert names("zxqv") == []


def test_a_category_narrows_both_legs(town: None) -> None:
    assert names("cakes", category="café") == ["Café Olé"]
    assert names("", category=" Bakery ") == ["Bakery on the Hill", "Harbour Bakery"]


def test_pages_follow_each_other(town: None) -> None:
    everything = names("street cakes bakery lamps")
    assert len(everything) == 4
    first, second = (
        search_directory("street cakes bakery lamps", limit=3),
        names("street cakes bakery lamps", limit=3, offset=3),
    )
    assert [found.entry.name for found in first.results] + second == everything
    assert first.has_more is True
    assert names("", limit=2, offset=1) == ["Café Olé", "Harbour Bakery"]


def test_a_new_business_is_found_by_its_words_before_its_job(embedder: CountingEmbedder) -> None:
    make_business("Harbour Bakery")
    assert names("bakery") == ["Harbour Bakery"]


def test_a_suspended_seller_is_not_found_from_that_moment(work: Callable[[], None]) -> None:
    seller = register_seller(name="Lamp House", category="Lighting").seller
    work()
    for query in ("lamp house", "lighting", "lampp housse", ""):
        assert names(query) == ["Lamp House"], query
    suspend_seller(seller, actor="ada", reason="Fraud.")
    for query in ("lamp house", "lighting", "lampp housse", ""):
        assert names(query) == [], query
        assert names(query, category="Lighting") == []
    Seller.objects.update(status="active")
    assert names("lampp housse") == ["Lamp House"]


def test_changed_and_deleted_businesses_leave_the_copy_of_the_vectors(work: Callable[[], None]) -> None:
    entry = make_business("Harbour Bakery", description="")
    other = make_business("Lamp House", category="Lighting", description="")
    work()
    assert names("harbourr") == ["Harbour Bakery"]
    update_entry(entry.pk, by="ada", name="Cedar Joinery", category="Carpenter", description="Tables.")
    work()
    assert names("harbourr") == []
    assert names("cedarr joinerry") == ["Cedar Joinery"]
    DirectoryEntry.objects.filter(pk=other.pk).delete()
    assert names("lampp housse") == []
    assert other.pk not in nearest._copy.rows


def test_vectors_of_another_embedder_are_never_compared(
    town: None, work: Callable[[], None], embedder: CountingEmbedder
) -> None:
    assert names("harbuor bakerry")[0] == "Harbour Bakery"
    embedder.fingerprint = "counting_2"
    assert names("harbuor bakerry") == []
    assert names("harbour")[0] == "Harbour Bakery"  # by its words all the while


@pytest.mark.parametrize("error", [RetryableError("away"), RateLimitedError("slow down", retry_after_s=30)])
def test_without_the_embedder_words_answer(town: None, embedder: CountingEmbedder, error: Exception) -> None:
    embedder.errors = [error]
    answer = search_directory("bakery")
    assert {found.entry.name for found in answer.results} == {"Harbour Bakery", "Bakery on the Hill"}
    assert answer.is_degraded is True
    assert search_directory("bakery").is_degraded is True  # it is left alone for some seconds
    assert embedder.queries == ["bakery"]

    breaker_of.cache_clear()
    assert search_directory("bakery").is_degraded is False


def test_a_query_is_embedded_once_however_it_is_written(town: None, embedder: CountingEmbedder) -> None:
    for query in ("café", "CAFÉ", " Café  "):
        search_directory(query)
    assert embedder.queries == ["café"]


@pytest.mark.parametrize("query", ["!!!", "the of and", "\0", "a" * 5_000, "' & | ! <->", "日本語"])
def test_no_query_breaks_it(town: None, query: str) -> None:
    search_directory(query)
