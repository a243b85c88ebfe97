"""What scraping jobs leave: kept for a set time, read back, and swept."""

import json
import zlib
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from catalog.models import ScrapingJob
from catalog.scraping.contract import Found
from jobs.models import LIVE_STATES, Job, State
from jobs.progress import progress_pct
from marketplace.history import delete_in_batches
from marketplace.models import Seller

ABANDONED_AFTER = timedelta(hours=1)
Status = ScrapingJob.Status


def keep_result(row: ScrapingJob, found: Found) -> None:
    """Put into the row what was found, so far or in all."""
    row.raw_result = zlib.compress(json.dumps(found, cls=DjangoJSONEncoder, ensure_ascii=False).encode())


def raw_result_of(row: ScrapingJob) -> Found | None:
    """Return what was found, so far or in all; None when nothing was."""
    if row.raw_result is None:
        return None
    found: Found = json.loads(zlib.decompress(row.raw_result))
    return found


def end(row: ScrapingJob, status: str) -> None:
    """Set the row's end, and when its time is over. One that failed keeps its steps, so that staff can retry it."""
    row.status = status
    if status != Status.FAILED:
        row.frontier = None
    row.finished_at = timezone.now()
    row.expires_at = row.finished_at + timedelta(days=settings.SCRAPING_RESULT_KEEP_DAYS)


def scraping_jobs_of(seller: Seller) -> QuerySet[ScrapingJob]:
    """Return the seller's scraping jobs, without the bulk of their results."""
    return all_scraping_jobs().filter(seller=seller)


def all_scraping_jobs() -> QuerySet[ScrapingJob]:
    """Return all scraping jobs, without the bulk of their results."""
    return ScrapingJob.objects.select_related("site", "sync").defer("raw_result", "frontier")


def status_now(row: ScrapingJob) -> tuple[str, float]:
    """Return the row's status and percentage, with what its running step has said since they were stored."""
    if row.is_final:
        return row.status, row.progress_pct
    job = Job.objects.filter(pk=row.job_id or 0).only("pk", "state").first()
    if job is None:
        return row.status, row.progress_pct
    is_running = row.status == Status.RUNNING or job.state == State.RUNNING
    said = progress_pct(job) if job.state == State.RUNNING else 0.0
    return Status.RUNNING if is_running else Status.QUEUED, max(row.progress_pct, min(99.0, said))


def sweep_results(*, now: datetime) -> int:
    """Delete scraping jobs whose time is over, as many as one run may; return how many."""
    return delete_in_batches(ScrapingJob.objects.filter(expires_at__lt=now))


def end_abandoned() -> int:
    """End scraping jobs whose step was cancelled on the ledger, or is no longer there; return how many."""
    live = ScrapingJob.objects.filter(status__in=(Status.QUEUED, Status.RUNNING), job_id__isnull=False)
    old = live.filter(created_at__lt=Now() - ABANDONED_AFTER)
    steps = {pk: job_id or 0 for pk, job_id in old.values_list("pk", "job_id")}
    living = set(Job.objects.filter(pk__in=list(steps.values()), state__in=LIVE_STATES).values_list("pk", flat=True))
    over = {pk: job_id for pk, job_id in steps.items() if job_id not in living}
    return sum(_end_if_at(pk, job_id) for pk, job_id in over.items())


def _end_if_at(pk: UUID, job_id: int) -> bool:
    """End a scraping job as cancelled, unless it has ended, or has gone on to another step."""
    with transaction.atomic():
        row = ScrapingJob.objects.select_for_update().filter(pk=pk, job_id=job_id).first()
        if row is None or row.is_final:
            return False
        end(row, Status.CANCELLED)
        row.save()
    return True
