"""Cancel jobs: one, a tree, a group, or all that match.

What does not run yet is cancelled at once; what runs is marked, and ends as cancelled whatever it does.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from jobs import audit
from jobs.models import FINAL_STATES, LIVE_STATES, Job, State
from jobs.workflows import cancel_live

JOBS_A_STEP = 2_000
# Jobs that are being claimed or settled at this moment are locked, for milliseconds: look again, this many times.
TRIES = 50
TRY_AGAIN_S = 0.02

CANCELLED = "jobs.cancelled"

# It waits for no lock while it holds others, so that it and a settlement cannot deadlock.
_LOCK = "SELECT id FROM jobs_job WHERE id = ANY (%s) ORDER BY id FOR UPDATE SKIP LOCKED"

_DEPENDENTS = """
SELECT DISTINCT job.id
  FROM jobs_jobdependency waits
  JOIN jobs_job job ON job.id = waits.job_id
 WHERE waits.on_id = ANY (%s) AND NOT waits.runs_anyway AND job.state = 'waiting'
"""

# A child's id is always greater than its parent's, so that this ends.
_LIVE_IN_TREE = """
WITH RECURSIVE tree AS (
    SELECT id FROM jobs_job WHERE id = ANY (%s)
     UNION ALL
    SELECT child.id FROM tree JOIN jobs_job child ON child.parent_id = tree.id AND child.id > tree.id)
SELECT job.id FROM tree JOIN jobs_job job USING (id)
 WHERE NOT job.is_cancelling AND job.state IN ('waiting', 'scheduled', 'gated', 'pending', 'running')
 ORDER BY job.id LIMIT %s
"""


class AlreadyFinal(Exception):
    """The job has ended already."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What a cancellation did: jobs that ended at once, running ones that it marked, and whether it left any."""

    ended: int = 0
    marked: int = 0
    is_more_left: bool = False

    def __add__(self, other: "Cancelled") -> "Cancelled":
        return Cancelled(self.ended + other.ended, self.marked + other.marked, self.is_more_left or other.is_more_left)

    @property
    def total(self) -> int:
        """How many jobs it was."""
        return self.ended + self.marked


def cancel_job(job_id: int, *, actor: str, reason: str) -> Cancelled:
    """Cancel one job, and those that wait for it in vain.

    Raises:
        Job.DoesNotExist: there is no such job.
        AlreadyFinal: it has ended.
    """
    with transaction.atomic():
        job = Job.objects.select_for_update().only("state").get(pk=job_id)  # holds nothing else while it waits
        if job.state in FINAL_STATES:
            raise AlreadyFinal(f"job {job_id} is {job.state}")
        done = cancel_now([job_id], reason=reason)
        audit.record(actor=actor, action="cancel", subject=f"job {job_id}", reason=reason, count=done.total)
    return done


def cancel_matching(
    jobs: QuerySet[Job], *, matching: dict[str, Any], actor: str, reason: str, limit: int | None = None
) -> Cancelled:
    """Cancel all live jobs among `jobs`, in steps that each commit and leave an audit row.

    Args:
        jobs: which; those that are final are left alone.
        matching: the same in words, for the audit log.
        actor: who cancels.
        reason: why.
        limit: stop after about so many; the answer says whether more are left.
    """
    live = jobs.filter(state__in=LIVE_STATES, is_cancelling=False).order_by("pk").values_list("pk", flat=True)
    done = Cancelled()
    for step in _steps(live):
        done += _cancel_step(step, subject="jobs", matching=matching, actor=actor, reason=reason)
        if limit is not None and done.total >= limit:
            return done + Cancelled(is_more_left=live.exists())
    if not done.total:
        audit.record(actor=actor, action="cancel", subject="jobs", reason=reason, matching=matching, count=0)
    return done


def cancel_group(name: str, *, actor: str, reason: str) -> Cancelled:
    """Cancel all live jobs of a group. Its follow-up then starts as after any group that was not all completed."""
    return cancel_matching(Job.objects.filter(grp=name), matching={"group": name}, actor=actor, reason=reason)


def cancel_tree(job_id: int, *, actor: str, reason: str) -> Cancelled:
    """Cancel a job and all that came of it, until nothing that lives is left unmarked.

    A job that runs may start children until it ends: they are found by the next round.

    Raises:
        Job.DoesNotExist: there is no such job.
    """
    Job.objects.only("pk").get(pk=job_id)
    done = Cancelled()
    while ids := _live_in_tree(job_id):
        step = _cancel_step(ids, subject=f"tree of job {job_id}", matching=None, actor=actor, reason=reason)
        done += step
        if step.is_more_left:
            break
    if not done.total:
        audit.record(actor=actor, action="cancel", subject=f"tree of job {job_id}", reason=reason, count=0)
    return done


def cancel_now(ids: Sequence[int], *, reason: str) -> Cancelled:
    """Cancel jobs and those that wait for them in vain, in the caller's transaction; leaves no audit row.

    Jobs that another transaction holds are left alone.
    """
    states: Counter[str] = Counter()
    wanted = list(ids)
    with transaction.atomic(), connection.cursor() as cursor:
        while wanted:
            cursor.execute(_LOCK, [wanted])
            locked = [row[0] for row in cursor.fetchall()]
            found = cancel_live(locked, code=CANCELLED, message=reason)
            states.update(found.values())
            ended = [job_id for job_id, state in found.items() if state == State.CANCELLED]
            if not ended:
                break
            cursor.execute(_DEPENDENTS, [ended])
            wanted = [row[0] for row in cursor.fetchall()]
    return Cancelled(ended=states[State.CANCELLED], marked=states[State.RUNNING])


def _steps(live: QuerySet[Job, int]) -> Iterator[list[int]]:
    last = 0
    while step := list(live.filter(pk__gt=last)[:JOBS_A_STEP]):
        yield step
        last = step[-1]


def _cancel_step(
    ids: Sequence[int], *, subject: str, matching: dict[str, Any] | None, actor: str, reason: str
) -> Cancelled:
    done = Cancelled()
    for _ in range(TRIES):
        with transaction.atomic():
            found = cancel_now(ids, reason=reason)
            if found.total:
                audit.record(
                    actor=actor, action="cancel", subject=subject, reason=reason, matching=matching, count=found.total
                )
        done += found
        if not Job.objects.filter(pk__in=ids, state__in=LIVE_STATES, is_cancelling=False).exists():
            return done
        time.sleep(TRY_AGAIN_S)
    return done + Cancelled(is_more_left=True)


def _live_in_tree(root_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_LIVE_IN_TREE, [[root_id], JOBS_A_STEP])
        return [row[0] for row in cursor.fetchall()]
