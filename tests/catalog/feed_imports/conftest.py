"""A seller whose feeds are read, judged and shown, without pictures and without an index."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from catalog.completion import SyncEnd, end_sync
from jobs.models import Priority
from jobs.session import Session
from marketplace.models import Product, Seller, SyncRun
from qc.verdicts import judge_products, record_judgements
from tests.catalog.feed_imports.sending import read_all
from tests.catalog.products import drain, make_seller


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.FEED_DIR = tmp_path / "feeds"
    return tmp_path / "feeds"


@pytest.fixture
def seller(db: None) -> Seller:
    return make_seller()


@pytest.fixture
def follow(session: Session) -> Callable[[SyncRun | None], SyncRun]:
    """Return a function that reads what a sync is to read, judges the products, shows them, and ends the sync."""

    def run(sync: SyncRun | None) -> SyncRun:
        assert sync is not None
        read_all(session)
        drain(session, "quality-control")
        pending = Product.objects.filter(last_sync=sync, status="pending")
        record_judgements(judge_products(list(pending.values_list("pk", flat=True))))
        pending.update(status="live", indexed_at=timezone.now(), embedding_fingerprint="x")
        end_sync(SyncEnd(sync_id=sync.pk, stale=[]), priority=Priority.NORMAL)
        sync.refresh_from_db()
        return sync

    return run
