"""The marketplace's own tasks; those of accounts, notifications and webhooks have modules of their own."""

from datetime import datetime

from django.utils import timezone

from jobs.batch import Batch
from jobs.registry import task
from marketplace.accounts import tasks as _account_tasks  # noqa: F401
from marketplace.history import run_sweep
from marketplace.history import sweep_history as delete_history
from marketplace.notifications import tasks as _notification_tasks  # noqa: F401
from marketplace.resync import slot_at, start_due_syncs
from marketplace.webhooks import tasks as _webhook_tasks  # noqa: F401


@task(queue="sync-seller", attempts=3)
def resync_sellers(batch: Batch) -> None:
    """Start the daily syncs of the slot in which the job was due; running twice starts nothing twice."""
    for job in batch:
        now = timezone.now()
        due_at = job.meta.get("due_at")
        slot = slot_at(datetime.fromisoformat(due_at) if due_at else now)
        started = start_due_syncs(now=now, slot=slot)
        batch.complete(job, result={"slot": slot, "started": len(started)})


@task(queue="sync-seller", attempts=3)
def sweep_history(batch: Batch) -> None:
    """Delete invitations and rechecks whose time is over; running twice deletes no more."""
    run_sweep(batch, delete_history)
