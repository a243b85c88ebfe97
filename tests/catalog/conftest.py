"""A worker without a process, and a collection of the test's own."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from catalog.embedders.hashing import HashingEmbedder
from catalog.indexes.active import forget_active_index
from catalog.milvus import milvus_client
from catalog.ranking.synonyms import forget_synonyms
from catalog.ranking.vocabulary import forget_vocabulary
from jobs.models import Worker
from jobs.session import Session, set_current_session


@pytest.fixture
def session(db: None) -> Iterator[Session]:
    """A session whose row stands in the test's own transaction; it does not beat."""
    opened = Session(name="test-worker", queues=[])
    opened.worker_id = Worker.objects.create(name="test-worker", hostname="here", pid=1, queues=[]).pk
    set_current_session(opened)
    yield opened
    set_current_session(None)


@pytest.fixture(autouse=True)
def _no_words_of_other_tests() -> None:
    """Forget what the process keeps of the catalog's words: it may be 5 s old."""
    forget_vocabulary()
    forget_synonyms()


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Nothing known of which index is active, before and after: a process remembers for a second."""
    forget_active_index()
    yield
    forget_active_index()


@pytest.fixture
def search_index(settings: Any) -> Iterator[str]:
    """Collections of the test's own in the real Milvus, dropped afterwards; yields the hashing fingerprint."""
    settings.INDEX_COLLECTION = f"test_{uuid4().hex[:12]}"
    uri = settings.MILVUS_URI
    cache.clear()
    yield HashingEmbedder.fingerprint
    settings.MILVUS_URI = uri
    drop_collections(settings.INDEX_COLLECTION)


def drop_collections(prefix: str) -> None:
    """Drop what a test has made: collections are named after the setting."""
    client = milvus_client()
    for alias in client.list_aliases()["aliases"]:
        if alias == prefix:
            client.drop_alias(alias)
    for name in client.list_collections():
        if name.startswith(prefix):
            client.drop_collection(name)
