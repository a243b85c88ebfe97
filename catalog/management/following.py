"""Following a sync from a terminal: its stages as bars until it has ended."""

import time

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jobs.models import FINAL_STATES
from jobs.stats import group_counts
from marketplace.models import SyncRun

POLL_S = 0.25
STAGES = (
    "scrape-catalog",
    "scrape-product",
    "process-images",
    "generate-embedding",
    "quality-control",
    "index-product",
)


def wait_for_end(sync: SyncRun, *, give_up_at: float) -> None:
    """Return when the sync has ended; show its stages meanwhile if somebody looks.

    Args:
        sync: is up to date afterwards.
        give_up_at: on the monotonic clock.

    Raises:
        CommandError: it still runs then.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        rows = {stage: progress.add_task(stage, total=None, visible=False) for stage in STAGES}
        while sync.status == SyncRun.Status.RUNNING:
            if time.monotonic() > give_up_at:
                raise CommandError(f"sync {sync.pk} still runs; stopped waiting")
            time.sleep(POLL_S)  # the database has nobody to tell us
            sync.refresh_from_db()
            if not progress.disable:
                _show(progress, rows, sync)


def _show(progress: Progress, rows: dict[str, TaskID], sync: SyncRun) -> None:
    for stage, states in group_counts(sync.group).items():
        if stage in rows:
            done = sum(jobs for state, jobs in states.items() if state in FINAL_STATES)
            progress.update(rows[stage], completed=done, total=sum(states.values()), visible=True)
