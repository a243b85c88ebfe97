"""Vectors of queries: made once, in any spelling of case and spaces, and not asked of an embedder that failed."""

from collections.abc import Sequence

import numpy as np
import pytest
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache

from catalog.embedders.contract import Vectors
from catalog.embedders.hashing import HashingEmbedder
from catalog.search import query_vectors
from catalog.search.breaking import Breaker
from catalog.search.query_vectors import CachedQueries, EmbedderRests
from jobs.errors import RetryableError


class Counted(HashingEmbedder):
    """An embedder that tells what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_away = False

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        if self.is_away:
            raise RetryableError
        return super().embed_queries(texts)


@pytest.fixture
def embedder() -> Counted:
    cache.clear()
    return Counted()


def test_a_query_is_embedded_once(embedder: Counted) -> None:
    queries = CachedQueries(embedder, Breaker(open_s=5.0))
    first = queries.embed_queries(["red lamp", "oak chair"])
    again = queries.embed_queries(["Oak  chair ", "blue mug", "RED LAMP"])

    assert embedder.asked == ["red lamp", "oak chair", "blue mug"]
    assert np.array_equal(first, embedder.embed(["red lamp", "oak chair"]))
    assert np.array_equal(again[[2, 0]], first)
    assert queries.embed_queries([]).shape == (0, 768)


def test_an_embedder_that_failed_is_left_alone_for_a_while(embedder: Counted) -> None:
    now = [0.0]
    queries = CachedQueries(embedder, Breaker(open_s=5.0, clock=lambda: now[0]))
    queries.embed_queries(["red lamp"])
    embedder.is_away = True
    with pytest.raises(RetryableError):
        queries.embed_queries(["oak chair"])
    for _ in range(3):
        with pytest.raises(EmbedderRests):
            queries.embed_queries(["oak chair"])
    assert embedder.asked == ["red lamp", "oak chair"]
    assert len(queries.embed_queries(["red lamp"])) == 1

    embedder.is_away, now[0] = False, 5.0
    assert len(queries.embed_queries(["oak chair"])) == 1


def test_without_the_cache_every_query_is_embedded(embedder: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_vectors, "cache", RedisCache("redis://127.0.0.1:1/0", {}))
    queries = CachedQueries(embedder, Breaker(open_s=5.0))
    for _ in range(2):
        assert len(queries.embed_queries(["red lamp"])) == 1
    assert len(embedder.asked) == 2
