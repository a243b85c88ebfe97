"""Syncs of a sample shop through the real tasks, up to and with the reading of product pages."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from catalog.completion import SyncEnd, end_sync
from catalog.robots import forget_rules
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.models import Job, Priority, Worker
from jobs.permits import batch_size_of
from jobs.session import Session, set_current_session
from marketplace.models import Product, Seller, SyncRun
from marketplace.syncs import start_sync

QUEUES = ("sync-seller", "scrape-catalog", "scrape-product")

DEADLINE_S = 60.0
LOOK_EVERY_S = 0.05

Scrape = Callable[[str], SyncRun]


@contextmanager
def scraping(settings: Any) -> Iterator[Scrape]:
    """Yield a function that runs one sync of an address; a second one is of the same seller."""
    session = Session(name="test-scraper", queues=list(QUEUES))
    session.worker_id = Worker.objects.create(name="test-scraper", hostname="here", pid=1, queues=list(QUEUES)).pk
    set_current_session(session)
    forget_rules()

    def run(address: str) -> SyncRun:
        host = address.split("/")[2]
        settings.FETCH_PRIVATE_HOSTS = [host]
        settings.FETCH_RATES = {host: 10_000.0}
        seller, _ = Seller.objects.update_or_create(name="Harbour Lane", defaults={"catalog_address": address})
        SyncRun.objects.update(status=SyncRun.Status.FINISHED)
        sync, _ = start_sync(seller=seller, trigger="test")
        deadline = time.monotonic() + DEADLINE_S
        while _run_all(session) or _is_waiting(sync):
            assert time.monotonic() < deadline, "the sync's reading does not end"
        return sync

    yield run
    set_current_session(None)


def finish(sync: SyncRun) -> SyncRun:
    """End a sync as its last job does, but for the index."""
    end_sync(SyncEnd(sync_id=sync.pk, stale=()), priority=Priority.NORMAL)
    return SyncRun.objects.get(pk=sync.pk)


def make_live() -> None:
    """Set all pending products live, as the later stages do."""
    Product.objects.filter(status=Product.Status.PENDING).update(
        status=Product.Status.LIVE, indexed_at=timezone.now(), embedding_fingerprint="x"
    )


def job_states(sync: SyncRun, task: str) -> Counter[str]:
    """Count a sync's jobs of one task by state."""
    return Counter(Job.objects.filter(grp=sync.group, task=task).values_list("state", flat=True))


def followers(sync: SyncRun) -> list[tuple[str, int]]:
    """Return task and product of each job that a sync's reading led to, beyond reading."""
    jobs = Job.objects.filter(grp=sync.group).exclude(queue__in=QUEUES).order_by("pk")
    return [(job.task, job.payload["product"]) for job in jobs]


def _is_waiting(sync: SyncRun) -> bool:
    """Tell whether jobs wait behind a gate, which a site that asks for rest has shut for a while."""
    waits = Job.objects.filter(grp=sync.group, queue__in=QUEUES, state__in=("gated", "scheduled", "pending")).exists()
    if waits:
        time.sleep(LOOK_EVERY_S)  # between two looks
    return waits


def _run_all(session: Session) -> int:
    claimed = 0
    for queue in QUEUES:
        pass_gates()
        Job.objects.filter(queue=queue, state="scheduled").update(state="pending", run_at=timezone.now())
        claimed += run_once(queue, session=session, limit=batch_size_of(queue))
    return claimed
