"""Businesses, a worker for their vectors, and an embedder that counts what it is asked."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.core.cache import cache

from catalog.directory import embedder as directory_embedder
from catalog.directory import nearest
from catalog.embedders.contract import Vectors
from catalog.embedders.hashing import HashingEmbedder
from catalog.search.query_vectors import breaker_of
from jobs.session import Session
from marketplace.directory import create_entry
from marketplace.models import DirectoryEntry
from tests.catalog.products import drain

QUEUE = "generate-business-embedding"


class CountingEmbedder(HashingEmbedder):
    """Hashes, keeps what each call was given, and fails with what it is told to fail with."""

    def __init__(self) -> None:
        self.fingerprint = "counting_1"
        self.calls: list[list[str]] = []
        self.queries: list[str] = []
        self.errors: list[Exception] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(list(texts))
        if self.errors:
            raise self.errors.pop(0)
        return super().embed(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.queries += texts
        if self.errors:
            raise self.errors.pop(0)
        return HashingEmbedder().embed(texts)


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> Iterator[CountingEmbedder]:
    """Put the counting embedder in its place; forget vectors and queries of earlier tests."""
    counting = CountingEmbedder()
    monkeypatch.setattr(directory_embedder, "_embedder", lambda _: counting)
    monkeypatch.setattr(nearest, "_copy", nearest.Copy())
    cache.clear()
    breaker_of.cache_clear()
    yield counting
    breaker_of.cache_clear()


@pytest.fixture
def work(session: Session) -> Callable[[], None]:
    """Run the jobs that are due."""
    return lambda: drain(session, QUEUE)


def make_business(name: str = "Harbour Bakery", **fields: Any) -> DirectoryEntry:
    facts = {"category": "Bakery", "description": "Bread and rye rolls from a stone oven.", "address": "1 Quay Street"}
    entry, _ = create_entry(by="ada", name=name, **(facts | fields))
    return entry
