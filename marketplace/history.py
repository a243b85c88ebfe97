"""How long what has ended is kept for people to look back on: HISTORY_KEEP_DAYS."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from jobs.batch import Batch, NewJob
from jobs.models import FINAL_STATES, Job
from marketplace.accounts.models import Invitation
from marketplace.rechecks.models import Recheck

AT_ONCE = 500
MOST_A_RUN = 20_000  # then others on the queue have their turn


class Sweep(Protocol):
    """Deletes what is over, until it is asked to stop or MOST_A_RUN rows are gone; returns how many are."""

    def __call__(self, *, now: datetime, is_stopping: Callable[[], bool]) -> int: ...  # noqa: D102


def never() -> bool:
    """Return False: nobody asks to stop."""
    return False


def kept_since(now: datetime) -> datetime:
    """Return the instant before which what has ended is not kept any more."""
    return now - timedelta(days=settings.HISTORY_KEEP_DAYS)


def delete_in_batches(
    *kinds: QuerySet[Any], is_stopping: Callable[[], bool] = never, at_once: int | None = None
) -> int:
    """Delete rows, and what hangs on them, at_once (AT_ONCE) in a transaction, MOST_A_RUN in all; return how many.

    Kinds go one after the other. Where it is MOST_A_RUN, there may be more; so too where it is to stop. A row that is
    no longer one of its kind when its turn comes stays.
    """
    total = 0
    for rows in kinds:
        while total < MOST_A_RUN and not is_stopping():
            most = min(at_once or AT_ONCE, MOST_A_RUN - total)
            ids = list(rows.order_by("pk").values_list("pk", flat=True)[:most])
            if not ids:
                break
            rows.filter(pk__in=ids).delete()
            total += len(ids)
    return total


def run_sweep(batch: Batch, sweep: Sweep) -> None:
    """Sweep for each job of the batch; where one run does not take all, a job that follows goes on."""
    for job in batch:
        deleted = sweep(now=timezone.now(), is_stopping=batch.is_stopping)
        if batch.is_stopping():
            batch.release(job)
            continue
        follow_ups = [NewJob(job.task, job.payload)] if deleted >= MOST_A_RUN else []
        batch.complete(job, result={"deleted": deleted}, then=follow_ups)


def sweep_history(*, now: datetime, is_stopping: Callable[[], bool] = never) -> int:
    """Delete invitations and rechecks that ended long ago; return how many."""
    return delete_in_batches(old_invitations(now), old_rechecks(now), is_stopping=is_stopping)


def old_invitations(now: datetime) -> QuerySet[Invitation]:
    """Find the invitations that were used, or had expired, before what is kept."""
    old = kept_since(now)
    return Invitation.objects.filter(Q(accepted_at__lt=old) | Q(accepted_at=None, expires_at__lt=old))


def old_rechecks(now: datetime) -> QuerySet[Recheck]:
    """Find the rechecks that were asked for before what is kept, and on which no job works any more."""
    group = Concat(Value("recheck:"), Cast(OuterRef("pk"), TextField()))
    live = Job.objects.filter(grp=group).exclude(state__in=FINAL_STATES)
    return Recheck.objects.filter(~Exists(live), asked_at__lt=kept_since(now))
