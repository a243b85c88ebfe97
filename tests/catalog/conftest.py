"""A worker without a process, and a collection of the test's own."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache

from catalog import index
from catalog.embedders.hashing import HashingEmbedder
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


@pytest.fixture
def search_index(settings: Any) -> Iterator[str]:
    """An empty collection in the real Milvus, dropped afterwards; yields the embedder's fingerprint."""
    settings.INDEX_COLLECTION = f"test_{uuid4().hex[:12]}"
    uri = settings.MILVUS_URI
    cache.clear()
    fingerprint = HashingEmbedder.fingerprint
    yield fingerprint
    settings.MILVUS_URI = uri
    index.drop_collection(fingerprint)
