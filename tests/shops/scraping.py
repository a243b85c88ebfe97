"""Run the stages that read a catalog, in the test's own process, on a real ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from catalog.browser import close_process_browser
from catalog.robots import forget_rules
from jobs.execution import run_once
from jobs.gates import pass_gates
from jobs.models import Job, Worker
from jobs.permits import batch_size_of
from jobs.session import Session, set_current_session
from marketplace.models import Seller, SyncRun
from marketplace.syncs import start_sync

QUEUES = ("sync-seller", "scrape-catalog", "scrape-product")


class Scraper:
    """Reads an address as a worker of the reading stages does."""

    def __init__(self, session: Session, settings: Any) -> None:
        self._session = session
        self._settings = settings

    def __call__(self, address: str, *other_hosts: str) -> SyncRun:
        """Sync the address up to and with its product pages; it may lead to the other hosts."""
        hosts = [address.split("/")[2], *other_hosts]
        self._settings.FETCH_PRIVATE_HOSTS = hosts
        self._settings.FETCH_RATES = dict.fromkeys(hosts, 10_000.0)
        forget_rules()
        seller, _ = Seller.objects.update_or_create(name="Harbour Lane", defaults={"catalog_address": address})
        SyncRun.objects.update(status=SyncRun.Status.FINISHED)
        sync, _ = start_sync(seller=seller, trigger="test")
        while self._run_all():
            pass
        return sync

    def _run_all(self) -> int:
        claimed = 0
        for queue in QUEUES:
            pass_gates()
            Job.objects.filter(queue=queue, state="scheduled").update(state="pending", run_at=timezone.now())
            claimed += run_once(queue, session=self._session, limit=batch_size_of(queue))
        return claimed


@contextmanager
def scraper(settings: Any) -> Iterator[Scraper]:
    """Open a worker's session in this process; needs the database."""
    session = Session(name="test-scraper", queues=list(QUEUES))
    session.worker_id = Worker.objects.create(name="test-scraper", hostname="here", pid=1, queues=list(QUEUES)).pk
    set_current_session(session)
    yield Scraper(session, settings)
    set_current_session(None)
    close_process_browser()


def list_jobs(sync: SyncRun) -> list[dict[str, Any]]:
    """Return what each list job of a sync was about and what came of it."""
    jobs = Job.objects.filter(grp=sync.group, task="scrape-catalog").order_by("pk")
    return [
        {"address": job.payload["address"], "kind": job.payload["kind"], "state": job.state, "result": job.result or {}}
        for job in jobs
    ]
